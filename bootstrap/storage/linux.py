"""Linux: ``fallocate(2)`` and ``syncfs(2)``, which Python does not offer."""

import ctypes
import fcntl
import os
import stat
import threading
from collections.abc import Collection
from pathlib import Path

from bootstrap.errors import DISK_FULL

# Whoever uses the files does not notice.
MEANWHILE = True
# _IOW(0x94, 9, int), see ioctl_ficlone(2).
_FICLONE = 0x40049409
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
        if number in DISK_FULL:
            raise OSError(number, os.strerror(number))


def clone(source: str, to: str) -> bool:
    """Make ``to`` a new file that shares the blocks of ``source`` until one is written to.

    Returns:
        Whether the file system can do that; if not, nothing is at ``to``.

    Raises:
        OSError: one of them cannot be opened.
    """
    with open(source, "rb") as old, open(to, "xb") as new:  # noqa: PTH123
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
        except OSError:
            os.unlink(to)  # noqa: PTH108
            return False
    return True


def is_as_new(status: os.stat_result, mode: int) -> bool:
    """Whether a file has the owner and the mode that it would have if we made it now."""
    return status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) == mode


def write_out(folder: Path, stop: threading.Event) -> Collection[str]:
    """Wait until everything that was written to its file system is on the disk.

    Args:
        folder: on the file system.
        stop: nobody waits any more.

    Returns:
        Files that were left out: none.

    Raises:
        OSError: the disk failed.
    """
    if stop.is_set():
        return ()
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _libc.syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(handle)
    return ()


def write_out_rest(
    folder: Path, missed: Collection[str], stop: threading.Event, *, since: float
) -> Collection[str]:
    """As :func:`write_out`, once more, after which little is left; no matter of what."""
    del missed, since
    return write_out(folder, stop)
