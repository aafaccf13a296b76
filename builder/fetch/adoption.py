"""Takes files that somebody fetched by hand, by hash and not by name."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.errors import UsageError
from builder.fetch.cache import Cache, hash_file, sync
from builder.fetch.model import WantedFile
from builder.progress import Progress

_CHUNK = 1 << 20


def adopt(folder: Path, wanted: Iterable[WantedFile], cache: Cache, progress: Progress) -> None:
    """Copy into the cache what is wanted, not there yet, and somewhere below ``folder``.

    A copy and no link: what the user does to the file later must not reach the cache.

    Raises:
        UsageError: there is no such folder.
        NoSpaceError: the cache's disk is full.
        NotWritableError: the cache cannot be written.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", remedy="Correct --wheels.")
    missing = [file for file in wanted if cache.find(file) is None]
    there = _Folder(folder, progress)
    for file in missing:
        if any(_take(path, file, cache, there) for path in there.candidates(file)):
            progress.note(f"{file.filename} was taken from {folder}.")
        elif (named := there.named(file)) and (actual := there.hash(named[0])):
            progress.warn(
                f"{named[0]} is not the locked {file.filename}: SHA-256 {file.sha256} is wanted, "
                f"it has {actual}."
            )


class _Folder:
    """The files somewhere below a folder; each is read once to be hashed, if at all.

    Args:
        folder: an existing one.
        progress: hears of what cannot be read.
    """

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._progress = progress
        self._by_name = defaultdict[str, list[Path]](list)
        self._sizes = dict[Path, int]()
        # By size and by suffix, those whose hashes are not known.
        self._unread = defaultdict[int | str, list[Path]](list)
        self._hashes = dict[Path, str | None]()
        self._by_hash = dict[str, Path]()
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self._sizes[path] = path.stat().st_size
                self._by_name[path.name].append(path)
                for kind in (self._sizes[path], path.suffix):
                    self._unread[kind].append(path)

    def named(self, file: WantedFile) -> list[Path]:
        """Those that are called as the wanted one is."""
        return self._by_name.get(file.filename, [])

    def candidates(self, file: WantedFile) -> Iterator[Path]:
        """Those that may be the wanted one: by name, then by content."""
        for path in self.named(file):
            if file.size in (None, self._sizes[path]):
                yield path
        unread = self._unread[Path(file.filename).suffix if file.size is None else file.size]
        while unread and file.sha256 not in self._by_hash:
            self.hash(unread.pop())
        if file.sha256 in self._by_hash:
            yield self._by_hash[file.sha256]

    def hash(self, path: Path) -> str | None:
        """SHA-256, hexadecimal; None where it cannot be read, which is told once."""
        if path not in self._hashes:
            try:
                self.note(path, hash_file(path))
            except OSError as error:
                self.tell(path, error)
        return self._hashes[path]

    def note(self, path: Path, sha256: str) -> None:
        """Somebody has read it and found this hash."""
        self._hashes[path] = sha256
        self._by_hash[sha256] = path

    def tell(self, path: Path, error: OSError) -> None:
        """Somebody could not read it."""
        if path not in self._hashes:
            self._hashes[path] = None
            self._progress.warn(f"{path} cannot be read: {error.strerror}.")


def _take(path: Path, file: WantedFile, cache: Cache, there: _Folder) -> bool:
    try:
        source = path.open("rb")
    except OSError as error:
        there.tell(path, error)
        return False
    digest = hashlib.sha256()
    with source, cache.open_partial(file) as part:
        part.drop()
        with part.path.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        there.note(path, digest.hexdigest())
        if digest.hexdigest() != file.sha256:
            part.drop()
            return False
        sync(part.path)
        part.finish()
    return True
