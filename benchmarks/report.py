"""Figures as Markdown: for people, beside the JSON for programs."""

from collections.abc import Callable, Iterable, Sequence

from benchmarks.model import (
    Machine,
    Point,
    Run,
    ScalingFigures,
    Series,
    StackFigures,
    Verdict,
)
from benchmarks.statistic import median

_MB = 10**6
_GB = 10**9
_NOT_KNOWN = "-"


def stack_report(figures: StackFigures) -> str:
    """Everything about one stack."""
    return "\n\n".join(
        [
            _title(figures),
            describe(figures.machine, figures.command),
            *(["## Bars", bars_table(figures.verdicts)] if figures.verdicts else []),
            "## Side by side",
            contest_table(figures.contest),
            "## Building",
            builds_table(figures.builds),
            _starts(figures.starts),
            "## What was run",
            *(f"{one.name}:\n\n```sh\n{one.script}\n```" for one in figures.contest),
        ]
    )


def _title(figures: StackFigures) -> str:
    size = f"{figures.wheels_size / _GB:.2f} GB"
    return (
        f"# {figures.stack}: {figures.wheels} wheels, {size}, which become {figures.files:,} files"
    )


def _starts(starts: Sequence[float]) -> str:
    seconds = _number(median(starts), 2)
    return f"Installer to its first output: {seconds} s, median of {len(starts)} starts."


def scaling_report(figures: ScalingFigures) -> str:
    """Everything about time and memory against work."""
    return "\n\n".join(
        [
            "# Time and memory against work",
            describe(figures.machine, figures.command),
            "## Bars",
            bars_table(figures.verdicts),
            "## More and more wheels",
            *_points_section(figures.by_wheels),
            "## Larger and larger wheels",
            *_points_section(figures.by_payload),
        ]
    )


def describe(machine: Machine, command: str) -> str:
    """What it was measured on, and how to do so again."""
    tools = ", ".join(f"{name} {version}" for name, version in machine.tools.items())
    return (
        f"{machine.time}, revision {machine.revision}, {machine.cpu}, {machine.cores} cores, "
        f"{machine.memory / _GB:.0f} GB of memory, {machine.file_system}, Linux {machine.kernel}, "
        f"load {machine.load} at the start; {tools}.\n\n```sh\n{command}\n```"
    )


def bars_table(verdicts: Iterable[Verdict]) -> str:
    """What must be met, and whether it is."""
    words = {True: "yes", False: "**no**", None: "not measured"}
    return _table(
        ("bar", "limit", "measured", "met"),
        (
            (
                verdict.bar,
                f"≤ {verdict.limit:g} {verdict.unit}",
                _with_unit(verdict),
                words[verdict.met],
            )
            for verdict in verdicts
        ),
    )


def _with_unit(verdict: Verdict) -> str:
    if verdict.measured is None:
        return _NOT_KNOWN
    return f"{verdict.measured:.3g} {verdict.unit}"


def contest_table(contest: Iterable[Series]) -> str:
    """The ways beside each other."""
    columns: dict[str, Callable[[Series], str]] = {
        "what": lambda one: one.name,
        "needs there": lambda one: one.needs,
        "carried, MB": lambda one: _number(_scaled(one.size, _MB)),
        "making it, s": lambda one: _number(one.making.seconds if one.making else None),
        "seconds": _spread,
        "without checks": lambda one: _number(one.median(lambda run: run.own_seconds), 1),
        "CPU, s": lambda one: _number(one.median(lambda run: run.own_cpu_seconds), 1),
        "memory, MB": lambda one: _megabytes(one, lambda run: run.memory),
        "temporary disk, MB": lambda one: _number(one.disk.temporary / _MB if one.disk else None),
        "stays, MB": lambda one: _number(one.disk.lasting / _MB if one.disk else None),
    }
    failed = [
        f"{one.name} is not measured to the end. {one.failure}" for one in contest if one.failure
    ]
    table = _table(columns, ([cell(one) for cell in columns.values()] for one in contest))
    return "\n\n".join([table, *failed])


def builds_table(builds: Iterable[Series]) -> str:
    """The builder's own figures."""
    return _table(
        ("what", "seconds", "CPU, s", "memory, MB", "longest phases, s"),
        (
            (
                one.name,
                one.failure or _spread(one),
                _number(one.median(lambda run: run.own_cpu_seconds), 1),
                _megabytes(one, lambda run: run.memory),
                ", ".join(f"{name} {seconds:.1f}" for name, seconds in longest_phases(one)[:3]),
            )
            for one in builds
        ),
    )


def longest_phases(series: Series) -> list[tuple[str, float]]:
    """Phase and median seconds, the longest first."""
    names = dict.fromkeys(name for run in series.runs for name in run.phases)
    medians = {name: median([run.phases.get(name, 0.0) for run in series.runs]) for name in names}
    known = [(name, value) for name, value in medians.items() if value is not None]
    return sorted(known, key=lambda item: -item[1])


def _points_section(points: Sequence[Point]) -> Iterable[str]:
    programs: tuple[tuple[str, Callable[[Point], Series]], ...] = (
        ("building", lambda point: point.build),
        ("installing", lambda point: point.install),
    )
    yield points_table(points)
    for name, get in programs:
        yield f"Seconds by phase, {name}:"
        yield phases_table(points, get)


def points_table(points: Iterable[Point]) -> str:
    """A row for each amount of work."""
    return _table(
        (
            *("wheels", "files", "payload, MB", "bundle, MB", "build, s", "memory, MB"),
            *("install, s", "memory, MB"),
        ),
        (
            (
                f"{point.wheels:,}",
                f"{point.files:,}",
                _number(point.payload / _MB),
                _number(point.bundle / _MB),
                *(_spread(point.build), _megabytes(point.build, lambda run: run.memory)),
                *(_spread(point.install), _megabytes(point.install, lambda run: run.memory)),
            )
            for point in points
        ),
    )


def phases_table(points: Sequence[Point], get: Callable[[Point], Series]) -> str:
    """Where the time goes as the work grows: a row for each phase, a column for each point."""
    seconds = [dict(longest_phases(get(point))) for point in points]
    names = sorted({name for one in seconds for name in one}, key=lambda n: -seconds[-1].get(n, 0))
    heads = [f"{point.wheels:,} wheels, {point.payload / _MB:,.0f} MB" for point in points]
    return _table(
        ("phase", *heads),
        ((name, *(_number(one.get(name), 1) for one in seconds)) for name in names),
    )


def _spread(series: Series) -> str:
    values = [run.seconds for run in series.runs]
    if not values:
        return _NOT_KNOWN
    return f"{_number(median(values), 1)} ({min(values):.1f} to {max(values):.1f})"


def _megabytes(series: Series, figure: Callable[[Run], float]) -> str:
    return _number(_scaled(series.median(figure), _MB))


def _scaled(value: float | None, unit: int) -> float | None:
    return None if value is None else value / unit


def _number(value: float | None, digits: int = 0) -> str:
    return _NOT_KNOWN if value is None else f"{value:,.{digits}f}"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
