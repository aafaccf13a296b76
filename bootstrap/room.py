"""Room on the disk: what an installation needs, and what need not be free when it begins."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bootstrap import inventory, verify
from bootstrap.bundle.model import Index
from bootstrap.bundle.units import human_size
from bootstrap.errors import NoSpaceError, ReportedError
from bootstrap.generation import Generation
from bootstrap.host import TRIAL_PREFIX
from bootstrap.host.model import Disk
from bootstrap.leftovers import reclaimable
from bootstrap.state import Installed, InstallState
from bootstrap.storage import Lender
from bootstrap.wishes import Wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What of the room that a bundle takes need not be free.

    Attributes:
        shared: bytes of files that the live generation has as well, and that both can share.
        freed: bytes that go before the first is written.
        discardable: bytes that would go with ``--discard-previous``, besides.
    """

    shared: int = 0
    freed: int = 0
    discardable: int = 0


def look_for_room(target: Path, state: InstallState, index: Index, wishes: Wishes) -> Room:
    """Look at what is installed, and how much of it can be shared or goes.

    Args:
        target: the folder.
        state: what is installed there.
        index: of the bundle to be installed.
        wishes: what becomes of the old generation.
    """
    freed = reclaimable(target, state)
    discardable = _discardable(target, state)
    if wishes.old == "discard":
        return Room(freed=freed + discardable)
    shared = 0
    # Under a second name one environment could change the other, so not if both stay.
    if state.live and _can_share(target, links=wishes.old != "keep"):
        shared = _common(target, state.live, index)
    return Room(shared=shared, freed=freed, discardable=discardable)


def short_of_room(disk: Disk, need: int, room: Room, wishes: Wishes) -> ReportedError | None:
    """Why what is free will not do; None where it will.

    Args:
        disk: where the target lies.
        need: bytes that will be written.
        room: what goes before.
        wishes: what becomes of the old generation.
    """
    free = disk.free + room.freed
    if free >= need:
        return None
    remedy = "Free some space, or choose another disk with --target."
    # Nothing is repaired that way.
    may_discard = wishes.old not in ("discard", "repair")
    if may_discard and free + room.discardable >= need + room.shared:
        remedy = (
            f"{remedy} With --discard-previous the old environment goes first, and there is room; "
            "but if the installation then fails, none is left."
        )
    return NoSpaceError(
        f"{disk.path} has {human_size(free)} free; the installation needs {human_size(need)}.",
        remedy=remedy,
    )


def _discardable(target: Path, state: InstallState) -> int:
    """Bytes that both generations take; not more, or none would be left and there is no room."""
    live = _size(state.live.generation_in(target)) if state.live else 0
    if state.previous is None:
        return live
    previous = _size(state.previous.generation_in(target, live=False))
    # They may have every block in common.
    if _can_share(target, links=False):
        return max(live, previous)
    return live + previous


def _size(generation: Generation) -> int:
    try:
        return inventory.own_size(generation.places, inventory.read(generation.inventory))
    except (OSError, ValueError):
        # Nobody can tell what of it is the user's, which goes nowhere.
        return 0


def _common(target: Path, live: Installed, index: Index) -> int:
    """Bytes of wheels that are in both, whole."""
    earlier = verify.known_index(live.generation_in(target), live)
    have = {wheel.record_sha256 for wheel in earlier.wheels} if earlier else ()
    return sum(wheel.installed_size for wheel in index.wheels if wheel.record_sha256 in have)


def _can_share(folder: Path, *, links: bool) -> bool:
    """Try it with a file of one byte."""
    source, to = (folder / f"{TRIAL_PREFIX}{secrets.token_hex(8)}" for _ in range(2))
    try:
        source.write_bytes(b"1")
        return Lender(links=links).share(str(source), str(to), executable=False)
    except OSError:
        return False
    finally:
        for path in (source, to):
            with suppress(OSError):
                path.unlink(missing_ok=True)
