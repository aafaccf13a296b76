"""Writes the payload as volumes: ``LLMSetup-cu124.7z.001``, ``.002`` and so on."""

import hashlib
import io
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.bundle import layout
from bootstrap.bundle.model import Volume

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Smaller ones would lie in their heads, and be of no use.
SMALLEST_VOLUME = layout.VOLUME_HEAD_SIZE


class VolumeWriter(io.RawIOBase):
    """One file that is cut into volumes while it is written.

    One volume is open at a time, however many there are, and is on the disk when it is left.

    Args:
        archive: name of the whole, ``….7z``; each volume adds its number to it.
        size: bytes of each volume but the last.

    Attributes:
        paths: of the volumes written so far.
    """

    def __init__(self, archive: Path, size: int) -> None:
        super().__init__()
        self.paths: list[Path] = []
        self._archive = archive
        self._volume_size = size
        self._position = 0
        self._end = 0
        self._file: io.FileIO | None = None

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._end}[whence]
        self._position = base + offset
        return self._position

    def write(self, data: "ReadableBuffer", /) -> int:
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            place, inside = divmod(self._position, self._volume_size)
            file = self._open(place)
            file.seek(inside)
            written = file.write(view[done : done + self._volume_size - inside])
            done += written
            self._position += written
            self._end = max(self._end, self._position)
        return done

    def _open(self, place: int) -> io.FileIO:
        path = volume_path(self._archive, place + 1)
        if self._file is None or self._file.name != path:
            self._leave()
            self._file = io.FileIO(path, "r+" if path in self.paths else "x")
            if path not in self.paths:
                self.paths.append(path)
        return self._file

    def _leave(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with file:
                os.fsync(file.fileno())

    def close(self) -> None:
        try:
            self._leave()
        finally:
            super().close()


def volume_path(archive: Path, number: int) -> Path:
    """Where volume ``number``, from 1, of an archive lies. 7-Zip goes from .999 to .1000, too."""
    return archive.with_name(f"{archive.name}.{number:03d}")


# Of the archive that is split into volumes.
ARCHIVE_SUFFIX = ".7z"


def find_volumes(archive: Path) -> list[Path]:
    """Whatever lies where volumes of this archive would."""
    name = re.compile(re.escape(archive.name) + r"\.\d{3,}")
    return [path for path in archive.parent.iterdir() if name.fullmatch(path.name)]


def describe_volumes(paths: Iterable[Path]) -> tuple[Volume, ...]:
    """What the index says of finished volumes.

    Raises:
        OSError: one cannot be read.
    """
    return tuple(_describe(path) for path in paths)


def _describe(path: Path) -> Volume:
    with path.open("rb") as file:
        head = file.read(layout.VOLUME_HEAD_SIZE)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256")
        size = file.tell()
    return Volume(
        name=path.name,
        size=size,
        sha256=digest.hexdigest(),
        head_sha256=layout.sha256_hex(head),
    )
