"""A disk that remembers: every write and every flush, in order, so that the power can be cut later.

One file in a folder of a file system in user space. The kernel makes a block device of it, and
whatever the file system on that device wants to be certain of arrives here as a flush::

    python -m tests.faults.disk disk.img disk.log FOLDER &
    mount -o loop FOLDER/disk.img …
"""

import errno
import os
import stat
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mfusepy

# Offset and length; a flush has no bytes, and says so by its offset.
_HEAD = struct.Struct("<QQ")
_FLUSH = _HEAD.pack(2**64 - 1, 0)


class RememberingDisk(mfusepy.Operations):  # type: ignore[misc]
    """One file in one folder.

    Args:
        image: the file.
        log: gets what happens to it.
    """

    use_ns = True

    def __init__(self, image: Path, log: Path) -> None:
        self._path = f"/{image.name}"
        self._image = os.open(image, os.O_RDWR)
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        """The folder's and the file's status, as in stat(2)."""
        del fh
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path != self._path:
            raise mfusepy.FuseOSError(errno.ENOENT)
        size = os.fstat(self._image).st_size
        return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": size}

    def readdir(self, path: str, fh: int) -> Iterable[str]:
        """What is in the folder."""
        del path, fh
        return [".", "..", self._path[1:]]

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Some bytes."""
        del path, fh
        return os.pread(self._image, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """Take some bytes, which need not last."""
        del path, fh
        os.write(self._log, _HEAD.pack(offset, len(data)) + data)
        return os.pwrite(self._image, data, offset)

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        """From now on, what was written lasts."""
        del path, datasync, fh
        os.write(self._log, _FLUSH)
        return 0


@dataclass(frozen=True, slots=True)
class Write:
    """Some bytes that the disk was given."""

    offset: int
    data: bytes


def read_log(log: Path) -> Iterator[Write | None]:
    """What has happened, in order; None is a flush."""
    with log.open("rb") as file:
        while head := file.read(_HEAD.size):
            offset, size = _HEAD.unpack(head)
            yield Write(offset, file.read(size)) if size else None


def main() -> None:
    """Mount, and wait for the end."""
    image, log, folder = map(Path, sys.argv[1:])
    mfusepy.FUSE(
        RememberingDisk(image, log),
        str(folder),
        foreground=True,
        # One request after the other, so that there is one order.
        nothreads=True,
    )


if __name__ == "__main__":
    main()
