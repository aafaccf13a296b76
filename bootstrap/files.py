"""Small writes that are whole or not there, and deletions that cannot go astray."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from bootstrap.errors import UnsafeTargetError


def replace_file(path: Path, data: bytes) -> None:
    """Write ``data`` so that at any instant, power cut included, the old or the new is there."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def replace_link(path: Path, to: Path) -> None:
    """Make ``path`` a symbolic link to ``to``, replacing an older link in one step."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(to, target_is_directory=True)
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Bring a folder's entries to the disk; where folders cannot be opened, nothing."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_tree(path: Path, *, inside: Path) -> None:
    """Delete the folder ``path`` and all below it. The only place that deletes folders.

    Args:
        path: the folder, a real one.
        inside: the folder of ours that it must lie in; links on the way are refused.

    Raises:
        UnsafeTargetError: ``path`` is not properly inside, or is or passes through a link.
        OSError: something in it cannot be deleted.
    """
    if not os.path.lexists(path):
        return
    is_link = inside.is_symlink() or path.is_symlink()
    # Resolving both sides shows any other link or ".." between them.
    if is_link or path.parent != inside or path.resolve() != inside.resolve() / path.name:
        raise UnsafeTargetError(
            f"{path} was not deleted: it does not lie directly in {inside}, or is a link.",
            remedy="Look at it; if it is a leftover of an installation, delete it by hand.",
        )
    # Its proper name vanishes at once; a half-deleted tree is never taken for a whole one.
    doomed = path.with_name(f".{path.name}.removed")
    path.replace(doomed)
    # Windows does not delete what is marked as read-only.
    shutil.rmtree(doomed, onerror=_make_writable if os.name == "nt" else None)


def _make_writable(function: Callable[[str], object], path: str, error: object) -> None:
    """Retry after taking the read-only mark away."""
    del error
    Path(path).chmod(stat.S_IWRITE)
    function(path)
