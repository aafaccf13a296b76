"""Lets the contestants take turns: everybody once in each round, in a folder that is empty."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.attic import Attic
from benchmarks.building import size_of
from benchmarks.contestants import ENVIRONMENT, Contestant, Kit, search_path
from benchmarks.disk import measure_disk
from benchmarks.measuring import CommandFailedError, measure, warm
from benchmarks.model import Disk, Run, Series
from benchmarks.rounds import rotated


class Contest:
    """The contestants and what was measured of them so far.

    Args:
        contestants: who takes part.
        kit: what they are made of.
        work: a folder; each run gets an empty one in it.
        tell: hears what is going on.
    """

    def __init__(
        self,
        contestants: Sequence[Contestant],
        kit: Kit,
        work: Path,
        tell: Callable[[str], None],
    ) -> None:
        self._contestants = contestants
        self._kit = kit
        self._work = work
        self._attic = Attic(work / "attic")
        self._tell = tell
        self._making = dict[str, Run]()
        self._disk = dict[str, Disk]()
        self._runs: dict[str, list[Run]] = {one.name: [] for one in contestants}
        self._failures = dict[str, str]()

    def make_artefacts(self) -> None:
        """Once, whatever the number of rounds; who fails is out."""
        for contestant in self._contestants:
            if contestant.make:
                with self._failing(contestant), self._place(contestant) as (folder, environment):
                    warm([self._kit.wheelhouse])
                    run = measure(_shell(contestant.make), cwd=folder, environment=environment)
                    self._making[contestant.name] = run
                    self._tell(f"make {contestant.carried[0].name}: {run.seconds:.1f} s")

    def look_at_disk(self) -> None:
        """A round whose time does not count; who fails is out."""
        for contestant in self._left():
            with self._failing(contestant), self._prepared(contestant) as (folder, environment):
                self._disk[contestant.name] = measure_disk(
                    _shell(contestant.install),
                    folder=folder,
                    place=folder / ENVIRONMENT,
                    environment=environment,
                )
                self._tell(f"disk, {contestant.name}: {self._disk[contestant.name]}")

    def hold_round(self, number: int) -> None:
        """Everybody once; who fails is out."""
        for contestant in rotated(self._left(), number):
            with self._failing(contestant), self._prepared(contestant) as (folder, environment):
                run = measure(_shell(contestant.install), cwd=folder, environment=environment)
                self._runs[contestant.name].append(run)
                self._tell(f"round {number + 1}, {contestant.name}: {run.seconds:.1f} s")

    def series(self) -> tuple[Series, ...]:
        """What there is so far."""
        return tuple(
            Series(
                name=one.name,
                runs=tuple(self._runs[one.name]),
                script=one.script,
                needs=one.needs,
                size=size_of(*one.carried) if one.carried[0].exists() else None,
                disk=self._disk.get(one.name),
                making=self._making.get(one.name),
                failure=self._failures.get(one.name),
            )
            for one in self._contestants
        )

    def _left(self) -> list[Contestant]:
        return [one for one in self._contestants if one.name not in self._failures]

    @contextmanager
    def _prepared(self, contestant: Contestant) -> Iterator[tuple[Path, dict[str, str]]]:
        """A place where everything is as it must be before installing."""
        with self._place(contestant) as (folder, environment):
            if contestant.before:
                measure(_shell(contestant.before), cwd=folder, environment=environment)
            warm(contestant.carried)
            yield folder, environment

    @contextmanager
    def _place(self, contestant: Contestant) -> Iterator[tuple[Path, dict[str, str]]]:
        """An empty folder, away with all that is in it when the context ends, and variables."""
        folder = self._work / "run"
        home, temporary = folder / "home", folder / "tmp"
        home.mkdir(parents=True)
        temporary.mkdir()
        # What pip, uv and pex keep in their caches goes, too: the machine is always new.
        environment = {
            **self._kit.variables(contestant),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PATH": search_path(),
            "TMPDIR": str(temporary),
        }
        try:
            yield folder, environment
        finally:
            self._attic.take(folder)

    @contextmanager
    def _failing(self, contestant: Contestant) -> Iterator[None]:
        try:
            yield
        except CommandFailedError as error:
            self._failures[contestant.name] = str(error)
            self._tell(f"{contestant.name} is out: {error}")


def _shell(lines: str) -> list[str]:
    return ["sh", "-euc", lines]
