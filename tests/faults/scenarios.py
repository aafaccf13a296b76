"""What is being done when the fault strikes: one row each."""

from dataclasses import dataclass
from typing import Literal

Which = Literal["old", "new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One run of an installer.

    Attributes:
        bundle: whose installer.
        options: what it gets besides the target.
    """

    bundle: Which
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A command, what was there before it, and what must be there after it.

    Attributes:
        before: how the target came to be as it is; none where there is no target.
        spoilt: a file of the live environment was changed since.
        notes: the user keeps a file of their own inside of it, which must never be lost.
        extras: the user has added a distribution that comes along, and one that does not.
        gone: afterwards nothing is live.
        losing: meanwhile nothing may be live, as the user has asked for.
        turning: done twice, it is undone.
        kept: generations that are there afterwards.
    """

    name: str
    before: tuple[Command, ...]
    command: Command
    spoilt: bool = False
    notes: bool = False
    extras: bool = False
    gone: bool = False
    losing: bool = False
    turning: bool = False
    kept: int = 1


_OLD = Command(bundle="old")
_NEW = Command(bundle="new")
_KEEPING = Command(bundle="new", options=("--keep-previous",))

FRESH = Scenario(name="fresh", before=(), command=_OLD)
UPGRADE = Scenario(name="upgrade", before=(_OLD,), command=_NEW)
UNINSTALL = Scenario(
    name="uninstall",
    before=(_OLD,),
    command=Command(bundle="old", options=("--uninstall",)),
    gone=True,
    kept=0,
)
KEEPING = Scenario(name="keeping", before=(_OLD,), command=_KEEPING, notes=True, kept=2)
CARRYING = Scenario(
    name="carrying",
    before=(_OLD,),
    command=Command(bundle="new", options=("--keep-extras",)),
    extras=True,
)
DISCARDING = Scenario(
    name="discarding",
    before=(_OLD,),
    command=Command(bundle="new", options=("--discard-previous",)),
    notes=True,
    losing=True,
)
ROLLBACK = Scenario(
    name="rollback",
    before=(_OLD, _KEEPING),
    command=Command(bundle="new", options=("--rollback",)),
    notes=True,
    turning=True,
    kept=2,
)
REPAIR = Scenario(
    name="repair",
    before=(_OLD,),
    command=Command(bundle="old", options=("--repair",)),
    spoilt=True,
    notes=True,
)
LEAVING = Scenario(
    name="leaving",
    before=(_OLD, _KEEPING),
    command=Command(bundle="new", options=("--uninstall", "--keep-user-files")),
    notes=True,
    gone=True,
    kept=0,
)

SCENARIOS = (
    FRESH,
    UPGRADE,
    UNINSTALL,
    KEEPING,
    CARRYING,
    DISCARDING,
    ROLLBACK,
    REPAIR,
    LEAVING,
)


def find(name: str) -> Scenario:
    """The scenario of that name."""
    return next(scenario for scenario in SCENARIOS if scenario.name == name)
