"""Windows: only an administrator may write out a whole volume, so it is done file by file."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from bootstrap.parallel import side_by_side

# Most of the time goes by waiting for the disk.
_THREADS = 8


def allocate(file: int, size: int) -> None:
    """Nothing: NTFS would have to be told by SetFileInformationByHandle, for little gain."""
    del file, size


def clone(source: str, to: str) -> bool:
    """Nothing: only ReFS could."""
    del source, to
    return False


def write_out(folder: Path, stop: threading.Event) -> None:
    """Wait until every file below ``folder`` is on the disk.

    Args:
        folder: its files.
        stop: nobody waits any more.

    Raises:
        OSError: the disk failed.
    """

    def flush(path: str) -> None:
        if not stop.is_set():
            _flush(path)

    _for_all(_files(folder), flush)


def write_out_rest(folder: Path, *, since: float) -> None:
    """The same for what was written after ``since``, seconds of the epoch."""
    # FAT tells times by two seconds.
    written = (path for path in _files(folder) if os.stat(path).st_mtime > since - 2)  # noqa: PTH116
    _for_all(written, _flush)


def _files(folder: Path) -> Iterator[str]:
    # Plain strings: there are 30,000 of them.
    return (os.path.join(where, name) for where, _, names in os.walk(folder) for name in names)  # noqa: PTH118


def _flush(path: str) -> None:
    # FlushFileBuffers wants the right to write, which what is marked as read-only denies.
    with suppress(PermissionError), open(path, "rb+", buffering=0) as file:  # noqa: PTH123
        os.fsync(file.fileno())


def _for_all(paths: Iterable[str], do: Callable[[str], None]) -> None:
    for _ in side_by_side(do, paths, threads=_THREADS):
        pass
