"""The bars are judged by medians, without the checks, and never by what is not there."""

import msgspec
import pytest

from benchmarks.bars import judge_scaling, judge_stack
from benchmarks.contestants import COPY, INSTALLER, MAKESELF, UV
from benchmarks.model import Disk, StackFigures, Verdict
from tests.support.figures import point, run, scaling_figures, series, stack_figures


def judged(figures: StackFigures) -> dict[str, Verdict]:
    return {verdict.bar: verdict for verdict in judge_stack(figures)}


@pytest.mark.parametrize(
    ("bar", "measured"),
    [
        ("bundle, default, to the sum of the wheels", 0.7),
        (f"installing without its checks, to {COPY}", 1.0),
        (f"installing without its checks, to {UV}", 0.5),
        (f"installing without its checks, to {MAKESELF}", 0.2),
        ("upgrade of one package, to installing, both without checks", 0.25),
        ("installer to its first output", 0.5),
        ("first build, wheels cached", 100.0),
        ("second build, nothing changed", 20.0),
        ("memory of the builder", 100.0),
        ("memory of the installer", 100.0),
        ("temporary disk of installing, in the target folder", 0.0),
    ],
)
def test_a_bar_is_judged_by_its_figure(bar: str, measured: float) -> None:
    verdict = judged(stack_figures())[bar]
    assert verdict.measured == pytest.approx(measured)
    assert verdict.met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    verdict = judged(stack_figures())["bundle, small, to the sum of the wheels"]
    assert (verdict.measured, verdict.met) == (None, None)


def test_a_contestant_that_failed_judges_nobody() -> None:
    figures = stack_figures()
    contest = [one if one.name != COPY else series(COPY) for one in figures.contest]
    figures = msgspec.structs.replace(figures, contest=tuple(contest))
    assert judged(figures)[f"installing without its checks, to {COPY}"].met is None


def test_a_bar_is_missed() -> None:
    figures = stack_figures()
    disk = Disk(
        lasting=10, temporary=48_000_000, temporary_in_place=1, temporary_of_checks=50_000_000
    )
    contest = [
        one if one.name != INSTALLER else msgspec.structs.replace(one, disk=disk)
        for one in figures.contest
    ]
    verdicts = judged(msgspec.structs.replace(figures, contest=tuple(contest)))
    inside = verdicts["temporary disk of installing, in the target folder"]
    assert (inside.measured, inside.met) == (1e-6, False)
    everywhere = verdicts[
        "temporary disk of installing, anywhere, the program's own files included"
    ]
    assert (everywhere.measured, everywhere.met) == (48.0, False)


def test_growth_is_the_worst_of_all_tenfold_steps() -> None:
    figures = scaling_figures(
        point(10, build=1, install=1),
        point(100, build=2, install=11),
        # Not ten times as many.
        point(300, build=100, install=2000),
        point(1000, build=101, install=2001),
        point(10_000, build=102, install=2002),
    )
    growth = [v for v in judge_scaling(figures) if "10 times the wheels: time" in v.bar]
    assert [(v.measured, v.met) for v in growth] == [(2.0, True), (11.0, False)]


def test_memory_is_compared_from_end_to_end() -> None:
    small, large = 100_000_000, 210_000_000
    figures = scaling_figures(
        point(10, build=1, install=1, memory=small),
        point(100, build=1, install=1, memory=large),
        by_payload=(point(4, build=1, install=1), point(4, build=1, install=1, payload=10_000)),
    )
    memory = [v for v in judge_scaling(figures) if "memory" in v.bar]
    assert [v.measured for v in memory] == [1.0, 2.1, 1.0, 1.0]
    assert [v.met for v in memory] == [True, False, True, True]


def test_one_point_has_no_growth() -> None:
    verdicts = judge_scaling(scaling_figures(point(10, build=1, install=1)))
    assert {verdict.met for verdict in verdicts} == {None}


def test_time_without_checks_is_what_is_left() -> None:
    assert run(50, checks=30).own_seconds == 20
    assert run(50, checks=30).own_cpu_seconds == 21
    assert run(50).own_seconds == 50
