"""Finds the parts of an installer file, from its end to its beginning."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from bootstrap.bundle import layout, pe
from bootstrap.bundle.errors import DamagedBundleError

if TYPE_CHECKING:
    from pathlib import Path

COPY_AGAIN = "Copy the bundle again from its source and compare it with SHA256SUMS."
_MAX_INDEX_SIZE = 64 << 20
# Of Authenticode's table; a signature with its certificates and a time stamp takes some 20 KB.
_MAX_TABLE_SIZE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What an installer file consists of.

    Attributes:
        trailer: points to the rest.
        size: bytes of the file.
        pkg_end: behind PyInstaller's PKG; the rest is a signature, if there is one.
        header_places: offset and size of what signing changes in the program's headers.
    """

    trailer: layout.Trailer
    size: int
    pkg_end: int
    header_places: tuple[tuple[int, int], ...]

    @property
    def pkg_begin(self) -> int:
        """Where PyInstaller's PKG begins."""
        return self.trailer.payload_offset + self.trailer.payload_size + layout.TRAILER_SIZE

    def rest(self, members: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """What ``rest_sha256`` is taken over, ascending.

        Args:
            members: offset and size, from the first byte of the file.
        """
        trailer = self.trailer
        index = (trailer.index_offset, trailer.index_size)
        itself = (trailer.payload_offset + trailer.payload_size, layout.TRAILER_SIZE)
        return layout.gaps([*members, index, itself, *self._signing], self.size)

    def program(self) -> list[tuple[int, int]]:
        """What ``program_sha256`` is taken over, ascending: the program without its signature."""
        begin = self.trailer.payload_offset
        return layout.gaps([(begin, self.pkg_begin - begin), *self._signing], self.size)

    @property
    def _signing(self) -> list[tuple[int, int]]:
        """What Authenticode changes."""
        return [*self.header_places, (self.pkg_end, self.size - self.pkg_end)]


def read_frame(file: BinaryIO, path: Path) -> Frame:
    """Find the trailer, and what is where.

    Args:
        file: the installer, opened for reading.
        path: its path, for messages.

    Raises:
        DamagedBundleError: it is no installer, or not all of one.
        OSError: it cannot be read.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    signing = pe.find_signing(file.read(pe.HEAD_SIZE))
    begin, end = _find_pkg(file, path, size, signing)
    position = max(0, begin - layout.TRAILER_SIZE)
    file.seek(position)
    trailer = layout.parse_trailer(file.read(layout.TRAILER_SIZE))
    if (
        trailer is None
        or trailer.index_size > _MAX_INDEX_SIZE
        or trailer.payload_offset + trailer.payload_size != position
    ):
        raise DamagedBundleError(
            f"{path} carries no payload, or its trailer is damaged.", remedy=COPY_AGAIN
        )
    places = tuple(signing.header_places) if signing else ()
    return Frame(trailer=trailer, size=size, pkg_end=end, header_places=places)


def _find_pkg(file: BinaryIO, path: Path, size: int, signing: pe.Signing | None) -> tuple[int, int]:
    """Where PyInstaller's PKG begins and ends."""
    end, padding = size, 0
    if signing and signing.is_signed:
        end, padding = signing.table_offset, pe.ALIGNMENT - 1
        if end + signing.table_size != size:
            raise DamagedBundleError(
                f"{path} does not end with its signature: it was cut off or added to.",
                remedy=COPY_AGAIN,
            )
        _require_no_other_pkg(file, path, signing)
    file.seek(max(0, end - layout.COOKIE_SIZE - padding))
    tail = file.read(layout.COOKIE_SIZE + padding)
    for zeros in range(padding + 1):
        cookie = tail[: len(tail) - zeros][-layout.COOKIE_SIZE :]
        pkg_size = layout.pkg_size(cookie)
        if pkg_size and not any(tail[len(tail) - zeros :]):
            return end - zeros - pkg_size, end - zeros
    raise DamagedBundleError(
        f"{path} does not end as a bundle does: it is cut off, something was appended, "
        "or it is not a bundle.",
        remedy=COPY_AGAIN,
    )


def _require_no_other_pkg(file: BinaryIO, path: Path, signing: pe.Signing) -> None:
    """PyInstaller's bootloader takes the last cookie of the file, and no hash is over the table."""
    file.seek(signing.table_offset)
    table = file.read(min(signing.table_size, _MAX_TABLE_SIZE + 1))
    if len(table) > _MAX_TABLE_SIZE or layout.COOKIE_MAGIC in table:
        raise DamagedBundleError(
            f"{path} has something else where its signature should be: it was added to.",
            remedy=COPY_AGAIN,
        )
