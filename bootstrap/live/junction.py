"""A junction: NTFS's link between folders, for which nobody needs special rights.

Windows replaces no folder by renaming, so for a moment between two steps there is none.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from bootstrap.files import is_junction, part_of, patiently
from bootstrap.generation import LINK_NAME


def works_in(folder: Path) -> bool:
    """Try it: FAT has none, and on network drives they may be made but lead nowhere."""
    trial = folder / ".junction"
    try:
        _make(trial, folder)
        return trial.samefile(folder)
    except OSError:
        return False
    finally:
        # Where it fails, an empty folder may be left instead.
        with suppress(OSError):
            _remove(trial)


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
    for link in (target / LINK_NAME, part_of(target / LINK_NAME)):
        if made(link):
            _remove(link)


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

    # Where it leads is shown to people; it may be longer than what the system opens by itself.
    _winapi.CreateJunction(str(goal), os.fspath(link))
