"""One fault after the other, in as many places at once as somebody wants."""

import queue
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from tests.faults.judge import judge
from tests.faults.limits import Filled, Limited, Signalled
from tests.faults.place import Case, Ended, Place
from tests.faults.scenarios import Scenario, find
from tests.faults.tracing import Injected

_KINDS: dict[str, Callable[[str], "Fault"]] = {
    "inject": Injected.parse,
    "limit": Limited.parse,
    "filled": Filled.parse,
    "signal": Signalled.parse,
}


class Fault(Protocol):
    """What goes wrong; its ``str`` is what it is called on the command line."""

    @property
    def codes(self) -> frozenset[int]:
        """That the installer may end with, besides 0; none where it cannot choose."""

    @property
    def clears(self) -> bool:
        """Whether nothing of the new environment stays when it fails."""

    def strike(self, place: Place, case: Case) -> Ended | None:
        """Run the scenario's command with the fault; None when it did not come to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One fault in one scenario."""

    scenario: Scenario
    fault: Fault

    def __str__(self) -> str:
        return f"{self.scenario.name} {self.fault}"

    @classmethod
    def parse(cls, text: str) -> "Attempt":
        """Read what ``str`` gave."""
        name, kind, rest = text.split(" ", 2)
        return cls(scenario=find(name), fault=_KINDS[kind](rest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it.

    Attributes:
        name: by which it can be tried again.
        code: that the installer ended with; None when it did not come to the fault.
        problems: what was broken.
    """

    name: str
    code: int | None
    problems: tuple[str, ...]


def attempt(place: Place, wanted: Attempt) -> Trial:
    """Bring the place to what was before, let the fault strike, and judge."""
    case, code = place.case(wanted.scenario), None
    place.restore(case)
    try:
        ended = wanted.fault.strike(place, case)
        problems = (
            judge(place, case, ended, wanted.fault.codes, clears=wanted.fault.clears)
            if ended
            else []
        )
        code = ended.code if ended else None
    except (OSError, ValueError) as error:
        problems = [f"{type(error).__name__}: {error}"]
    return Trial(name=str(wanted), code=code, problems=tuple(problems))


def attempt_all(
    places: Sequence[Place], wanted: Sequence[Attempt], told: Callable[[Trial], None]
) -> list[Trial]:
    """Try all of them, side by side in all of the places.

    Args:
        places: none of them is used by anybody else.
        wanted: the faults.
        told: hears of each when it is judged.
    """
    free = queue.SimpleQueue[Place]()
    for place in places:
        free.put(place)

    def try_one(wanted: Attempt) -> Trial:
        place = free.get()
        try:
            trial = attempt(place, wanted)
        finally:
            free.put(place)
        told(trial)
        return trial

    with ThreadPoolExecutor(len(places)) as pool:
        return list(pool.map(try_one, wanted))
