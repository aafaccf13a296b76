"""Room on the disk: what an installation needs, and what need not be free when it begins."""

import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bootstrap import verify
from bootstrap.bundle.model import Index
from bootstrap.bundle.units import human_size
from bootstrap.errors import NoSpaceError, ReportedError
from bootstrap.files import tree_size
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
    kept = sum(_sizes(target, [one for one in (state.live, state.previous) if one]))
    if wishes.old == "discard":
        return Room(freed=freed + kept)
    shared = 0
    # Under a second name one environment could change the other, so not if both stay.
    if state.live and _can_share(target, links=wishes.old != "keep"):
        shared = _common(target, state.live, index)
    return Room(shared=shared, freed=freed, discardable=kept)


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
    if wishes.old != "discard" and free + room.discardable >= need + room.shared:
        remedy = (
            f"{remedy} With --discard-previous the old environment goes first, and there is room; "
            "but if the installation then fails, none is left."
        )
    return NoSpaceError(
        f"{disk.path} has {human_size(free)} free; the installation needs {human_size(need)}.",
        remedy=remedy,
    )


def _sizes(target: Path, generations: Iterable[Installed]) -> Iterable[int]:
    for one in generations:
        live = one.generation_in(target)
        yield from (tree_size(place) for place in {*live.places.values()})


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
