"""The bars that the project has set itself, judged by what was measured."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from benchmarks.builds import DEFAULT, FIRST, SECOND, SMALL
from benchmarks.contestants import COPY, INSTALLER, MAKESELF, UPGRADE, UV
from benchmarks.model import Point, Run, ScalingFigures, Series, StackFigures, Verdict, find
from benchmarks.statistic import median, ratio

MB = 10**6
# Up to this factor a figure counts as the same: memory is handed out in large pieces.
_SAME = 1.1
_TEN_TIMES = 10.5
_MOST_MEMORY = 300.0


def judge_stack(figures: StackFigures) -> tuple[Verdict, ...]:
    """Every bar that the figures of one stack can tell."""
    return (
        *_sizes(figures),
        *_installing(figures.contest),
        Verdict(
            bar="installer to its first output",
            limit=0.8,
            measured=median(figures.starts),
            unit="s",
        ),
        *_building(figures.builds),
        *_frugality(figures),
    )


def _sizes(figures: StackFigures) -> Iterator[Verdict]:
    for compression, limit in ((DEFAULT, 0.74), (SMALL, 0.70)):
        yield Verdict(
            bar=f"bundle, {compression}, to the sum of the wheels",
            limit=limit,
            measured=ratio(figures.bundles[compression], figures.wheels_size),
            unit="times",
        )


def _installing(contest: Sequence[Series]) -> Iterator[Verdict]:
    own = _own_seconds(find(contest, INSTALLER))
    for other, limit in ((COPY, 1.35), (UV, 0.60), (MAKESELF, 0.25)):
        yield Verdict(
            bar=f"installing without its checks, to {other}",
            limit=limit,
            measured=ratio(own, _own_seconds(find(contest, other))),
            unit="times",
        )
    yield Verdict(
        bar="upgrade of one package, to installing, both without checks",
        limit=0.25,
        measured=ratio(_own_seconds(find(contest, UPGRADE)), own),
        unit="times",
    )


def _own_seconds(series: Series) -> float | None:
    return series.median(lambda run: run.own_seconds)


def _building(builds: Sequence[Series]) -> Iterator[Verdict]:
    for name, limit in ((FIRST, 150.0), (SECOND, 25.0)):
        measured = find(builds, name).median(lambda run: run.seconds)
        yield Verdict(bar=name, limit=limit, measured=measured, unit="s")


def _frugality(figures: StackFigures) -> Iterator[Verdict]:
    installer = find(figures.contest, INSTALLER)
    for who, series in (("builder", find(figures.builds, FIRST)), ("installer", installer)):
        yield Verdict(
            bar=f"memory of the {who}",
            limit=_MOST_MEMORY,
            measured=_in_mb(series, lambda run: run.memory),
            unit="MB",
        )
    disk = installer.disk
    for where, used in (
        ("in the target folder", disk.temporary_in_place if disk else None),
        ("anywhere, the program's own files included", disk.temporary if disk else None),
    ):
        yield Verdict(
            bar=f"temporary disk of installing, {where}",
            limit=0.0,
            measured=None if used is None else used / MB,
            unit="MB",
        )


def _in_mb(series: Series, figure: Callable[[Run], float]) -> float | None:
    value = series.median(figure)
    return None if value is None else value / MB


def judge_scaling(figures: ScalingFigures) -> tuple[Verdict, ...]:
    """Every bar on how the programs scale."""
    points = figures.by_wheels
    tenfold = [(a, b) for a, b in pairwise(points) if b.wheels == 10 * a.wheels]
    return (
        *_both("10 times the wheels: time", _TEN_TIMES, lambda get: _worst_growth(tenfold, get)),
        *_both("10 times the wheels: memory", _SAME, lambda get: _spread(points, get)),
        *_both(
            "the largest payload to the smallest: memory",
            _SAME,
            lambda get: _spread(figures.by_payload, get),
        ),
    )


_Get = Callable[[Point], Series]


def _both(bar: str, limit: float, measured: Callable[[_Get], float | None]) -> Iterator[Verdict]:
    programs: tuple[tuple[str, _Get], ...] = (
        ("building", lambda point: point.build),
        ("installing", lambda point: point.install),
    )
    for name, get in programs:
        yield Verdict(bar=f"{name}, {bar}", limit=limit, measured=measured(get), unit="times")


def _worst_growth(pairs: Sequence[tuple[Point, Point]], get: _Get) -> float | None:
    grown = [ratio(_seconds(get(more)), _seconds(get(less))) for less, more in pairs]
    return max((value for value in grown if value is not None), default=None)


def _spread(points: Sequence[Point], get: _Get) -> float | None:
    """How much more memory the most work takes than the least."""
    if len(points) < 2:  # noqa: PLR2004 (one point has no growth)
        return None
    first, last = (get(point).median(lambda run: run.memory) for point in (points[0], points[-1]))
    return ratio(last, first)


def _seconds(series: Series) -> float | None:
    return series.median(lambda run: run.seconds)
