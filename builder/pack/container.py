"""Writes the payload: a 7z archive whose members are stored, inside a larger file."""

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

import py7zr
from py7zr.helpers import ArchiveTimestamp

from bootstrap.bundle.model import Entry

# A fixed time stamp: the same content must give the same bytes whenever it is packed.
_TIMESTAMP = ArchiveTimestamp.from_datetime(datetime(1980, 1, 1, tzinfo=UTC).timestamp())
_BLOCK = 1 << 20


class _Window(io.RawIOBase):
    """The rest of a file from its present position, as a file that begins at 0."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._start = file.tell()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            offset += self._start
        return self._file.seek(offset, whence) - self._start

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._file.write(data)


class _HashingReader(io.BufferedReader):
    """Hashes and counts what is read through it, from its beginning to its end."""

    def __init__(self, path: Path, progress: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path), _BLOCK)
        self.digest = hashlib.sha256()
        self._progress = progress

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.digest.update(data)
        self._progress(len(data))
        return data


class PayloadWriter:
    """Appends stored members to a 7z archive that begins at ``file``'s position.

    Args:
        file: opened for writing; it stays open.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._archive = py7zr.SevenZipFile(
            cast("BinaryIO", _Window(file)),
            mode="w",
            filters=[{"id": py7zr.FILTER_COPY}],
            blocksize=_BLOCK,
        )
        self._position = self._archive.afterheader
        self._file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # After a failure there is nothing worth a header, and writing one could fail again.
        if kind is None:
            self._archive.close()
            # Closing went back to fill in the signature header.
            self._file.seek(0, io.SEEK_END)

    def add_file(self, path: Path, name: str, progress: Callable[[int], None]) -> Entry:
        """Store the file at ``path``; its hash is taken from the bytes that were written."""
        with _HashingReader(path, progress) as reader:
            return self._add(reader, name, reader.digest.hexdigest)

    def add_bytes(self, data: bytes, name: str) -> Entry:
        """Store ``data``."""
        return self._add(io.BytesIO(data), name, hashlib.sha256(data).hexdigest)

    def _add(self, source: io.BufferedIOBase, name: str, sha256: Callable[[], str]) -> Entry:
        self._archive.writef(cast("BinaryIO", source), name)
        info = self._archive.header.files_info.files[-1]
        for stamp in ("creationtime", "lastwritetime", "lastaccesstime"):
            info[stamp] = _TIMESTAMP
        size = int(info["maxsize"])
        entry = Entry(name=name, offset=self._position, size=size, sha256=sha256())
        self._position += size
        return entry
