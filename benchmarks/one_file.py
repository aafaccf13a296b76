"""A folder with one file in it, as a file system in user space; subclasses say what happens.

Needs libfuse (Debian: ``libfuse2``), root, and Linux.
"""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

import mfusepy


class OneFile(mfusepy.Operations):  # type: ignore[misc]
    """The folder; the file has the name of another one, and its content.

    Args:
        file: that other one.
        flags: for opening it, as of ``os.open``.
        mode: permissions of the file in the folder.

    Attributes:
        opened: the descriptor of ``file``.
    """

    use_ns = True

    def __init__(self, file: Path, flags: int, mode: int) -> None:
        self.opened = os.open(file, flags)
        self._path = f"/{file.name}"
        self._mode = stat.S_IFREG | mode

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        """The folder's and the file's status, as in stat(2)."""
        del fh
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path != self._path:
            raise mfusepy.FuseOSError(errno.ENOENT)
        return {"st_mode": self._mode, "st_nlink": 1, "st_size": os.fstat(self.opened).st_size}

    def readdir(self, path: str, fh: int) -> Iterable[str]:
        """What is in the folder."""
        del path, fh
        return [".", "..", self._path[1:]]

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Some bytes of the file."""
        del path, fh
        return os.pread(self.opened, size, offset)
