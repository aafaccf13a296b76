"""Which faults are tried: from all that there could be, so many as somebody asks for."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.faults.limits import Filled, Limited, Signalled
from tests.faults.place import Place
from tests.faults.scenarios import FRESH, SCENARIOS, UPGRADE, Scenario
from tests.faults.tracing import (
    CHANGING,
    FILLING,
    RENAMING,
    SYNCING,
    Injected,
    Point,
    choose,
    evenly,
    watch,
)
from tests.faults.trials import Attempt

_UNEXPECTED, _DAMAGED, _FULL, _CLOSED, _FAILED, _UNVERIFIED = 1, 10, 20, 21, 30, 31
# Every so many kills strike the program that users get.
_FROZEN_EACH = 10
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
# Seconds in which a small installation happens.
_DURATION = 1.2
# Written by the new Python, which only says that it could not.
_BY_CHILDREN = re.compile(r"generations/[^/]+/(venv/(?!lib/[^/]+/site-packages/)|.*__pycache__)")
_PHASES = ("runtime", "install", "seal", "verify", "inventory", "bring to disk")
# Bytes and files that still find room.
_ROOM = (0, 20_000, 300_000, 8_000_000, 40_000_000)
_FILES = (0, 5, 60, 800)
# Below, Python itself does not start.
_MEMORY = tuple(size << 20 for size in (64, 80, 100, 140, 200))
_DESCRIPTORS = (5, 6, 7, 8, 10, 12, 16, 24)
_FILE_SIZES = (1, 1_000, 100_000, 3_000_000, 9_000_000)


def kills(place: Place, count: int) -> Iterator[Attempt]:
    """SIGKILL at calls that change something (rows 37, 60)."""
    number = 0
    for scenario, share in _shares(SCENARIOS, count):
        for point in choose(watch(place, place.case(scenario), CHANGING), share):
            number += 1
            # Where only the count tells which, it is another call there.
            frozen = number % _FROZEN_EACH == 0 and point.path is not None
            fault = Injected(
                what="signal=KILL", point=point, codes=frozenset(), clears=False, frozen=frozen
            )
            yield Attempt(scenario=scenario, fault=fault)


def full_disk(place: Place, count: int) -> Iterator[Attempt]:
    """No space at calls that take some (row 39)."""
    for scenario, share in _shares((FRESH, UPGRADE), count):
        points = watch(place, place.case(scenario), FILLING)
        for point in choose([point for point in points if _takes_room(point)], share):
            fault = Injected(what="error=ENOSPC", point=point, codes=_codes_of_full(point))
            yield Attempt(scenario=scenario, fault=fault)


def _takes_room(point: Point) -> bool:
    """Whether it does each time: where only the count tells which, others open what is there."""
    return point.call != "openat" or point.path is not None


def _codes_of_full(point: Point) -> frozenset[int]:
    if point.path is None:
        # The log, which cannot be made.
        return frozenset({_FULL, _CLOSED})
    if _BY_CHILDREN.match(point.path):
        return frozenset({_FULL, _FAILED, _UNVERIFIED})
    return frozenset({_FULL})


def filled_disk(place: Place, count: int) -> Iterator[Attempt]:
    """The disk is really full, from a moment on (row 39)."""
    del place
    codes = frozenset({_FULL, _FAILED, _UNVERIFIED})
    faults = [
        Filled(phase=phase, what=what, room=room, codes=codes)
        for what, rooms in (("size", _ROOM), ("nr_inodes", _FILES))
        for phase in _PHASES
        for room in rooms
    ]
    for scenario, share in _shares((FRESH, UPGRADE), count):
        for fault in evenly(faults, share):
            yield Attempt(scenario=scenario, fault=fault)


def failing_disk(place: Place, count: int) -> Iterator[Attempt]:
    """Flushing or closing what was written fails (row 40)."""
    for scenario, share in _shares((FRESH, UPGRADE), count):
        points = watch(place, place.case(scenario), ("openat", "write", "close", *SYNCING))
        written = {point.path for point in points if point.call in ("openat", "write")}
        failing = [
            point
            for point in points
            if point.path
            and (point.call in SYNCING or (point.call == "close" and point.path in written))
            # Closed again, it was only read.
            and (point.call != "close" or point.number == 1)
        ]
        for point in choose(failing, share):
            fault = Injected(what="error=EIO", point=point, codes=frozenset({_FAILED, _UNVERIFIED}))
            yield Attempt(scenario=scenario, fault=fault)


def failing_names(place: Place, count: int) -> Iterator[Attempt]:
    """Renaming fails (row 41)."""
    errors = {"EXDEV": {_FAILED}, "EACCES": {_FAILED, _CLOSED}}
    for scenario, share in _shares((FRESH, UPGRADE), count):
        points = choose(watch(place, place.case(scenario), RENAMING), -(-share // len(errors)))
        for point in points:
            for error, codes in errors.items():
                fault = Injected(
                    what=f"error={error}",
                    point=point,
                    codes=frozenset({*codes, *(() if point.path else (_UNVERIFIED,))}),
                )
                yield Attempt(scenario=scenario, fault=fault)


def limits(place: Place, count: int) -> Iterator[Attempt]:
    """Files, descriptors and memory are limited (rows 42, 55)."""
    del place
    limited: dict[str, tuple[Sequence[int], set[int]]] = {
        "fsize": (_FILE_SIZES, {_FULL}),
        "nofile": (_DESCRIPTORS, {_FAILED, _UNVERIFIED}),
        # Where memory is short, neither Python nor Zstandard says more than that.
        "as": (_MEMORY, {_UNEXPECTED, _DAMAGED, _FAILED, _UNVERIFIED}),
    }
    faults = [
        Limited(limit=limit, value=value, codes=frozenset(codes))
        for limit, (values, codes) in limited.items()
        for value in values
    ]
    for scenario, share in _shares((FRESH, UPGRADE), count):
        for fault in evenly(faults, share):
            yield Attempt(scenario=scenario, fault=fault)


def signals(place: Place, count: int) -> Iterator[Attempt]:
    """Somebody stops it (row 57)."""
    del place
    for scenario, share in _shares((FRESH, UPGRADE), count):
        for number in range(share):
            fault = Signalled(
                name=_SIGNALS[number % len(_SIGNALS)], moment=_DURATION * number / share
            )
            yield Attempt(scenario=scenario, fault=fault)


def _shares(scenarios: Sequence[Scenario], count: int) -> Iterator[tuple[Scenario, int]]:
    """The same for each, and at least one."""
    for scenario in scenarios:
        yield scenario, max(1, -(-count // len(scenarios)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """Many faults of one kind.

    Attributes:
        name: of the option that says how many.
        what: happens, for people.
        count: how many by default.
        choose: them, with a place to find out what there is.
    """

    name: str
    what: str
    count: int
    choose: Callable[[Place, int], Iterable[Attempt]]


# Of some points the call does not come again, so a few more are tried than are promised.
CAMPAIGNS = (
    Campaign(
        name="kills",
        what="SIGKILL at a system call that changes something",
        count=1200,
        choose=kills,
    ),
    Campaign(
        name="enospc",
        what="no space left, at a system call that takes some",
        count=320,
        choose=full_disk,
    ),
    Campaign(
        name="filled",
        what="disk full or out of inodes, from a moment on",
        count=108,
        choose=filled_disk,
    ),
    Campaign(
        name="errors",
        what="I/O error when flushing or closing",
        count=100,
        choose=failing_disk,
    ),
    Campaign(
        name="renames",
        what="renaming refused: another device, no access",
        count=80,
        choose=failing_names,
    ),
    Campaign(
        name="limits",
        what="limits for files, descriptors, memory",
        count=36,
        choose=limits,
    ),
    Campaign(
        name="signals",
        what="SIGINT, SIGTERM, SIGHUP",
        count=60,
        choose=signals,
    ),
)
