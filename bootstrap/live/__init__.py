"""What ``<target>/.venv`` is: one module per way, each with the same functions.

A symbolic link on POSIX; on Windows a junction, or, on file systems that have none (FAT,
exFAT, many network drives), the real folder, which changes places with its successor.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from bootstrap.generation import LINK_NAME, Way
from bootstrap.live import folder, junction, symlink


class _Module(Protocol):
    """What each of the modules offers."""

    def works_in(self, folder: Path) -> bool:
        """Whether the file system and the user's rights allow it; tried there."""

    def made(self, link: Path) -> bool:
        """Whether ``link`` is one of this kind, so that it may be replaced."""

    def leads_to(self, target: Path) -> str | None:
        """Name of the generation that is live in ``target``; None when that cannot be said."""

    def lead(self, target: Path, name: str) -> None:
        """Make this generation the live one."""

    def clear(self, target: Path) -> None:
        """Take away what is of this kind; every environment lies in its generation afterwards."""


_WAYS: Mapping[Way, _Module] = MappingProxyType(
    {"symlink": symlink, "junction": junction, "folder": folder}
)
_CANDIDATES: tuple[Way, ...] = ("junction", "folder") if sys.platform == "win32" else ("symlink",)


def choose(folder: Path) -> Way:
    """The best way that works in an existing folder of ours."""
    return next(way for way in _CANDIDATES if _WAYS[way].works_in(folder))


def leads_to(target: Path, way: Way) -> str | None:
    """Name of the generation that ``.venv`` is or leads to; None when it is no such way."""
    return _WAYS[way].leads_to(target) if present(target) == way else None


def lead(target: Path, name: str, way: Way) -> None:
    """Make ``.venv`` that of generation ``name``, whatever way it was until now.

    Interrupted between its steps, it is finished or undone by the next :func:`lead` or
    :func:`clear`: each looks at what lies where.

    Raises:
        BusyError: a program has files below it open.
        OSError: what the system says.
    """
    if present(target) not in (None, way):
        clear(target)
    _WAYS[way].lead(target, name)


def clear(target: Path) -> None:
    """Take ``.venv`` away, if it is ours; the environments themselves stay."""
    for module in _WAYS.values():
        module.clear(target)


def present(target: Path) -> Way | None:
    """Which way ``.venv`` is now; None when there is none, or none of ours."""
    link = target / LINK_NAME
    return next((way for way, module in _WAYS.items() if module.made(link)), None)


def is_foreign(target: Path) -> bool:
    """Whether somebody keeps something of their own under the name ``.venv``."""
    return os.path.lexists(target / LINK_NAME) and present(target) is None
