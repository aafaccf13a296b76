"""Takes files that somebody fetched by hand, by hash and not by name."""

import hashlib
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
    present = [(path, path.stat().st_size) for path in sorted(folder.rglob("*")) if path.is_file()]
    hashes = dict[Path, str | None]()
    for file in missing:
        candidates = _candidates(file, present, hashes, progress)
        if any(_take(path, file, cache, progress) for path in candidates):
            progress.note(f"{file.filename} was taken from {folder}.")
            continue
        named = next((path for path, _ in present if path.name == file.filename), None)
        if named and (actual := _hash(named, progress)):
            progress.warn(
                f"{named} is not the locked {file.filename}: SHA-256 {file.sha256} is wanted, it "
                f"has {actual}."
            )


def _candidates(
    file: WantedFile,
    present: Iterable[tuple[Path, int]],
    hashes: dict[Path, str | None],
    progress: Progress,
) -> Iterator[Path]:
    """Files that may be the wanted one: by size, or where nobody states it, by hash.

    Args:
        file: the wanted one.
        present: all files, with their bytes.
        hashes: of those that were read already; grows.
        progress: hears of what cannot be read.
    """
    if file.size is not None:
        yield from (path for path, size in present if size == file.size)
        return
    alike = [path for path, _ in present if path.suffix == Path(file.filename).suffix]
    # Its own name first: then no other needs to be read.
    for path in sorted(alike, key=lambda path: path.name != file.filename):
        if path not in hashes:
            hashes[path] = _hash(path, progress)
        if hashes[path] == file.sha256:
            yield path


def _hash(path: Path, progress: Progress) -> str | None:
    try:
        return hash_file(path)
    except OSError as error:
        progress.warn(f"{path} cannot be read: {error.strerror}.")
        return None


def _take(path: Path, file: WantedFile, cache: Cache, progress: Progress) -> bool:
    try:
        source = path.open("rb")
    except OSError as error:
        progress.warn(f"{path} cannot be read: {error.strerror}.")
        return False
    digest = hashlib.sha256()
    with source, cache.open_partial(file) as part:
        part.drop()
        with part.path.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        if digest.hexdigest() != file.sha256:
            part.drop()
            return False
        sync(part.path)
        part.finish()
    return True
