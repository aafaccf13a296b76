"""The benchmarks run to their end, on little; their figures are nobody's concern here."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks.builds import FIRST, SECOND
from benchmarks.contestants import COPY, INSTALLER, MAKESELF, UPGRADE, UV
from benchmarks.model import ScalingFigures, Series, StackFigures, find
from tests.support.commands import ROOT
from tests.support.debian import require_debian

pytestmark = pytest.mark.slow

_TIMEOUT = 900


def run_benchmark(name: str, *arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments, "--runs", "1"],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
    )
    assert done.returncode == 0, done.stderr


def places(folder: Path) -> list[str | Path]:
    return ["--work", folder / "work", "--output", folder / "figures"]


def memory(series: Series) -> float:
    value = series.median(lambda run: run.memory)
    assert value is not None
    return value


def test_ways_to_install_are_compared(tmp_path: Path) -> None:
    require_debian("makeself", "p7zip-full")
    run_benchmark("stack", "small", "--cache", tmp_path / "cache", *places(tmp_path))
    assert not (tmp_path / "work").exists()
    data = (tmp_path / "figures" / "small.json").read_bytes()
    figures = msgspec.json.decode(data, type=StackFigures)
    assert {one.name: one.failure for one in figures.contest if one.failure} == {}
    assert {len(one.runs) for one in figures.contest} == {1}
    assert (figures.wheels, figures.verdicts) == (10, ())
    first, second = (find(figures.builds, name).runs[0] for name in (FIRST, SECOND))
    # Freezing counts as building, and is done once.
    assert first.own_cpu_seconds > second.own_cpu_seconds + 5
    assert second.phases["pack"] > 0

    contest = {one.name: one for one in figures.contest}
    (run,) = contest[INSTALLER].runs
    assert run.checks is not None
    assert run.checks.cpu_seconds > 0
    assert 0 < run.own_seconds < run.seconds
    assert memory(contest[INSTALLER]) > 20_000_000
    disk = {name: one.disk for name, one in contest.items() if one.disk}
    # The earlier one stays until the new one is live; wheels unpacked by others count.
    assert disk[UPGRADE].lasting < disk[INSTALLER].lasting / 2
    assert disk[UPGRADE].temporary > disk[INSTALLER].temporary_in_place
    assert disk[MAKESELF].temporary > 1_000_000
    assert disk[COPY].temporary == 0
    assert (contest[UV].size or 0) > figures.wheels_size


def test_growing_work_is_measured(tmp_path: Path) -> None:
    run_benchmark("scaling", "--wheels", "2", "20", "--gigabytes", "1", *places(tmp_path))
    assert not (tmp_path / "work").exists()
    data = (tmp_path / "figures" / "scaling.json").read_bytes()
    figures = msgspec.json.decode(data, type=ScalingFigures)
    assert [point.files for point in figures.by_wheels] == [200, 2000]
    (large,) = figures.by_payload
    assert large.payload > 1_000_000_000
    assert large.bundle > large.payload
    assert (tmp_path / "figures" / "scaling.svg").stat().st_size > 1000
    assert len(figures.verdicts) == 6
