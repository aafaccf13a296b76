"""A disk that remembers: every write and every flush, in order, so that the power can be cut later.

One file in a folder of a file system in user space. The kernel makes a block device of it, and
whatever the file system on that device wants to be certain of arrives here as a flush::

    python -m tests.faults.disk disk.img disk.log FOLDER &
    mount -o loop FOLDER/disk.img …
"""

import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mfusepy

from benchmarks.one_file import OneFile

# Offset and length; a flush has no bytes, and says so by its offset.
_HEAD = struct.Struct("<QQ")
_FLUSH = _HEAD.pack(2**64 - 1, 0)


class RememberingDisk(OneFile):
    """One file in one folder.

    Args:
        image: the file.
        log: gets what happens to it.
    """

    def __init__(self, image: Path, log: Path) -> None:
        super().__init__(image, os.O_RDWR, 0o600)
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """Take some bytes, which need not last."""
        del path, fh
        os.write(self._log, _HEAD.pack(offset, len(data)) + data)
        return os.pwrite(self.opened, data, offset)

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
