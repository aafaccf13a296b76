"""The report names what was measured, what was not, and why."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.bars import judge_scaling, judge_stack
from benchmarks.files import write_figures
from benchmarks.model import ScalingFigures, StackFigures
from benchmarks.picture import GREY, draw_contest, draw_scaling
from benchmarks.report import bars_table, contest_table, scaling_report, stack_report
from tests.support.figures import point, scaling_figures, stack_figures


@pytest.fixture
def stack() -> StackFigures:
    figures = stack_figures()
    return msgspec.structs.replace(figures, verdicts=judge_stack(figures))


@pytest.fixture
def scaling() -> ScalingFigures:
    figures = scaling_figures(
        point(10, build=5, install=1),
        point(100, build=6, install=20),
        by_payload=(point(4, build=5, install=2, payload=1_000_000_000),),
    )
    return msgspec.structs.replace(figures, verdicts=judge_scaling(figures))


def test_bars_say_whether_they_are_met(scaling: ScalingFigures) -> None:
    lines = bars_table(scaling.verdicts).splitlines()
    assert "| building, 10 times the wheels: time | ≤ 10.5 times | 1.2 times | yes |" in lines
    assert "| installing, 10 times the wheels: time | ≤ 10.5 times | 20 times | **no** |" in lines
    assert lines[-1].endswith("| ≤ 1.1 times | - | not measured |")


def test_contestants_stand_beside_each_other(stack: StackFigures) -> None:
    table = contest_table(stack.contest)
    assert "| LLMSetup | nothing | 0 | - | 50.0 (40.0 to 300.0) | 20.0 |" in table
    assert "| pex, its venv |  | - | - | - | - | - | - | - | - |" in table
    assert "pex, its venv is not measured to the end. exit code 1: it does not start" in table


def test_a_report_tells_how_to_repeat_it(stack: StackFigures, scaling: ScalingFigures) -> None:
    for text, command in (
        (stack_report(stack), stack.command),
        (scaling_report(scaling), scaling.command),
    ):
        assert f"```sh\n{command}\n```" in text
        assert "A CPU, 2 cores, 24 GB of memory, ext4, Linux 6.1, load 0.5" in text
    assert "cu124: 74 wheels, 0.00 GB, which become 27,000 files" in stack_report(stack)


def test_a_stack_without_bars_has_no_table_of_them() -> None:
    assert "## Bars" not in stack_report(stack_figures())


def test_figures_can_be_read_back(stack: StackFigures, tmp_path: Path) -> None:
    for text in ("old", "text"):
        write_figures(stack, tmp_path / "a" / "new", "cu124", text)
    data = (tmp_path / "a" / "new" / "cu124.json").read_bytes()
    assert msgspec.json.decode(data, type=StackFigures) == stack
    assert (tmp_path / "a" / "new" / "cu124.md").read_text(encoding="utf-8") == "text\n"


def test_pictures_are_small_and_the_same_each_time(
    stack: StackFigures, scaling: ScalingFigures, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("a.svg", "b.svg", "c.svg", "d.svg")]
    for contest, points in (paths[:2], paths[2:]):
        draw_contest(stack, contest)
        draw_scaling(scaling, points)
    assert [path.read_bytes() for path in paths[:2]] == [path.read_bytes() for path in paths[2:]]
    assert max(path.stat().st_size for path in paths) < 60_000
    # Text is text, and who was not measured is not drawn.
    drawn = paths[0].read_text(encoding="utf-8")
    assert "makeself, pip install</text>" in drawn
    assert "pex" not in drawn


@pytest.mark.parametrize("background", ["#ffffff", "#0d1117"])
def test_text_can_be_read_on_light_and_dark(background: str) -> None:
    """Contrast as WCAG 2 counts it; large text needs 3."""
    lighter, darker = sorted((luminance(GREY), luminance(background)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) > 4


def luminance(colour: str) -> float:
    values = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
