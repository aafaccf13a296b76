"""Opens a bundle and reads its members in place. The only code that reads one."""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Self

from bootstrap.bundle import layout
from bootstrap.bundle.errors import DamagedBundleError, NoSpaceError
from bootstrap.bundle.model import Entry, Index, decode_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from _typeshed import WriteableBuffer

_CHUNK = 1 << 20
_MAX_INDEX_SIZE = 64 << 20
_COPY_AGAIN = "Copy the bundle again from its source and compare it with SHA256SUMS."


class SectionFile(io.RawIOBase):
    """A stretch of a file as a read-only, seekable file of its own.

    Each has its own handle, so several threads may read one bundle.

    Args:
        path: the file.
        offset: first byte of the stretch.
        size: its length in bytes; reading ends there.
    """

    def __init__(self, path: Path, offset: int, size: int) -> None:
        super().__init__()
        self.name = str(path)
        self._file = path.open("rb", buffering=0)
        self._offset = offset
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        count = min(len(view), max(0, self._size - self._position))
        self._file.seek(self._offset + self._position)
        got = self._file.readinto(view[:count])
        self._position += got
        return got

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class BundleReader:
    """An opened bundle whose index is intact.

    The members are not read by opening; :meth:`verify_entry` reads one.

    Attributes:
        path: the bundle's file.
        index: its table of contents.
        index_bytes: the index as stored.
        payload_offset: where the 7z archive begins, bytes from the start of the file.
    """

    def __init__(self, path: Path, trailer: layout.Trailer, index_bytes: bytes) -> None:
        self.path = path
        self.index: Index = decode_index(index_bytes)
        self.index_bytes = index_bytes
        self.payload_offset = trailer.payload_offset
        self._trailer = trailer
        self._payload_size = trailer.payload_size
        self._check_bounds()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Find and check the index.

        Raises:
            DamagedBundleError: no index is found, or it is not what was written.
        """
        try:
            with path.open("rb") as file:
                trailer = _read_trailer(file, path)
                file.seek(trailer.index_offset)
                index_bytes = file.read(trailer.index_size)
        except OSError as error:
            raise DamagedBundleError(
                f"{path} cannot be read: {error.strerror}.", remedy=_COPY_AGAIN
            ) from error
        if layout.sha256_hex(index_bytes) != trailer.index_sha256:
            raise DamagedBundleError(
                f"{path}: the index (bundle.json, offset {trailer.index_offset}) is damaged.",
                remedy=_COPY_AGAIN,
            )
        return cls(path, trailer, index_bytes)

    def _check_bounds(self) -> None:
        for entry in self.index.entries:
            if entry.offset < 0 or entry.offset + entry.size > self._payload_size:
                raise DamagedBundleError(
                    f"{self.path}: {entry.name} lies outside the payload.", remedy=_COPY_AGAIN
                )

    def open_entry(self, entry: Entry) -> SectionFile:
        """The stored bytes of one member, unchecked, as a file."""
        return SectionFile(self.path, self.payload_offset + entry.offset, entry.size)

    def read_entry(self, entry: Entry) -> bytes:
        """A small member, checked.

        Raises:
            DamagedBundleError: its bytes are not what the index says.
        """
        with self.open_entry(entry) as file:
            data = file.read()
        if len(data) != entry.size or layout.sha256_hex(data) != entry.sha256:
            raise self.damage(entry)
        return data

    def verify_entry(self, entry: Entry, progress: Callable[[int], None]) -> None:
        """Read one member whole and compare its hash; ``progress`` gets byte counts.

        Raises:
            DamagedBundleError: names the member and its offset.
        """
        self._stream(entry, lambda chunk: progress(len(chunk)))

    def rest(self) -> list[tuple[int, int]]:
        """Offset and size of what is no member, nor index or trailer: program and 7z headers."""
        trailer = self._trailer
        covered = [(self.payload_offset + e.offset, e.size) for e in self.index.entries]
        covered.append((trailer.index_offset, trailer.index_size))
        covered.append((trailer.payload_offset + trailer.payload_size, layout.TRAILER_SIZE))
        return layout.gaps(covered, self.path.stat().st_size)

    def verify_rest(self) -> None:
        """Check what :meth:`rest` lists.

        Raises:
            DamagedBundleError: it is not what was written.
        """
        digest = hashlib.sha256()
        for offset, size in self.rest():
            with SectionFile(self.path, offset, size) as section:
                while chunk := section.read(_CHUNK):
                    digest.update(chunk)
        if digest.hexdigest() != self._trailer.rest_sha256:
            raise DamagedBundleError(
                f"{self.path.name}: the program around the payload is damaged.",
                remedy=_COPY_AGAIN,
            )

    def copy_entry(self, entry: Entry, file: BinaryIO, progress: Callable[[int], None]) -> None:
        """Write one member to ``file``, checked in the same pass.

        Raises:
            DamagedBundleError: what was written must not be used.
        """

        def take(chunk: bytes) -> None:
            file.write(chunk)
            progress(len(chunk))

        self._stream(entry, take)

    def _stream(self, entry: Entry, take: Callable[[bytes], None]) -> None:
        digest = hashlib.sha256()
        with self.open_entry(entry) as file:
            while chunk := self._read_chunk(file, entry):
                digest.update(chunk)
                take(chunk)
        if digest.hexdigest() != entry.sha256:
            raise self.damage(entry)

    def _read_chunk(self, file: SectionFile, entry: Entry) -> bytes:
        try:
            return file.read(_CHUNK) or b""
        except OSError as error:
            raise self.damage(entry, because=error.strerror) from error

    @contextmanager
    def blaming(
        self, entry: Entry, *, unless: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Whatever goes wrong while a member is used: if it is damaged, that is why.

        What parsers and disks say of damaged bytes may be anything; the hash tells.

        Args:
            entry: the member.
            unless: whether nobody cares any more, since there is another reason; asked again
                while the member is read, which may take a while.

        Raises:
            DamagedBundleError: instead of what was raised in the body, if the member's
                bytes are not what the index says.
        """
        try:
            yield
        except (DamagedBundleError, NoSpaceError):
            raise
        except Exception:
            with suppress(_EnoughError):
                self._stream(entry, lambda _: _stop_if(unless))
            raise

    def damage(self, entry: Entry, because: str | None = None) -> DamagedBundleError:
        """The error for this member of this bundle."""
        where = f"at offset {self.payload_offset + entry.offset}, {entry.size:,} bytes"
        what = f"cannot be read ({because})" if because else "is damaged"
        return DamagedBundleError(
            f"{self.path.name}: {entry.name} ({where}) {what}.", remedy=_COPY_AGAIN
        )


class _EnoughError(Exception):
    """The answer is not needed any more."""


def _stop_if(condition: Callable[[], bool]) -> None:
    if condition():
        raise _EnoughError


def _read_trailer(file: io.BufferedReader, path: Path) -> layout.Trailer:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - layout.COOKIE_SIZE))
    pkg_size = layout.pkg_size(file.read())
    if pkg_size is None:
        raise DamagedBundleError(
            f"{path} does not end as a bundle does: it is cut off, something was appended, "
            "or it is not a bundle.",
            remedy=_COPY_AGAIN,
        )
    position = max(0, end - pkg_size - layout.TRAILER_SIZE)
    file.seek(position)
    trailer = layout.parse_trailer(file.read(layout.TRAILER_SIZE))
    if (
        trailer is None
        or trailer.index_size > _MAX_INDEX_SIZE
        or trailer.payload_offset + trailer.payload_size != position
    ):
        raise DamagedBundleError(
            f"{path} carries no payload, or its trailer is damaged.", remedy=_COPY_AGAIN
        )
    return trailer
