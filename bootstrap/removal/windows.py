"""Windows: by paths, with patience. What is open cannot be exchanged there, nor renamed.

All of it works elsewhere, too, and is tested there.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from bootstrap.files import is_link, move_folder, patiently

_LARGEST = 1 << 20


class Folder:
    """A folder, by its path; see :class:`bootstrap.removal.linux.Folder`."""

    def __init__(self, path: Path) -> None:
        if is_link(path) or not path.is_dir():
            raise NotADirectoryError(f"{path} is a link, or no folder")
        self.path = path

    def close(self) -> None:
        """Nothing is open."""

    def below(self, name: str) -> "Folder":
        """The folder of that name in it."""
        return Folder(self.path / name)

    def real(self) -> Path:
        """Its path without links on the way."""
        return self.path.resolve()

    def read(self, name: str) -> bytes | None:
        """A small file in it; None where there is none, nothing where it is no plain file."""
        path = self.path / name
        if not os.path.lexists(path):
            return None
        if is_link(path) or not path.is_file():
            return b""
        try:
            with path.open("rb") as file:
                return file.read(_LARGEST)
        except OSError:
            return b""

    def is_folder(self, name: str) -> bool:
        """Whether that is a real one, and is called so: Windows sees no dot or space at an end."""
        path = self.path / name
        return name == name.rstrip(". ") and ":" not in name and not is_link(path) and path.is_dir()

    def rename(self, name: str, to: str) -> None:
        """Give something in it another name.

        Raises:
            BusyError: a program has something in it open.
        """
        move_folder(self.path / name, self.path / to)

    def remove(self, name: str) -> None:
        """Delete a folder in it, and all below; of links and junctions only themselves."""
        # A second try: for what is marked as read-only, or held.
        shutil.rmtree(self.path / name, onerror=_try_harder)


def _try_harder(function: Callable[[str], object], path: str, error: object) -> None:
    del error
    # A folder that is marked cannot be entered by this, but is not kept by the mark either.
    os.chmod(path, stat.S_IWRITE)  # noqa: PTH101 (as rmtree has it, a string)
    patiently(lambda: function(path), path)


def mount_points() -> tuple[Path, ...]:
    """None: a volume that is mounted in a folder is a junction, and treated as one."""
    return ()


def homes() -> Iterator[Path]:
    """The home folder of this user."""
    with suppress(RuntimeError):
        yield Path.home().resolve()


def require_unused(path: Path) -> None:
    """Nothing: Windows renames no folder that a program has something open in."""
    del path
