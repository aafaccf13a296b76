"""Every file of a generation with its hash, size and times: what drift is measured against.

A CSV file with the columns of a wheel's RECORD (path, ``algorithm=value``, size),
then modification and status-change time in nanoseconds. Like git's index, the times
only decide which files are worth hashing again; they never make a file good.

Its rows stand in the order in which a walk finds the files (:func:`order`), so it is written
and read row by row beside such a walk, and nobody holds a million of them.
"""

import csv
import hashlib
import heapq
import os
import stat
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bootstrap.bundle.records import row_hash
from bootstrap.files import is_junction, part_of
from bootstrap.parallel import side_by_side
from bootstrap.stopping import pieces

FILE_NAME = "inventory.csv"
_BYTECODE = ".pyc"
_ITSELF = (FILE_NAME, part_of(Path(FILE_NAME)).name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file or link below the generation's folder.

    Attributes:
        path: relative, with forward slashes.
        hash: ``algorithm=value``, or ``link=`` and where a symbolic link points.
        times: modification and status-change time, nanoseconds.
    """

    path: str
    hash: str
    size: int
    times: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What differs from the inventory; paths relative to the generation.

    Attributes:
        count: how many files the inventory has.
    """

    count: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a walk finds: a file's path in the inventory, its path here, and its status."""

    relative: str
    path: str
    status: os.stat_result


def order(path: str) -> str:
    """Sorts paths as a walk finds them: by the first folder's name, then the next one's."""
    return path.replace("/", "\0")


def take(
    places: Mapping[str, Path],
    known: Iterable[tuple[str, str]],
    without: Collection[str] = frozenset(),
) -> Iterator[Item]:
    """Look at every file of a generation; bytecode that nobody brought comes and goes.

    Args:
        places: where its files lie: prefix of their path to folder.
        known: path in the inventory and hash, in its order, of files that were hashed while
            written; the others are hashed now.
        without: paths in the inventory of files that are not ours, and do not belong into it.
    """
    for found, digest in _beside(_walk(places), known):
        if digest is None and found.relative.endswith(_BYTECODE):
            continue
        if found.relative in without:
            continue
        yield Item(
            path=found.relative,
            hash=_link(found) or digest or hash_file(found.path),
            size=found.status.st_size,
            times=_times(found.status),
        )


def _link(found: _Found) -> str | None:
    if not stat.S_ISLNK(found.status.st_mode):
        return None
    return f"link={os.readlink(found.path)}"  # noqa: PTH115 (plain strings: there are 30,000)


def additions(places: Mapping[str, Path], items: Iterable[Item]) -> Iterator[str]:
    """Files of a generation that its inventory does not know; bytecode aside."""
    return (found.relative for found, ours in _told_apart(places, items) if not ours)


def own_size(places: Mapping[str, Path], items: Iterable[Item]) -> int:
    """Bytes that go with a generation: of files that are no additions, and have no other name."""
    statuses = (found.status for found, ours in _told_apart(places, items) if ours)
    return sum(status.st_size for status in statuses if status.st_nlink == 1)


def _told_apart(places: Mapping[str, Path], items: Iterable[Item]) -> Iterator[tuple[_Found, bool]]:
    """Every file of a generation, and whether it goes with that."""
    for found, known in _beside(_walk(places), ((item.path, item.hash) for item in items)):
        yield found, known is not None or found.relative.endswith(_BYTECODE)


def compare(
    places: Mapping[str, Path],
    items: Iterable[Item],
    *,
    deep: bool,
    progress: Callable[[int], None],
) -> Drift:
    """Compare the files of a generation with its inventory.

    Args:
        places: where they lie: prefix of their path to folder.
        items: its inventory.
        deep: hash every file; otherwise only those whose size or times differ.
        progress: gets the bytes of each file that was looked at.
    """
    stop = threading.Event()

    def judge(item: Item) -> str | None:
        verdict = _judge(locate(places, item.path), item, deep=deep, stop=stop)
        progress(item.size)
        return verdict

    count, differing = 0, dict[str, list[str]](changed=[], missing=[])
    with closing(side_by_side(judge, items, stop=stop)) as judged:
        for item, verdict in judged:
            count += 1
            if verdict:
                differing[verdict].append(item.path)
    return Drift(
        count=count, changed=tuple(differing["changed"]), missing=tuple(differing["missing"])
    )


def locate(places: Mapping[str, Path], path: str) -> str:
    """Where the file is that the inventory calls ``path``."""
    prefix = next((prefix for prefix in places if prefix and path.startswith(prefix)), "")
    inner = path.removeprefix(prefix).replace("/", os.sep)
    return f"{os.fspath(places[prefix])}{os.sep}{inner}"


def _judge(path: str, item: Item, *, deep: bool, stop: threading.Event) -> str | None:
    try:
        status = os.lstat(path)
        if item.hash.startswith("link="):
            return None if f"link={os.readlink(path)}" == item.hash else "changed"  # noqa: PTH115
        if status.st_size != item.size:
            return "changed"
        if not deep and _times(status) == item.times:
            return None
        algorithm = item.hash.partition("=")[0]
        return None if hash_file(path, algorithm, stop) == item.hash else "changed"
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "changed"


def _times(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_ctime_ns


def _walk(places: Mapping[str, Path]) -> Iterator[_Found]:
    """Every file but the inventory itself, in :func:`order`."""
    walks = [_walk_in(prefix, os.fspath(folder)) for prefix, folder in places.items()]
    return heapq.merge(*walks, key=lambda found: order(found.relative))


def _walk_in(prefix: str, folder: str) -> Iterator[_Found]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        relative = f"{prefix}{entry.name}"
        # Python takes a junction for a folder; what it leads to is no part of this.
        if entry.is_dir(follow_symlinks=False) and not is_junction(os.lstat(entry.path)):
            yield from _walk_in(f"{relative}/", entry.path)
        elif relative not in _ITSELF:
            # Windows tells a listed file's size and times later than the file itself.
            yield _Found(relative=relative, path=entry.path, status=os.lstat(entry.path))


def _beside(
    files: Iterable[_Found], rows: Iterable[tuple[str, str]]
) -> Iterator[tuple[_Found, str | None]]:
    """Each file with what the row of the same path says, if there is one; both in order."""
    rows = iter(rows)
    row = next(rows, None)
    for found in files:
        while row and order(row[0]) < order(found.relative):
            row = next(rows, None)
        yield found, row[1] if row and row[0] == found.relative else None


def hash_file(path: str, algorithm: str = "sha256", stop: threading.Event | None = None) -> str:
    """``algorithm=value`` as in RECORD, of a file's content.

    Raises:
        StoppedError: ``stop`` was set meanwhile.
    """
    digest = hashlib.new(algorithm)
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        for piece in pieces(file, stop):
            digest.update(piece)
    return row_hash(digest)


def has_hash(path: str, expected: str, stop: threading.Event | None = None) -> bool:
    """Whether a file can be read, and its content has the hash ``algorithm=value``.

    Raises:
        StoppedError: ``stop`` was set meanwhile.
    """
    try:
        return hash_file(path, expected.partition("=")[0], stop) == expected
    except OSError:
        return False


class _Line:
    """What a CSV writer writes to, and gives it back."""

    @staticmethod
    def write(line: str) -> str:
        return line


def encode(items: Iterable[Item]) -> Iterator[bytes]:
    """CSV, UTF-8, one row per item."""
    rows = csv.writer(_Line, lineterminator="\n")
    for item in items:
        line: str = rows.writerow([item.path, item.hash, item.size, *item.times])
        # A file name need not be valid UTF-8 on POSIX.
        yield line.encode("utf-8", "surrogateescape")


def read(path: Path) -> Iterator[Item]:
    """Parse what :func:`encode` gave, row by row.

    Raises:
        ValueError: it is something else.
        OSError: it cannot be read.
    """
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        try:
            for name, digest, size, modified, changed in csv.reader(file):
                times = int(modified), int(changed)
                yield Item(path=name, hash=digest, size=int(size), times=times)
        except csv.Error as error:
            raise ValueError(str(error)) from error
