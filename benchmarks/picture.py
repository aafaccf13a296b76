"""Figures as pictures: SVG with text as text, so that they stay small."""

from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.contestants import INSTALLER, UPGRADE
from benchmarks.model import Point, Run, ScalingFigures, Series, StackFigures

# Read on white and on near black alike; the background stays clear.
GREY = "#7a7a7a"
_OURS = "#3b82c4"
_OURS_CHECKS = "#9cc3e6"
_OTHERS = "#b08a4a"
_GB = 10**9
_MB = 10**6
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "llmsetup",
    "font.family": "sans-serif",
    "font.size": 9,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), GREY
    ),
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw_contest(figures: StackFigures, path: Path) -> None:
    """Seconds, what is carried, and temporary disk, of each contestant that was measured."""
    shown = [one for one in reversed(figures.contest) if one.runs]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10, 0.6 + 0.4 * len(shown)), layout="constrained")
        seconds, carried, disk = figure.subplots(1, 3, sharey=True, width_ratios=(3, 1, 1))
        names = [one.name for one in shown]
        _draw_seconds(seconds, shown)
        colours = [_colour(one) for one in shown]
        carried.barh(names, [(one.size or 0) / _GB for one in shown], color=colours)
        carried.set_xlabel("GB to carry")
        temporary = [one.disk.temporary / _GB if one.disk else 0.0 for one in shown]
        disk.barh(names, temporary, color=colours)
        disk.set_xlabel("GB of temporary disk")
        _save(figure, path)


def _draw_seconds(axes: Axes, shown: Sequence[Series]) -> None:
    names = [one.name for one in shown]
    own = [_median(one, lambda run: run.own_seconds) for one in shown]
    whole = [_median(one, lambda run: run.seconds) for one in shown]
    checks = [max(0.0, all_of_it - part) for all_of_it, part in zip(whole, own, strict=True)]
    axes.barh(names, own, color=[_colour(one) for one in shown])
    axes.barh(names, checks, left=own, color=_OURS_CHECKS)
    lowest = [min(run.own_seconds for run in one.runs) for one in shown]
    highest = [max(run.own_seconds for run in one.runs) for one in shown]
    axes.hlines(names, lowest, highest, colors=GREY, linewidth=1)
    axes.set_xlabel("seconds; light: its checks; line: fastest to slowest, without them")


def _colour(series: Series) -> str:
    return _OURS if series.name in (INSTALLER, UPGRADE) else _OTHERS


def _median(series: Series, figure: Callable[[Run], float]) -> float:
    return series.median(figure) or 0.0


def draw_scaling(figures: ScalingFigures, path: Path) -> None:
    """Time and memory against wheels and against payload, all axes logarithmic."""
    columns: list[tuple[Sequence[Point], str, Callable[[Point], float]]] = [
        (figures.by_wheels, "wheels of 100 files", lambda point: point.wheels),
        (figures.by_payload, "GB of payload", lambda point: point.payload / _GB),
    ]
    columns = [column for column in columns if column[0]]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(5 * len(columns), 6), layout="constrained")
        rows = figure.subplots(2, len(columns), squeeze=False, sharex="col", sharey="row")
        for place, (points, label, work) in enumerate(columns):
            amounts = [work(point) for point in points]
            _draw_points(rows[0][place], amounts, points, lambda run: run.seconds)
            _draw_points(rows[1][place], amounts, points, lambda run: run.memory / _MB)
            rows[1][place].set_xticks(amounts, [f"{amount:,.0f}" for amount in amounts])
            rows[1][place].set_xlabel(label)
        for axes, label in ((rows[0][0], "seconds"), (rows[1][0], "MB of memory")):
            axes.set_ylabel(label)
            _widen(axes)
        rows[0][0].legend(frameon=False, loc="upper left")
        _save(figure, path)


def _draw_points(
    axes: Axes, amounts: Sequence[float], points: Sequence[Point], figure: Callable[[Run], float]
) -> None:
    builds = [_median(point.build, figure) for point in points]
    installs = [_median(point.install, figure) for point in points]
    axes.plot(amounts, builds, marker="o", color=_OTHERS, label="building")
    axes.plot(amounts, installs, marker="o", color=_OURS, label="installing")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.minorticks_off()
    axes.grid(color=GREY, alpha=0.3)


def _widen(axes: Axes) -> None:
    """From one power of ten to another: there alone are labels."""
    low, high = axes.get_ylim()
    axes.set_ylim(10 ** floor(log10(low)), 10 ** ceil(log10(high)))


def _save(figure: Figure, path: Path) -> None:
    # Without a date: the same figures give the same file.
    figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
