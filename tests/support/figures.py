"""Made-up figures of benchmarks."""

from benchmarks.builds import DEFAULT, FIRST, SECOND, SMALL
from benchmarks.contestants import COPY, INSTALLER, MAKESELF, PEX, UPGRADE, UV
from benchmarks.model import (
    Checks,
    Disk,
    Machine,
    Point,
    Run,
    ScalingFigures,
    Series,
    StackFigures,
)

MACHINE = Machine(
    time="2026-11-24T00:00:00+00:00",
    cpu="A CPU",
    cores=2,
    memory=24_000_000_000,
    kernel="6.1",
    file_system="ext4",
    load=0.5,
    revision="abc",
    tools={"uv": "0.9"},
)


def run(seconds: float, *, memory: int = 100_000_000, checks: float = 0.0) -> Run:
    """A run that took so many seconds, of which the checks took some."""
    return Run(
        seconds=seconds,
        user_seconds=seconds,
        system_seconds=1.0,
        memory=memory,
        phases={"install": seconds - checks, "verify": checks} if checks else {},
        checks=Checks(cpu_seconds=checks, memory=900_000_000) if checks else None,
    )


def series(name: str, *runs: Run) -> Series:
    """Runs with a name, and nothing on the disk but what stays."""
    disk = Disk(lasting=10, temporary=0, temporary_in_place=0, temporary_of_checks=0)
    return Series(name=name, runs=runs, script="true", needs="nothing", size=70, disk=disk)


def stack_figures() -> StackFigures:
    """All bars are met, but for the last build, which is missing, and one that has failed."""
    return StackFigures(
        machine=MACHINE,
        command="python -m benchmarks.stack cu124",
        stack="cu124",
        wheels=74,
        wheels_size=100,
        files=27_000,
        bundles={DEFAULT: 70, SMALL: None},
        starts=(0.4, 0.5, 3.0),
        builds=(series(FIRST, run(100.0)), series(SECOND, run(20.0))),
        contest=(
            # Medians: 50 in all, 20 without the checks.
            series(INSTALLER, run(50, checks=30), run(40, checks=20), run(300, checks=30)),
            series(UPGRADE, run(35, checks=30)),
            series(COPY, run(20)),
            series(UV, run(40)),
            series(MAKESELF, run(100)),
            Series(name=PEX, runs=(), failure="exit code 1: it does not start"),
        ),
    )


def point(
    wheels: int, *, build: float, install: float, memory: int = 100_000_000, payload: int = 1000
) -> Point:
    """So many wheels, built and installed in so many seconds."""
    return Point(
        wheels=wheels,
        files=wheels * 100,
        payload=payload,
        bundle=payload,
        build=series("build", run(build)),
        install=series("install", run(install, memory=memory)),
    )


def scaling_figures(*by_wheels: Point, by_payload: tuple[Point, ...] = ()) -> ScalingFigures:
    """Figures of these points."""
    return ScalingFigures(
        machine=MACHINE,
        command="python -m benchmarks.scaling",
        by_wheels=by_wheels,
        by_payload=by_payload,
    )
