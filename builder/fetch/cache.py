"""The cache: files by the hash of their content, shared by all variants and all builds.

::

    files/<sha256>       whole; a name is given only after the hash was compared
    partial/<sha256>     begun, to be resumed by a later run; beside it what the host called it
    origins/<sha256>.*   what its index said of it; see :mod:`builder.fetch.origins`
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from builder.disk import storing
from builder.errors import DamagedBundleError
from builder.fetch.model import WantedFile


def default_cache_folder() -> Path:
    """The user's cache folder, as the platform has it."""
    return user_cache_path("llmsetup", appauthor=False)


class Cache:
    """Files by SHA-256.

    Args:
        root: its folder; made when something is first put in.
    """

    def __init__(self, root: Path) -> None:
        # Programs that get its path run in folders of their own.
        self.root = root.absolute()

    def find(self, file: WantedFile) -> Path | None:
        """Where the file lies, or None.

        Its size is compared here. Its hash was when it came in, and is again by whoever
        reads all of it; see :meth:`require_intact`.
        """
        path = self._place(file)
        try:
            size = path.stat().st_size
        except OSError:
            return None
        return path if file.size in (None, size) else None

    def at_hand(self, files: Iterable[WantedFile]) -> dict[str, Path]:
        """Those of the files that are there, by SHA-256."""
        return {file.sha256: path for file in files if (path := self.find(file))}

    def size_of_partial(self, file: WantedFile) -> int:
        """Bytes of it that an earlier run has left."""
        return PartialFile(path=self._partial(file), final=self._place(file)).size

    @contextmanager
    def open_partial(self, file: WantedFile) -> Iterator["PartialFile"]:
        """Where the file may be written bit by bit; other processes wait for their turn.

        Raises:
            NoSpaceError: the cache's disk is full.
            NotWritableError: the cache cannot be written.
        """
        part = PartialFile(path=self._partial(file), final=self._place(file))
        with storing(self.root, option="--cache", need=file.size):
            part.path.parent.mkdir(parents=True, exist_ok=True)
            part.final.parent.mkdir(exist_ok=True)
            with FileLock(part.path.with_suffix(".lock")):
                yield part

    def _partial(self, file: WantedFile) -> Path:
        return self.root / "partial" / file.sha256

    def _place(self, file: WantedFile) -> Path:
        return self.root / "files" / file.sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialFile:
    """A file that is not whole yet.

    Attributes:
        path: what is there of it.
        final: the name that it gets when it is whole.
    """

    path: Path
    final: Path

    @property
    def size(self) -> int:
        """Bytes that are there; 0 when nothing is."""
        try:
            return self.path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return 0

    @property
    def etag(self) -> str | None:
        """What the host called the content that these bytes are the beginning of."""
        try:
            return self._etag_path.read_text(encoding="utf-8") or None
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def note_etag(self, etag: str | None) -> None:
        """Keep it for the next run."""
        self._etag_path.write_text(etag or "", encoding="utf-8")

    def drop(self) -> None:
        """What is there is of no use."""
        self.path.unlink(missing_ok=True)
        self._etag_path.unlink(missing_ok=True)

    def finish(self) -> Path:
        """It is whole, on the disk, and was compared with its hash: give it its name."""
        self.path.replace(self.final)
        self._etag_path.unlink(missing_ok=True)
        return self.final

    @property
    def _etag_path(self) -> Path:
        return self.path.with_suffix(".etag")


def hash_file(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Bring a file's content to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def require_intact(path: Path, filename: str, sha256: str, actual: str | None = None) -> None:
    """Compare a cached file with its hash; one that differs goes, to be fetched anew.

    Args:
        path: in the cache.
        filename: its proper name, for the message.
        sha256: what it must be.
        actual: what it is, where the caller has just read all of it.

    Raises:
        DamagedBundleError: it differs.
    """
    with storing(path.parent, option="--cache"):
        actual = actual or hash_file(path)
    if actual == sha256:
        return
    path.unlink(missing_ok=True)
    raise DamagedBundleError(
        f"The cached {filename} is damaged: its SHA-256 is {actual}, not {sha256}. It was "
        "removed from the cache.",
        remedy="Run the build again; it gets the file anew.",
    )
