"""How fast the medium is that the bundle lies on. A slow one must not be made to seek."""

import os
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic

from bootstrap.bundle.reader import BundleReader

# What is read to find out; it is read again at once, then from memory.
_SAMPLE = 32 << 20
# Less tells of opening files, and of other programs, not of the medium.
_LEAST = 1 << 20
_PIECE = 1 << 20
_LONGEST_SECONDS = 1.0
# Bytes in a second that one thread decompresses, hashes and writes, with room to spare: below
# that a second thread has nothing to do but to take the head of a disk elsewhere.
_FAST = 150e6
# Each keeps a window of what it decompresses, up to 64 MiB, so their number bounds the memory.
_MOST_THREADS = 4


def threads_for(reader: BundleReader) -> int:
    """How many threads should read a bundle at the same time.

    One reads strictly forward, if it goes by the members' offsets.
    """
    if _is_slow(reader):
        return 1
    # More than one even on one core: while one waits for the disk, another may work.
    return max(2, min(_MOST_THREADS, os.cpu_count() or 1))


def _is_slow(reader: BundleReader) -> bool:
    """Whether one thread installs as fast as the medium gives.

    USB 2 gives 35 MB/s, a DVD 11 to 20, a hard disk 100 to 250; USB 3 and everything that is
    in memory already give more than a thread takes. Where nothing can be read, that is for
    others to tell; where there is little to read, it does not matter.
    """
    started, taken = monotonic(), 0
    with suppress(OSError):
        for size in _first_pieces(reader):
            taken += size
            if taken >= _SAMPLE or monotonic() - started > _LONGEST_SECONDS:
                break
    return _LEAST <= taken < _FAST * (monotonic() - started)


def _first_pieces(reader: BundleReader) -> Iterator[int]:
    for wheel in reader.index.wheels:
        with reader.open_entry(wheel.entry) as file:
            while piece := file.read(_PIECE):
                yield len(piece)
