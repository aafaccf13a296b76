"""Puts members into a zip archive that were compressed by a compressor of our own.

``ZipFile`` chooses level, but neither window nor distances; it has no public way to. So its
file for writing gets another compressor: the only private name that we touch, and here only.
"""

from collections.abc import Iterable
from typing import IO, Protocol

from bootstrap.bundle.zips import zipfile


class Compressor(Protocol):
    """What ``ZipFile`` asks of one."""

    def compress(self, data: bytes, /) -> bytes:
        """More of the member."""

    def flush(self) -> bytes:
        """Its end."""


class Ready:
    """A member that was compressed before.

    Args:
        compressed: all of it.
    """

    def __init__(self, compressed: bytes) -> None:
        self._compressed = compressed

    def compress(self, data: bytes, /) -> bytes:
        """Nothing yet."""
        del data
        return b""

    def flush(self) -> bytes:
        """All of it."""
        return self._compressed


def write_member(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    chunks: Iterable[bytes],
    compressor: Compressor | None,
) -> None:
    """Append one member.

    Args:
        archive: opened for writing, on a file that can be sought in.
        info: with the size that the member will have; the rest is filled in.
        chunks: its bytes, uncompressed.
        compressor: for its bytes; None stores them as they are.
    """
    attributes = info.external_attr
    info.compress_type = zipfile.ZIP_ZSTANDARD if compressor else zipfile.ZIP_STORED
    with archive.open(info, "w") as member:
        if compressor:
            _give(member, compressor)
        try:
            for chunk in chunks:
                member.write(chunk)
        except BaseException:
            # One that was promised more bytes would fail at its end, and hide the reason.
            _give(member, Ready(b""))
            raise
    # Where there were none, it has put in some of its own.
    info.external_attr = attributes


def _give(member: IO[bytes], compressor: Compressor) -> None:
    member._compressor = compressor  # type: ignore[attr-defined]  # noqa: SLF001
