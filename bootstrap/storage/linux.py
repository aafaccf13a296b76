"""Linux: ``fallocate(2)`` and ``syncfs(2)``, which Python does not offer."""

import ctypes
import errno
import os
import threading
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


def allocate(file: int, size: int) -> None:
    """Give a new file its blocks at once, which halves what writing it costs.

    Where the file system cannot do so (FAT, a network's), nothing happens:
    ``posix_fallocate`` would write zeros instead.

    Args:
        file: its descriptor.
        size: bytes; the file has that size afterwards.

    Raises:
        OSError: the disk is full.
    """
    if _libc.fallocate(file, 0, ctypes.c_int64(0), ctypes.c_int64(size)) != 0:
        number = ctypes.get_errno()
        if number in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(number, os.strerror(number))


def write_out(folder: Path, stop: threading.Event) -> None:
    """Wait until everything that was written to its file system is on the disk.

    Args:
        folder: on the file system.
        stop: nobody waits any more.

    Raises:
        OSError: the disk failed.
    """
    if stop.is_set():
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _libc.syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(handle)


def write_out_rest(folder: Path) -> None:
    """As :func:`write_out`, once more, after which little is left."""
    write_out(folder, threading.Event())
