"""What is measured, as values that go to JSON as they are. Bytes and seconds throughout."""

from collections.abc import Callable, Iterable

import msgspec

from benchmarks.statistic import median


class Checks(msgspec.Struct, frozen=True, kw_only=True):
    """What the probes of an installation took, apart from the installation itself.

    Attributes:
        cpu_seconds: to within a poll for each process.
        memory: highest sum over their processes.
    """

    cpu_seconds: float
    memory: int


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """What a command has put on the disk.

    Attributes:
        lasting: how much more there is in the end than before.
        temporary: how much more than in the end there was at the highest, checks left out.
        temporary_in_place: of that, in the environment's own folder.
        temporary_of_checks: likewise, but from when the first check was there.
    """

    lasting: int
    temporary: int
    temporary_in_place: int
    temporary_of_checks: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One command, measured.

    Attributes:
        seconds: wall clock.
        user_seconds: of all processes.
        system_seconds: likewise.
        memory: highest sum over all processes but the checks'; see :mod:`benchmarks.measuring`.
        phases: seconds by phase, where the program tells.
        checks: None where there were none.
    """

    seconds: float
    user_seconds: float
    system_seconds: float
    memory: int
    phases: dict[str, float]
    checks: Checks | None

    @property
    def own_seconds(self) -> float:
        """Wall clock without the checks."""
        return self.seconds - self.phases.get("verify", 0.0)

    @property
    def own_cpu_seconds(self) -> float:
        """User and system, without the checks."""
        checks = self.checks.cpu_seconds if self.checks else 0.0
        return self.user_seconds + self.system_seconds - checks


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One thing, measured several times.

    Attributes:
        name: what it is called.
        runs: in the order in which they were made.
        script: what was run, in a shell, with comments; empty where the name says it.
        needs: what must be on the machine already.
        size: of what is carried there.
        disk: what it has put on the disk, in a run of its own.
        making: of that, once; None where the builder has made it, or nobody.
        failure: why it is not measured, or no longer; None where it is.
    """

    name: str
    runs: tuple[Run, ...]
    script: str = ""
    needs: str = ""
    size: int | None = None
    disk: Disk | None = None
    making: Run | None = None
    failure: str | None = None

    def median(self, figure: Callable[[Run], float]) -> float | None:
        """The median of one figure; None without runs."""
        return median([figure(run) for run in self.runs])


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What figures depend on.

    Attributes:
        time: when measuring began, RFC 3339, UTC.
        load: how busy others kept it then: processes, over the last minute.
        revision: of this repository.
        tools: program to version.
    """

    time: str
    cpu: str
    cores: int
    memory: int
    kernel: str
    file_system: str
    load: float
    revision: str
    tools: dict[str, str]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A bar, and whether it is met.

    Attributes:
        limit: the highest that will do.
        measured: None where it could not be.
        unit: of both.
    """

    bar: str
    limit: float
    measured: float | None
    unit: str

    @property
    def met(self) -> bool | None:
        """None where nothing was measured."""
        return None if self.measured is None else self.measured <= self.limit


class StackFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one stack.

    Attributes:
        command: repeats it.
        wheels: how many.
        wheels_size: the sum of the locked files.
        files: in the finished environment.
        bundles: compression to size; None where it could not be built.
        starts: seconds to the installer's first output.
        builds: of the builder.
        contest: side by side.
        verdicts: one for each bar that this can judge.
    """

    machine: Machine
    command: str
    stack: str
    wheels: int
    wheels_size: int
    files: int
    bundles: dict[str, int | None]
    starts: tuple[float, ...]
    builds: tuple[Series, ...]
    contest: tuple[Series, ...]
    verdicts: tuple[Verdict, ...] = ()


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One amount of work, built and installed.

    Attributes:
        wheels: how many.
        files: in all of them.
        payload: their sum.
        bundle: what became of it.
    """

    wheels: int
    files: int
    payload: int
    bundle: int
    build: Series
    install: Series


class ScalingFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Time and memory against work.

    Attributes:
        by_wheels: more and more small wheels, of the same count of files each.
        by_payload: the same few wheels, larger and larger.
    """

    machine: Machine
    command: str
    by_wheels: tuple[Point, ...]
    by_payload: tuple[Point, ...]
    verdicts: tuple[Verdict, ...] = ()


def find(series: Iterable[Series], name: str) -> Series:
    """The one of that name."""
    return next(one for one in series if one.name == name)
