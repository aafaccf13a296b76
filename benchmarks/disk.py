"""How much disk a command takes while it runs, beyond what stays.

Looking at every file again and again slows down what is looked at, so this is a run of its
own, and its time does not count. The whole file system would be quick to ask, but others
write to it, too. Files that are open and have no name any more are not seen.
"""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.measuring import finish, start
from benchmarks.model import Disk
from benchmarks.processes import family, is_check

_INTERVAL = 0.1
_BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Bytes in use: of everything, and in the folder of the environment alone."""

    whole: int = 0
    in_place: int = 0

    def highest(self, other: "Usage") -> "Usage":
        """The higher of each."""
        return Usage(
            whole=max(self.whole, other.whole), in_place=max(self.in_place, other.in_place)
        )


def measure_disk(
    command: Sequence[str | Path],
    *,
    folder: Path,
    place: Path,
    environment: Mapping[str, str],
) -> Disk:
    """Run a command to its end in a folder and look at what lies there meanwhile.

    Args:
        command: program and arguments.
        folder: where it runs, and where all that it writes goes.
        place: the environment's own folder in that.
        environment: all of its variables.

    Raises:
        CommandFailedError: it has failed.
    """
    before = used_bytes(folder)
    with start(command, cwd=folder, environment=environment) as process:
        watcher = _Watcher(process.pid, folder, place)
        watcher.start()
        finish(process)
        watcher.end()
    after = usage(folder, place)
    return Disk(
        lasting=after.whole - before,
        temporary=max(0, watcher.own.whole - after.whole),
        temporary_in_place=max(0, watcher.own.in_place - after.in_place),
        temporary_of_checks=max(0, watcher.in_checks.whole - after.whole),
    )


class _Watcher(threading.Thread):
    """Polls the disk; from when the first check is there, apart."""

    def __init__(self, root: int, folder: Path, place: Path) -> None:
        super().__init__(daemon=True)
        self.own = self.in_checks = Usage()
        self._root = root
        self._folder = folder
        self._place = place
        self._checking = False
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_INTERVAL):
            self._look()

    def end(self) -> None:
        self._ended.set()
        self.join()

    def _look(self) -> None:
        self._checking = self._checking or _has_check(self._root)
        used = usage(self._folder, self._place)
        if self._checking:
            self.in_checks = self.in_checks.highest(used)
        # One may have begun while the files were looked at.
        elif not _has_check(self._root):
            self.own = self.own.highest(used)


def _has_check(root: int) -> bool:
    for process in family(root):
        try:
            if is_check(process):
                return True
        except psutil.Error:
            # It has just ended.
            continue
    return False


def usage(folder: Path, place: Path) -> Usage:
    """What a folder takes, and one folder in it."""
    return Usage(whole=used_bytes(folder), in_place=used_bytes(place))


def used_bytes(folder: Path) -> int:
    """What all files below a folder take on disk, each once, however many names it has."""
    blocks = {status.st_ino: status.st_blocks for status in _statuses(os.fspath(folder))}
    return sum(blocks.values()) * _BLOCK


def _statuses(folder: str) -> Iterator[os.stat_result]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    yield entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    # Gone since it was listed.
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from _statuses(entry.path)
    except FileNotFoundError:
        # Not there yet, or gone.
        return
