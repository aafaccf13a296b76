"""Plays a slow medium: a folder with one file, read by one head that takes its time.

Every byte costs time, and every jump to another place costs more, as on a hard disk or a DVD.
How often the head had to jump, and how many bytes it gave, is told when the folder is unmounted::

    python -m benchmarks.slow_medium LLMSetup-cu124.run FOLDER --rate 100 --seek 12 &
    FOLDER/LLMSetup-cu124.run --target …
    umount FOLDER

Needs libfuse (Debian: ``libfuse2``), root, and Linux.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import mfusepy

from benchmarks.one_file import OneFile


class SlowMedium(OneFile):
    """One file in one folder.

    Args:
        file: what is read.
        rate: bytes in a second.
        seek: seconds for a jump.
    """

    def __init__(self, file: Path, rate: float, seek: float) -> None:
        super().__init__(file, os.O_RDONLY, 0o555)
        self._rate = rate
        self._seek = seek
        self._head = 0
        self.jumps = 0
        self.bytes = 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Some bytes, after the time that they take."""
        jumps = offset != self._head
        time.sleep(size / self._rate + jumps * self._seek)
        self._head = offset + size
        self.jumps += jumps
        self.bytes += size
        return super().read(path, size, offset, fh)


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
