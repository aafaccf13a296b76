"""Parts of files, read as if they were one file."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from _typeshed import WriteableBuffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """``size`` bytes of a file from ``offset`` on."""

    path: Path
    offset: int
    size: int


class SectionFile(io.RawIOBase):
    """Stretches of files, one behind the other, as one read-only, seekable file.

    Each has a handle of its own, so several threads may read one bundle. A file is opened when
    its first byte is asked for; one is open at a time, however many there are.

    Args:
        stretches: reading ends behind the last of them, or where a file ends too early.
    """

    def __init__(self, stretches: Sequence[Stretch]) -> None:
        super().__init__()
        self.name = str(stretches[0].path) if stretches else ""
        self._stretches = stretches
        self._size = sum(stretch.size for stretch in stretches)
        self._position = 0
        self._file: io.FileIO | None = None

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
        done = 0
        while done < len(view) and (got := self._read_some(view[done:])):
            done += got
        return done

    def _read_some(self, view: memoryview) -> int:
        """At least a byte, but from one stretch only; 0 at the end."""
        before = 0
        for stretch in self._stretches:
            inside = self._position - before
            if inside < stretch.size:
                file = self._open(stretch.path)
                file.seek(stretch.offset + inside)
                got = file.readinto(view[: stretch.size - inside])
                self._position += got
                return got
            before += stretch.size
        return 0

    def _open(self, path: Path) -> io.FileIO:
        if self._file is None or self._file.name != path:
            self._close_file()
            self._file = io.FileIO(path)
        return self._file

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def close(self) -> None:
        if not self.closed:
            self._close_file()
        super().close()


def hash_stretches(stretches: Sequence[Stretch]) -> str:
    """SHA-256 over all of them, hexadecimal.

    Raises:
        OSError: one cannot be read.
    """
    with SectionFile(stretches) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
