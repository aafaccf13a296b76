"""Deletes folders: only ours, and nothing that they lead to. The only place that does.

A folder goes only if it lies in one that carries our mark, an ``install.json`` of ours that can
be read, under a name that we give. On the way from there no link is followed and no mount point
crossed. Each step is one module per system, with the same functions: Linux works through open
folders, so that nobody can exchange one on the way, and Windows by paths.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bootstrap.errors import UnsafeTargetError
from bootstrap.state import FILE_NAME

if sys.platform == "win32":
    from bootstrap.removal import windows as system
else:
    from bootstrap.removal import linux as system

# What may go, of all that lies in a target, with everything below.
_OURS = ("generations", "user-files", "extras")
_LOOK = "Look at it; if it is a leftover of an installation, delete it by hand."


class _Mark(msgspec.Struct, frozen=True):
    """As much of ``install.json`` as shows that it is ours, of whatever format."""

    llmsetup_format: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where something is to be deleted.

    Attributes:
        folder: that it lies directly in, opened.
        marked: the folder with our mark, without links on the way.
        path: of what is to be deleted, for messages.
        real: the same without links on the way.
    """

    folder: system.Folder
    marked: Path
    path: Path
    real: Path

    def refusal(self, why: str, remedy: str = _LOOK) -> UnsafeTargetError:
        """The error that says why it stays."""
        return _refusal(self.path, why, remedy)


def remove_tree(path: Path, *, inside: Path) -> None:
    """Delete the folder ``path`` and all below it; nothing where nothing is.

    Args:
        path: the folder, a real one, absolute.
        inside: the folder of ours that it lies in, any number of real folders below: one with
            our mark, or one below that.

    Raises:
        UnsafeTargetError: it is not ours to delete, or is or passes through a link or a mount
            point, or holds one, or this program works in it.
        BusyError: a program uses something in it.
        OSError: something in it cannot be deleted; the error names it. What is left is found
            under the name :func:`aside_of`.
    """
    set_aside(path, inside=inside)
    remove_set_aside(path, inside=inside)


def set_aside(path: Path, *, inside: Path) -> None:
    """Take a folder's proper name away, the first half of :func:`remove_tree`.

    It vanishes at once, so a half-deleted tree is never taken for a whole one; and where
    anything in it is in use, this is refused before anything is lost.
    """
    if not os.path.lexists(path):
        return
    with _opened(path, inside) as place:
        _require_removable(place)
        system.require_unused(path)
        if path == aside_of(path):
            return
        remove_set_aside(path, inside=inside)
        place.folder.rename(path.name, aside_of(path).name)


def put_back(path: Path, *, inside: Path) -> None:
    """Undo :func:`set_aside`, unless something has taken the name meanwhile."""
    aside = aside_of(path)
    if os.path.lexists(aside) and not os.path.lexists(path):
        with _opened(aside, inside) as place:
            _require_folder(place)
            place.folder.rename(aside.name, path.name)


def remove_set_aside(path: Path, *, inside: Path) -> None:
    """Delete what was called ``path``, the second half of :func:`remove_tree`."""
    aside = aside_of(path)
    if os.path.lexists(aside):
        with _opened(aside, inside) as place:
            _require_removable(place)
            place.folder.remove(aside.name)


def aside_of(path: Path) -> Path:
    """What a folder is called while it is deleted; of one that is so called, its own name."""
    return path if is_aside(path) else path.with_name(f".{path.name}.removed")


def is_aside(path: Path) -> bool:
    """Whether its name says that it is being deleted."""
    return path.name.startswith(".") and path.name.endswith(".removed")


@contextmanager
def _opened(path: Path, inside: Path) -> Iterator[_Place]:
    """Open the folder that ``path`` lies directly in, on a way that is ours throughout."""
    if not path.is_absolute() or ".." in path.parts or inside not in path.parents:
        raise _refusal(path, f"it does not lie in {_shown(inside)}")
    folder = _open_marked(path, inside)
    try:
        names = path.relative_to(folder.path).parts
        if names[0] not in {*_OURS, *(aside_of(Path(name)).name for name in _OURS)}:
            raise _refusal(path, "it has no name that this installer gives")
        marked = folder.real()
        for name in names[:-1]:
            folder = _go_down(folder, name, path)
        yield _Place(folder=folder, marked=marked, path=path, real=marked.joinpath(*names))
    finally:
        folder.close()


def _open_marked(path: Path, inside: Path) -> system.Folder:
    """The folder with our mark that is next above."""
    for candidate in (inside, *inside.parents):
        try:
            folder = system.Folder(candidate)
        except OSError as error:
            raise _refusal(path, f"{_shown(candidate)} is a link, or no folder") from error
        data = folder.read(FILE_NAME)
        if data is not None:
            try:
                msgspec.json.decode(data, type=_Mark)
            except msgspec.DecodeError as error:
                folder.close()
                mark = _shown(candidate / FILE_NAME)
                raise _refusal(path, f"{mark} is not of this installer, or damaged") from error
            return folder
        folder.close()
    raise _refusal(path, f"no folder above it holds an {FILE_NAME} of this installer")


def _go_down(folder: system.Folder, name: str, path: Path) -> system.Folder:
    """The folder below, opened; the one above is closed."""
    try:
        below = folder.below(name)
    except FileNotFoundError:
        raise
    except OSError as error:
        way = _shown(folder.path / name)
        raise _refusal(path, f"{way} is a link, another disk, or no folder") from error
    folder.close()
    return below


def _require_folder(place: _Place) -> None:
    if not place.folder.is_folder(place.path.name):
        raise place.refusal("it is a link, or no folder")


def _require_removable(place: _Place) -> None:
    _require_folder(place)
    for point in system.mount_points():
        between = place.real.is_relative_to(point) and point.is_relative_to(place.marked)
        if point.is_relative_to(place.real) or (between and point != place.marked):
            raise place.refusal(
                f"{_shown(point)} is a mount point", remedy="Unmount it, then start again."
            )
    for special, what in _needed():
        if special.is_relative_to(place.real):
            raise place.refusal(
                f"it holds {_shown(special)}, {what}", remedy="Start this from another folder."
            )


def _needed() -> Iterator[tuple[Path, str]]:
    """What must be in no folder that goes, and what it is."""
    for home in system.homes():
        yield home, "a home folder"
    try:
        yield Path.cwd().resolve(), "the folder that this program works in"
    except FileNotFoundError:
        # Somebody has deleted it.
        return


def _refusal(path: Path, why: str, remedy: str = _LOOK) -> UnsafeTargetError:
    return UnsafeTargetError(f"{_shown(path)} was not deleted: {why}.", remedy=remedy)


def _shown(path: Path) -> str:
    """A path in a message; a name with a new line in it must not look like another message."""
    text = str(path)
    return text if text.isprintable() else ascii(text)
