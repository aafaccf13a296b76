"""One wheel: the same members in the same order, compressed anew."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from bootstrap.bundle import zips
from builder.transcode.members import Ready, write_member
from builder.transcode.memory import MemoryBudget
from builder.transcode.recipe import Recipe
from builder.wheels import UNREADABLE, unusable

_CHUNK = 1 << 18
# Up to this size a member is compressed as a whole, and stored where that makes it no smaller.
# Larger ones have little to lose: what does not shrink costs three bytes in 128 KiB.
_SMALL = 1 << 20


class StoppedError(Exception):
    """Whoever wanted the result does not want it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcoding:
    """What the wheels of a build have in common.

    Attributes:
        memory: shared by all that is compressed at the same time.
        advance: hears how many bytes of an original were dealt with.
        stopped: whether to give up; asked between chunks.
    """

    recipe: Recipe
    memory: MemoryBudget
    advance: Callable[[int], None]
    stopped: Callable[[], bool]


def transcode(source: Path, filename: str, target: Path, by: Transcoding) -> None:
    """Write the wheel at ``source``, compressed by a recipe, to ``target``.

    The bytes depend on the wheel, the recipe and the version of Zstandard, and on nothing else.
    Names, order, sizes, checksums and modes of the members stay; their times become 1980.

    Args:
        source: the original, whose hash was compared.
        filename: its proper name, for messages.
        target: a new file.
        by: how.

    Raises:
        RefusedContentError: the original cannot be unpacked.
        StoppedError: as wanted.
        OSError: ``target`` cannot be written.
    """
    with (
        _Counted(source, by.advance) as file,
        _open(file, filename) as original,
        target.open("wb", buffering=_CHUNK) as out,
        zips.zipfile.ZipFile(out, "w") as made,
    ):
        for info in original.infolist():
            chunks = _read(original, info, filename, by.stopped)
            # What lies in memory is freed before others may take the room.
            with by.memory.lend(by.recipe.memory(info.file_size)):
                _write(made, info, chunks, by.recipe)


class _Counted(FileIO):
    """Tells how much is read of it, up to its size: the directory's end is read twice."""

    def __init__(self, path: Path, advance: Callable[[int], None]) -> None:
        super().__init__(path)
        self._advance = advance
        self._left = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size)
        told = min(len(data), self._left)
        self._left -= told
        self._advance(told)
        return data


def _open(file: FileIO, filename: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except UNREADABLE as error:
        raise unusable(filename, error) from error


def _read(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, filename: str, stopped: Callable[[], bool]
) -> Iterator[bytes]:
    """A member's bytes, some at a time."""
    size = 0
    try:
        with archive.open(info) as stream:
            while chunk := stream.read(_CHUNK):
                if stopped():
                    raise StoppedError
                size += len(chunk)
                yield chunk
    except UNREADABLE as error:
        raise unusable(filename, f"{info.filename} cannot be unpacked ({error})") from error
    if size != info.file_size:
        raise unusable(filename, f"{info.filename} has {size} bytes, not {info.file_size}")


def _write(
    archive: zips.zipfile.ZipFile, info: zipfile.ZipInfo, chunks: Iterator[bytes], recipe: Recipe
) -> None:
    like = zips.zipfile.ZipInfo(info.filename)
    like.file_size = info.file_size
    like.external_attr = info.external_attr
    like.create_system = info.create_system
    compressor = zips.zstd.ZstdCompressor(options=recipe.options(info.file_size))
    # Small members get small tables and windows.
    compressor.set_pledged_input_size(info.file_size)
    if info.file_size > _SMALL:
        write_member(archive, like, chunks, compressor)
        return
    data = b"".join(chunks)
    packed = compressor.compress(data) + compressor.flush()
    write_member(archive, like, [data], Ready(packed) if len(packed) < len(data) else None)
