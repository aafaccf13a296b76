"""Every file of a generation with its hash, size and times: what drift is measured against.

A CSV file with the columns of a wheel's RECORD (path, ``algorithm=value``, size),
then modification and status-change time in nanoseconds. Like git's index, the times
only decide which files are worth hashing again; they never make a file good.
"""

import csv
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bootstrap.bundle.records import row_hash

FILE_NAME = "inventory.csv"
_BYTECODE = ".pyc"


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
    """What differs from the inventory; paths relative to the generation."""

    changed: tuple[str, ...]
    missing: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.changed or self.missing)


def take(places: Mapping[str, Path], known: Mapping[str, str]) -> tuple[Item, ...]:
    """Look at every file of a generation; bytecode that nobody brought comes and goes.

    Args:
        places: where its files lie: prefix of their path to folder.
        known: absolute path to hash, of files that were hashed while written; the
            others are hashed now.
    """
    items = []
    for relative, path, status in _walk(places):
        if path.endswith(_BYTECODE) and path not in known:
            continue
        if os.path.islink(path):  # noqa: PTH114 (plain strings: there are 30,000)
            digest = f"link={os.readlink(path)}"  # noqa: PTH115
        else:
            digest = known.get(path) or hash_file(path)
        items.append(Item(path=relative, hash=digest, size=status.st_size, times=_times(status)))
    return tuple(sorted(items, key=lambda item: item.path))


def additions(places: Mapping[str, Path], items: tuple[Item, ...]) -> tuple[str, ...]:
    """Files of a generation that its inventory does not know; bytecode and it itself aside."""
    known = {item.path for item in items}
    found = (relative for relative, _, _ in _walk(places))
    return tuple(
        sorted(
            path
            for path in found
            if path not in known and not path.endswith(_BYTECODE) and path != FILE_NAME
        )
    )


def compare(
    places: Mapping[str, Path],
    items: tuple[Item, ...],
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

    def judge(item: Item) -> str | None:
        verdict = _judge(locate(places, item.path), item, deep=deep)
        progress(item.size)
        return verdict

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        verdicts = list(pool.map(judge, items, chunksize=64))
    found = list(zip(items, verdicts, strict=True))
    return Drift(
        changed=tuple(item.path for item, verdict in found if verdict == "changed"),
        missing=tuple(item.path for item, verdict in found if verdict == "missing"),
    )


def locate(places: Mapping[str, Path], path: str) -> str:
    """Where the file is that the inventory calls ``path``."""
    prefix = next((prefix for prefix in places if prefix and path.startswith(prefix)), "")
    inner = path.removeprefix(prefix).replace("/", os.sep)
    return f"{os.fspath(places[prefix])}{os.sep}{inner}"


def _judge(path: str, item: Item, *, deep: bool) -> str | None:
    try:
        status = os.lstat(path)
        if item.hash.startswith("link="):
            return None if f"link={os.readlink(path)}" == item.hash else "changed"  # noqa: PTH115
        if status.st_size != item.size:
            return "changed"
        if not deep and _times(status) == item.times:
            return None
        algorithm = item.hash.partition("=")[0]
        return None if hash_file(path, algorithm) == item.hash else "changed"
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "changed"


def _times(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_ctime_ns


def _walk(places: Mapping[str, Path]) -> Iterator[tuple[str, str, os.stat_result]]:
    """Of each file its path in the inventory, its path here, and its status."""
    # Plain strings: there are 30,000 of them.
    waiting = [(prefix, os.fspath(folder)) for prefix, folder in places.items()]
    while waiting:
        prefix, folder = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((f"{prefix}{entry.name}/", entry.path))
                else:
                    # Windows tells a listed file's size and times later than the file itself.
                    yield f"{prefix}{entry.name}", entry.path, os.lstat(entry.path)


def hash_file(path: str, algorithm: str = "sha256") -> str:
    """``algorithm=value`` as in RECORD, of a file's content."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        digest = hashlib.file_digest(file, algorithm)
    return row_hash(digest)


def encode(items: tuple[Item, ...]) -> bytes:
    """CSV, UTF-8, one row per item."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerows([item.path, item.hash, item.size, *item.times] for item in items)
    # A file name need not be valid UTF-8 on POSIX.
    return text.getvalue().encode("utf-8", "surrogateescape")


def decode(data: bytes) -> tuple[Item, ...]:
    """Parse what :func:`encode` wrote.

    Raises:
        ValueError: it is something else.
    """
    rows = csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape")))
    try:
        return tuple(
            Item(path=path, hash=digest, size=int(size), times=(int(modified), int(changed)))
            for path, digest, size, modified, changed in rows
        )
    except csv.Error as error:
        raise ValueError(str(error)) from error
