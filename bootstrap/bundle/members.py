"""The files of a wheel, decompressed strictly forward.

:mod:`bootstrap.bundle.vetting.archive` reads the directory. What ``zipfile`` does with members
takes their CRC as well, and copies every byte twice more, which is a third of the time: here each
file is compared with its SHA-256 anyway.

Source: PKWARE's ``APPNOTE.TXT``, 4.4.5 (compression method).
"""

import io
import zlib
from typing import Protocol

from bootstrap.bundle.vetting.archive import ENCRYPTED
from bootstrap.bundle.vetting.headers import Row, read_header
from bootstrap.bundle.zips import zipfile, zstd

# So much is taken from the medium, and so much given out, at a time: what fits a core's cache.
CHUNK = 256 << 10
# Whoever reads a member keeps a window of it in memory, of 2 to this power bytes at most. Shipped
# installers read no others, so this is part of the format.
LARGEST_WINDOW_LOG = 26
_READING = {int(zstd.DecompressionParameter.window_log_max): LARGEST_WINDOW_LOG}


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Inflater:
    """Deflate, as the decompressors of :mod:`bz2`, :mod:`lzma` and :mod:`zstd` are used."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def eof(self) -> bool:
        return self._inflater.eof

    @property
    def needs_input(self) -> bool:
        return not self._inflater.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inflater.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length)


class SizeError(zipfile.BadZipFile):
    """A member has more or fewer bytes than announced."""


class MemberStream:
    """One member's content, from its beginning to its end.

    Args:
        file: of the whole archive; it is moved by every call.
        info: from the archive's directory.

    Raises:
        BadZipFile: it does not lie where the directory says.
    """

    def __init__(self, file: io.BufferedIOBase, info: Row) -> None:
        self._file = file
        self._left_stored = info.compress_size
        self._left = info.file_size
        self._position = _find_content(file, info)
        self._decompressor = _decompressor(info)

    def read(self) -> bytes:
        """The next bytes, a few hundred KiB at most; empty at the end.

        Raises:
            BadZipFile: they cannot be decompressed, or are more or fewer than announced.
        """
        try:
            data = self._read()
        except (zlib.error, zstd.ZstdError, EOFError) as error:
            raise zipfile.BadZipFile(str(error)) from error
        self._left -= len(data)
        complete = data or self._ended()
        if self._left < 0 or not complete or (not data and self._left):
            raise SizeError("it has not the size that was announced")
        return data

    @property
    def left_over(self) -> bool:
        """After the end: whether there are stored bytes behind it that belong to nothing."""
        unused = self._decompressor.unused_data if self._decompressor else b""
        return bool(unused or self._left_stored)

    def _read(self) -> bytes:
        decompressor = self._decompressor
        if decompressor is None:
            return self._take()
        while not decompressor.eof:
            hungry = decompressor.needs_input
            stored = self._take() if hungry else b""
            data = decompressor.decompress(stored, CHUNK)
            if data or (hungry and not stored):
                return data
        return b""

    def _take(self) -> bytes:
        self._file.seek(self._position)
        stored = self._file.read(min(CHUNK, self._left_stored))
        self._position += len(stored)
        self._left_stored -= len(stored)
        return stored

    def _ended(self) -> bool:
        return self._decompressor is None or self._decompressor.eof


def _find_content(file: io.BufferedIOBase, info: Row) -> int:
    """Where a member's stored bytes begin."""
    own = read_header(file, info)
    if own.content is None or own.faults:
        raise zipfile.BadZipFile(f"its header is not as in the directory ({', '.join(own.faults)})")
    return own.content


def _decompressor(info: Row) -> _Decompressor | None:
    """What undoes a member's compression; None where there is none."""
    if info.flag_bits & ENCRYPTED:
        raise zipfile.BadZipFile("it is encrypted")
    if info.compress_type == zipfile.ZIP_STORED:
        return None
    if info.compress_type == zipfile.ZIP_DEFLATED:
        return _Inflater()
    if info.compress_type == zipfile.ZIP_ZSTANDARD:
        return zstd.ZstdDecompressor(options=_READING)
    raise zipfile.BadZipFile(f"it is compressed by the unknown method {info.compress_type}")
