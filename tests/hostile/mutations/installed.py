"""Damaged bundles that are really started and installed, over nothing and over an older version."""

import queue
import shlex
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bootstrap.bundle.reader import BundleReader
from tests.faults.bundles import Bundles, build_bundles
from tests.faults.judge import judge_ending
from tests.faults.place import Ended, Place, in_memory
from tests.faults.scenarios import UPGRADE, Command, Scenario
from tests.hostile.figures import Figures, Work
from tests.hostile.mutations import measured as measuring
from tests.hostile.mutations.changes import Mutant, mutate, spread
from tests.hostile.mutations.subjects import Subject, write

_DONE, _DAMAGED, _NOT_TRUSTED = 0, 10, 11
_CODES = frozenset({_DAMAGED, _NOT_TRUSTED})
_NEW = Command(bundle="new")
_FRESH = Scenario(name="fresh-new", before=(), command=_NEW)
_SCENARIOS = (_FRESH, UPGRADE)
# How the bundles are built, by the name of the kind.
_OPTIONS = {
    "installed-store": ("--compression", "store"),
    "installed-fast": ("--compression", "fast"),
    "installed-volumes": ("--compression", "fast", "--volume-size", "8MB"),
}
KINDS = tuple(_OPTIONS)
# Of a process and what it starts; an intact bundle takes a tenth of it.
_LIMITS = ("prlimit", f"--as={4 << 30}", "--cpu=120", f"--fsize={1 << 30}", "--")
_MEMORY = 200 << 20
# One in so many is started as users do, from the damaged file itself.
_FROZEN_EACH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One mutant and what is done with it."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"

    @property
    def frozen(self) -> bool:
        """The damaged file itself is started."""
        return self.number % _FROZEN_EACH == 0

    @property
    def scenario(self) -> Scenario:
        """What was there before."""
        return _SCENARIOS[self.number // _FROZEN_EACH % len(_SCENARIOS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of it.

    Attributes:
        code: that it ended with.
        dead: it died before any code of ours.
        problems: what was broken.
    """

    case: Case
    told: str
    code: int
    dead: bool
    problems: tuple[str, ...]


def run(work: Work) -> Figures:
    """As many as were asked for, of each kind the same number."""
    judged: list[Judged] = []
    for kind in KINDS:
        cases = [Case(kind=kind, number=n) for n in spread(-(-work.installed // len(KINDS)))]
        judged += judge_all(cases, work)
    broken = tuple(
        f"{one.told}: {'; '.join(one.problems)}\n  again: "
        + shlex.join(["python", "-m", "tests.hostile", "--mutation", str(one.case)])
        for one in judged
        if one.problems
    )
    good = [one for one in judged if not one.problems]
    dead = sum(one.dead for one in good)
    harmless = sum(one.code == _DONE for one in good)
    return Figures(
        tried=len(judged),
        refused=len(good) - dead - harmless,
        broken=broken,
        notes=f"{dead} died in PyInstaller's bootloader, which was itself what was damaged; "
        f"{harmless} had damage in what installing does not use, and installed exactly the rest",
    )


def judge_all(cases: list[Case], work: Work) -> Iterator[Judged]:
    """Try all of one kind, side by side."""
    kind = cases[0].kind
    folder = work.folder / kind
    subject, bundles = make_real_subject(kind, work.folder / "built", folder / "subject")
    free = queue.SimpleQueue[_Bench]()
    with ExitStack() as opened:
        for number in range(work.jobs):
            place = opened.enter_context(in_memory(folder / f"place-{number}"))
            free.put(_Bench(place, subject, bundles))

        def judge(case: Case) -> Judged:
            bench = free.get()
            try:
                return bench.judge(case)
            finally:
                free.put(bench)

        pool = opened.enter_context(ThreadPoolExecutor(work.jobs))
        for one in pool.map(judge, cases):
            work.tell(f"{one.case}: {one.told}: {'; '.join(one.problems) or one.code}")
            yield one


def make_real_subject(kind: str, built: Path, folder: Path) -> tuple[Subject, Bundles]:
    """Build two versions, frozen program included.

    Args:
        kind: one of :data:`KINDS`.
        built: where all kinds are built, so that the program is frozen once.
        folder: where the newer one goes, and beside it the older, each with its volumes only.
    """
    bundles = build_bundles(built, *_OPTIONS[kind])
    shutil.rmtree(folder, ignore_errors=True)
    copied = {which: folder / which / "bundle" for which in ("new", "old")}
    for which, to in copied.items():
        to.mkdir(parents=True)
        path = bundles.path(which)
        volumes = [volume.name for volume in BundleReader.open(path).index.volumes]
        for name in (path.name, *volumes):
            shutil.copy2(path.with_name(name), to)
    subject = Subject(
        name=kind,
        folder=copied["new"],
        installer=bundles.new.name,
        other=copied["old"],
        installable=True,
    )
    return subject, Bundles(old=copied["old"] / bundles.old.name, new=subject.path)


class _Bench:
    """A place to install into, and a medium that is damaged in turn.

    Args:
        folder: on a disk of its own.
        subject: the intact bundle.
        bundles: the same, and an older one.
    """

    def __init__(self, folder: Path, subject: Subject, bundles: Bundles) -> None:
        self._subject = subject
        self._stick = folder / "stick"
        write(subject.files, self._stick)
        mutated = self._stick / subject.installer
        mutated.chmod(0o755)
        self._place = Place(folder / "place", Bundles(old=bundles.old, new=mutated))
        for scenario in _SCENARIOS:
            self._place.case(scenario)
        self._report = folder / "peak"
        self._place.restore(self._place.case(_FRESH))
        if self._run().code != _DONE:
            raise AssertionError("an intact bundle does not install under the limits")
        self._memory = self._peak()

    def judge(self, case: Case) -> Judged:
        """Damage the medium, start it, and look at what is there then."""
        mutant = _mutant(self._subject, case)
        expected = self._place.case(case.scenario)
        self._place.restore(expected)
        write(mutant.files, self._stick)
        around = _names(self._place.folder)
        ended = self._run(frozen=case.frozen)
        allowed = _CODES
        dead = case.frozen and mutant.program and ended.code not in (*_CODES, _DONE)
        if dead:
            allowed |= {ended.code}
        problems = judge_ending(self._place, expected, ended, allowed, clears=True)
        if "Traceback" in ended.errors and not dead:
            problems.append(f"a traceback: {ended.errors[-800:]}")
        strange = _names(self._place.folder) - around - {"target"}
        # PyInstaller's, which died before it could clear up.
        if dead:
            strange = {name for name in strange if not name.startswith("tmp/_MEI")}
        if strange:
            problems.append(f"something was written outside: {sorted(strange)}")
        if (peak := self._peak()) > self._memory + _MEMORY:
            problems.append(f"{peak:,} bytes of memory, instead of {self._memory:,}")
        return Judged(
            case=case, told=mutant.told, code=ended.code, dead=dead, problems=tuple(problems)
        )

    def _run(self, *, frozen: bool = False) -> Ended:
        # Nothing must be left of an earlier measurement.
        self._report.unlink(missing_ok=True)
        measured = (sys.executable, "-m", measuring.__name__, str(self._report))
        return self._place.run(_NEW, under=(*measured, *_LIMITS), frozen=frozen)

    def _peak(self) -> int:
        """Most memory that the last run has had, in bytes."""
        return int(self._report.read_text())


def _mutant(subject: Subject, case: Case) -> Mutant:
    """The mutant of that number, or one after it: what goes on as another build is that build."""
    number = case.number
    while (mutant := mutate(subject, number)).told.startswith("graft"):
        number += 1
    return mutant


def _names(folder: Path) -> set[str]:
    """All that lies beside the target."""
    return {path.name for path in folder.iterdir()} | {
        f"tmp/{path.name}" for path in (folder / "tmp").iterdir()
    }
