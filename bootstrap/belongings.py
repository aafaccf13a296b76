"""What in a generation is the user's: all that is not in its inventory. It goes with none."""

import os
from collections.abc import Collection, Iterator
from itertools import count
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


def require_haven(target: Path) -> None:
    """See that what is the user's has a place to go to.

    Raises:
        UnsafeTargetError: ``user-files`` is a link or a file.
    """
    haven = target / FOLDER_NAME
    if _is_taken(haven):
        raise UnsafeTargetError(
            f"{haven} is no folder, so what is yours cannot be moved there.",
            remedy="Move it away, then start again.",
        )


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
    run. Where the inventory is missing or cannot be understood, nobody can tell what is whose,
    and all of it moves.

    Args:
        target: the folder.
        folder: the generation, which was live once, wherever it lies now.
        name: of the generation.
        listener: hears how many files were moved.
        carried: paths in an inventory of those that lie elsewhere by now, and may go.

    Raises:
        UnsafeTargetError: ``user-files`` is a link or a file.
        OSError: something cannot be moved.
    """
    haven = target / FOLDER_NAME
    moving = _additions(folder, carried)
    if moving is None:
        require_haven(target)
        haven.mkdir(exist_ok=True)
        to = _free(haven, name)
        folder.rename(to)
        listener.note(f"Nobody can tell what in {name} is yours, so all of it is in {to} now.")
    elif moving:
        require_haven(target)
        for path in moving:
            to = _free(haven, f"{name}/{path}")
            to.parent.mkdir(parents=True, exist_ok=True)
            (folder / path).rename(to)
        listener.note(f"{len(moving)} files that were added to {name} are in {haven / name} now.")


def _additions(folder: Path, carried: Collection[str]) -> list[str] | None:
    """What somebody has added to a generation; None where that cannot be told."""
    if is_link(folder):
        return None
    try:
        items = inventory.read(folder / inventory.FILE_NAME)
        added = inventory.additions({"": folder}, items)
        return [path for path in added if path not in carried]
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return None


def _free(folder: Path, path: str) -> Path:
    """Where it can go below the folder: with a number behind what an earlier time has taken."""
    *folders, name = path.split("/")
    for part in folders:
        folder = next(p for p in _numbered(folder / part) if not _is_taken(p))
    return next(p for p in _numbered(folder / name) if not os.path.lexists(p))


def _is_taken(folder: Path) -> bool:
    return is_link(folder) or (os.path.lexists(folder) and not folder.is_dir())


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    for number in count(2):
        yield path.with_name(f"{path.name}.{number}")
