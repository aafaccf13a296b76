"""A junction: NTFS's link between folders, for which nobody needs special rights.

Windows replaces no folder by renaming, so for a moment between two steps there is none.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from bootstrap.errors import BusyError
from bootstrap.files import is_junction, is_link, part_of, patiently
from bootstrap.generation import LINK_NAME


def works_in(folder: Path) -> bool:
    """Try it: FAT has none, and on network drives they may be made but lead nowhere.

    Where the goal's path is too long for Windows, it fails here as well: the trial's is longer
    than that of the environment.
    """
    trial, goal = folder / ".junction", folder / ".junction.goal"
    try:
        goal.mkdir()
        _make(trial, goal)
        return trial.samefile(goal)
    except OSError:
        return False
    finally:
        # Where it fails, an empty folder may be left instead of the junction.
        for path in (trial, goal):
            with suppress(OSError, BusyError):
                _remove(path)


def made(link: Path) -> bool:
    """Whether it is a junction."""
    try:
        return is_junction(link.lstat())
    except OSError:
        return False


def leads_to(target: Path) -> str | None:
    """The generation that the junction opens, under whatever name the target goes."""
    link = target / LINK_NAME
    name = link.readlink().parent.name
    with suppress(OSError):
        if name and link.samefile(_goal(target, name)):
            return name
    return None


def lead(target: Path, name: str) -> None:
    """Make the new one ready, remove the old one, rename the new one."""
    part = part_of(target / LINK_NAME)
    _remove(part)
    _make(part, _goal(target, name))
    _remove(target / LINK_NAME)
    patiently(lambda: part.rename(target / LINK_NAME), target / LINK_NAME)


def clear(target: Path) -> None:
    """Remove the junction, and one that was never finished."""
    if made(target / LINK_NAME):
        _remove(target / LINK_NAME)
    part = part_of(target / LINK_NAME)
    # Windows first makes a folder, and then a junction of that.
    if made(part) or _is_empty(part):
        _remove(part)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not is_link(folder) and not any(folder.iterdir())


def _goal(target: Path, name: str) -> Path:
    return target / "generations" / name / "venv"


def _remove(link: Path) -> None:
    if os.path.lexists(link):
        # Of a junction only itself; of a folder only an empty one.
        patiently(link.rmdir, link)


def _make(link: Path, goal: Path) -> None:
    if sys.platform != "win32":
        raise OSError("Only Windows has junctions.")
    import _winapi  # noqa: PLC0415 (Windows only)

    # Where it leads is shown to people, so without a prefix. It must be a path that Windows
    # itself can open, since this looks at it.
    _winapi.CreateJunction(str(goal), os.fspath(link))
