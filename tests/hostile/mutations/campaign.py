"""Many damaged bundles, on all cores."""

import faulthandler
import resource
import shlex
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from tests.hostile.careless import careless
from tests.hostile.figures import Figures, Work
from tests.hostile.mutations.changes import Mutant, mutate, spread
from tests.hostile.mutations.sealing import reseal
from tests.hostile.mutations.subjects import KINDS, Subject, make_subject, open_subject
from tests.hostile.mutations.trials import DAMAGED, REFUSED, Bench, modes_for

# More than any trial should need; then it fails by itself instead of taking the machine along.
_MEMORY = 3 << 30
_TOLD_EACH = 500
# Where a signature follows, nothing can be put in order again.
SEALABLE = tuple(kind for kind in KINDS if kind != "signed")
_SEALED = "sealed"
_CARELESS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One mutant, by what it can be made from again.

    Attributes:
        sealed: its hashes are right.
        careless: nobody compares them.
    """

    kind: str
    number: int
    sealed: bool = False
    careless: bool = False

    def __str__(self) -> str:
        words = [self.kind, str(self.number), *([_SEALED] if self.sealed else [])]
        return " ".join(words)

    @classmethod
    def parse(cls, text: str) -> "Case":
        """Read what ``str`` gave."""
        kind, number, *rest = text.split()
        return cls(kind=kind, number=int(number), sealed=_SEALED in rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of a case.

    Attributes:
        told: what was done to what.
        problems: what is wrong.
        refused: how many modes refused it, of how many.
    """

    case: Case
    told: str
    problems: tuple[str, ...]
    refused: int
    modes: int


def damaged(work: Work) -> Figures:
    """Bundles with damage in each structure."""
    return _figures(_judge_all(_cases(KINDS, work.mutations), work))


def sealed(work: Work) -> Figures:
    """Bundles that were changed by somebody who has mended their hashes."""
    cases = _cases(SEALABLE, work.mutations // 4, sealed=True)
    return _figures(_judge_all(cases, work), accepted="were accepted by all modes, without harm")


def unheeded(work: Work) -> Figures:
    """The same damage, and a reader that compares nothing."""
    cases = _cases(KINDS, min(_CARELESS, work.mutations), careless=True)
    return _figures(_judge_all(cases, work))


def _cases(
    kinds: tuple[str, ...], count: int, *, sealed: bool = False, careless: bool = False
) -> list[Case]:
    """So many at least, the same of each kind."""
    return [
        Case(kind=kind, number=number, sealed=sealed, careless=careless)
        for number in spread(-(-count // len(kinds)))
        for kind in kinds
    ]


def _judge_all(cases: list[Case], work: Work) -> Iterator[Judged]:
    folder = work.folder / "mutations"
    prepare(folder)
    with ProcessPoolExecutor(
        work.jobs, mp_context=get_context("spawn"), initializer=_limit
    ) as pool:
        judged = pool.map(_judge, cases, [folder] * len(cases), chunksize=50)
        for number, one in enumerate(judged, start=1):
            if number % _TOLD_EACH == 0 or (one.problems and not one.case.careless):
                work.tell(f"{number} of {len(cases)}: {one.case}: {one.told}")
            yield one


def prepare(folder: Path) -> None:
    """Make all intact bundles, for :func:`judge_case`; once, since several would be in the way."""
    shutil.rmtree(folder, ignore_errors=True)
    for kind in KINDS:
        make_subject(kind, folder / "subjects" / kind)


def _limit() -> None:
    # Whoever crashes the interpreter shall say where.
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))


def _judge(case: Case, folder: Path) -> Judged:
    with ExitStack() as opened:
        if case.careless:
            opened.enter_context(careless())
        return judge_case(case, folder)


def judge_case(case: Case, folder: Path) -> Judged:
    """Make it, and see what becomes of it.

    Args:
        case: which.
        folder: where the intact bundles are (:func:`prepare`), and for each process's own.
    """
    subject, bench = _bench(case.kind, folder)
    mutant = mutant_of(case, subject)
    problems, refused = bench.judge(
        mutant.files,
        read=mutant.read,
        codes=REFUSED if case.sealed else DAMAGED,
        alike=not case.sealed,
    )
    return Judged(
        case=case,
        told=mutant.told,
        problems=tuple(problems),
        refused=refused,
        modes=len(modes_for(subject)),
    )


def mutant_of(case: Case, subject: Subject) -> Mutant:
    """Its files."""
    return (reseal if case.sealed else mutate)(subject, case.number)


@lru_cache(maxsize=len(KINDS))
def _bench(kind: str, folder: Path) -> tuple[Subject, Bench]:
    subject = open_subject(kind, folder / "subjects" / kind)
    return subject, Bench(folder, subject)


def _figures(judged: Iterable[Judged], accepted: str = "changed nothing that is used") -> Figures:
    """Count them; ``accepted`` says of those that no mode has refused why that is right."""
    tried = refused = harmless = 0
    broken = []
    for one in judged:
        tried += 1
        if one.problems:
            again = shlex.join(["python", "-m", "tests.hostile", "--mutation", str(one.case)])
            broken.append(f"{one.told}: {'; '.join(one.problems)}\n  again: {again}")
        elif one.refused:
            refused += 1
        else:
            harmless += 1
    return Figures(
        tried=tried,
        refused=refused,
        broken=tuple(broken),
        notes=f"{harmless:,} {accepted}" if harmless else "",
    )
