"""Giving up in the middle of a large file, when nobody wants the result any more."""

import io
import threading
from collections.abc import Iterator

# A few of them are read in a second by the slowest disk, and it fits a core's cache.
_PIECE = 256 << 10


class StoppedError(Exception):
    """Somebody has interrupted, or something else went wrong, which is what will be told."""


def pieces(file: io.RawIOBase, stop: threading.Event | None) -> Iterator[memoryview]:
    """What is in a file from here on; each piece is overwritten by the next one.

    Args:
        file: not buffered.
        stop: set when it is not wanted any more; None where only the main thread reads, which
            Ctrl-C interrupts anyway.

    Raises:
        StoppedError: ``stop`` was set.
        OSError: it cannot be read.
    """
    buffer = memoryview(bytearray(_PIECE))
    while size := file.readinto(buffer):
        if stop and stop.is_set():
            raise StoppedError
        yield buffer[:size]
