"""Windows: only an administrator may write out a whole volume, so it is done file by file."""

import os
import stat
import threading
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from bootstrap.parallel import side_by_side

# Most of the time goes by waiting for the disk.
_THREADS = 8
# Windows starts no program, and loads no library, that somebody has opened to flush it.
MEANWHILE = False


def allocate(file: int, size: int) -> None:
    """Nothing: NTFS would have to be told by SetFileInformationByHandle, for little gain."""
    del file, size


def clone(source: str, to: str) -> bool:
    """Nothing: only ReFS could."""
    del source, to
    return False


def is_as_new(status: os.stat_result, mode: int) -> bool:
    """Whether a file is not marked as read-only; whose it is, its folder says."""
    del mode
    return bool(status.st_mode & stat.S_IWRITE)


def write_out(folder: Path, stop: threading.Event) -> Collection[str]:
    """Wait until every file below ``folder`` is on the disk.

    Args:
        folder: its files; whoever makes and deletes some meanwhile does no harm.
        stop: nobody waits any more.

    Returns:
        Files that were left out, since somebody has them open: a library that is loaded.

    Raises:
        OSError: the disk failed.
    """
    return _flush_all(_files(folder), stop)


def write_out_rest(
    folder: Path, missed: Collection[str], stop: threading.Event, *, since: float
) -> Collection[str]:
    """The same for what was left out, and what was written after ``since``, in epoch seconds."""
    # FAT tells times by two seconds.
    written = {path for path in _files(folder) if os.stat(path).st_mtime > since - 2}  # noqa: PTH116
    return _flush_all(written | set(missed), stop)


def _files(folder: Path) -> Iterator[str]:
    # Plain strings: there are 30,000 of them.
    return (os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)  # noqa: PTH118


def _flush_all(paths: Iterable[str], stop: threading.Event) -> Collection[str]:
    """Flush files, and return those that may not be opened."""
    missed = list[str]()

    def flush(path: str) -> None:
        if not (stop.is_set() or _flush(path)):
            missed.append(path)

    for _ in side_by_side(flush, paths, threads=_THREADS):
        pass
    return missed


def _flush(path: str) -> bool:
    """Whether it could be; FlushFileBuffers wants the right to write.

    Whoever has loaded it denies that, and so does its being marked as read-only.
    """
    try:
        with open(path, "rb+", buffering=0) as file:  # noqa: PTH123
            os.fsync(file.fileno())
    except PermissionError:
        return False
    except FileNotFoundError:
        # A temporary one of the checks, or of Python, which renames what it compiles.
        return True
    return True
