"""Plays a slow medium: a folder with one file, read by one head that takes its time.

Every byte costs time, and every jump to another place costs more, as on a hard disk or a DVD.
How often the head had to jump, and how many bytes it gave, is told when the folder is unmounted::

    python -m benchmarks.slow_medium LLMSetup-cu124.run FOLDER --rate 100 --seek 12 &
    FOLDER/LLMSetup-cu124.run --target …
    umount FOLDER

Needs libfuse (Debian: ``libfuse2``), root, and Linux.
"""

import argparse
import errno
import json
import os
import stat
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import mfusepy


class SlowMedium(mfusepy.Operations):  # type: ignore[misc]
    """One file in one folder.

    Args:
        file: what is read.
        rate: bytes in a second.
        seek: seconds for a jump.
    """

    use_ns = True

    def __init__(self, file: Path, rate: float, seek: float) -> None:
        self._file = file.open("rb", buffering=0)
        self._path = f"/{file.name}"
        self._rate = rate
        self._seek = seek
        self._head = 0
        self.jumps = 0
        self.bytes = 0

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        """The folder's and the file's status, as in stat(2)."""
        del fh
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path != self._path:
            raise mfusepy.FuseOSError(errno.ENOENT)
        size = os.fstat(self._file.fileno()).st_size
        return {"st_mode": stat.S_IFREG | 0o555, "st_nlink": 1, "st_size": size}

    def readdir(self, path: str, fh: int) -> Iterable[str]:
        """What is in the folder."""
        del path, fh
        return [".", "..", self._path[1:]]

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Some bytes, after the time that they take."""
        del path, fh
        jumps = offset != self._head
        time.sleep(size / self._rate + jumps * self._seek)
        self._head = offset + size
        self.jumps += jumps
        self.bytes += size
        return os.pread(self._file.fileno(), size, offset)


def main() -> int:
    """Mount, wait for the end, and tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("--rate", metavar="N", type=float, default=100, help="MB/s (default: 100)")
    parser.add_argument("--seek", metavar="N", type=float, default=12, help="ms (default: 12)")
    options = parser.parse_args()
    medium = SlowMedium(options.file, options.rate * 1e6, options.seek / 1e3)
    mfusepy.FUSE(
        medium,
        str(options.folder),
        foreground=True,
        # One request after the other: there is one head.
        nothreads=True,
        # As disks do: what was read once is in memory.
        kernel_cache=True,
        ro=True,
    )
    print(json.dumps({"jumps": medium.jumps, "bytes": medium.bytes}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
