"""What in a generation is the user's: all that is not in its inventory. It goes with none."""

from collections.abc import Collection, Iterator
from pathlib import Path

from bootstrap import inventory
from bootstrap.errors import UnsafeTargetError
from bootstrap.events import Listener
from bootstrap.files import is_link
from bootstrap.generation import Generation

FOLDER_NAME = "user-files"


def belongings(generation: Generation) -> Iterator[str]:
    """Files in a generation that are somebody else's; paths as an inventory has them.

    Raises:
        ValueError: the inventory cannot be understood.
        OSError: something cannot be read.
    """
    return inventory.additions(generation.places, inventory.read(generation.inventory))


def rescue(
    target: Path,
    folder: Path,
    name: str,
    listener: Listener,
    *,
    carried: Collection[str] = frozenset(),
) -> None:
    """Move what is the user's out of a generation that goes, to ``<target>/user-files/<name>``.

    It is renamed, so it takes no room and no time. Interrupted, the rest is moved by the next
    run. A generation that was never finished has nothing of the user's. Where the inventory cannot
    be understood, nobody can tell what is whose, and all of it moves.

    Args:
        target: the folder.
        folder: the generation, under its own name or one that it has while it is deleted.
        name: of the generation.
        listener: hears how many files were moved.
        carried: paths in an inventory of those that lie elsewhere by now, and may go.

    Raises:
        UnsafeTargetError: ``user-files`` is a link.
        OSError: something cannot be moved.
    """
    haven = target / FOLDER_NAME
    rows = folder / inventory.FILE_NAME
    if not rows.is_file():
        return
    if is_link(haven):
        raise UnsafeTargetError(
            f"{haven} is a link, so what is yours was not moved there.",
            remedy="Make it a folder, or move it away, then start again.",
        )
    try:
        added = inventory.additions({"": folder}, inventory.read(rows))
        moving = [path for path in added if path not in carried]
    except ValueError:
        # The inventory last, since without it the rest would count as never finished.
        others = [path.name for path in folder.iterdir() if path.name != inventory.FILE_NAME]
        moving = [*others, inventory.FILE_NAME]
    for path in moving:
        to = _free(haven / name / path)
        to.parent.mkdir(parents=True, exist_ok=True)
        (folder / path).rename(to)
    if moving:
        listener.note(f"{len(moving)} files that were added to {name} are in {haven / name} now.")


def _free(path: Path) -> Path:
    """The path, or one with a number behind where something of an earlier time is."""
    number, free = 1, path
    while free.exists() or free.is_symlink():
        number += 1
        free = path.with_name(f"{path.name}.{number}")
    return free
