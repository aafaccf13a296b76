"""The directory at the end of a wheel: what lies where, how large it is, and its mode.

The wheel's ``RECORD`` says nothing of that, so the index holds the directory's hash. It is
compared before anything is parsed, and what is parsed are the very bytes that were compared.
"""

import hashlib
import io
from typing import TYPE_CHECKING

from bootstrap.bundle import layout
from bootstrap.bundle.model import Directory
from bootstrap.bundle.vetting.archive import LARGEST_TAIL
from bootstrap.bundle.zips import zipfile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def describe_directory(file: io.BufferedReader) -> Directory:
    """What the index says of the directory of a wheel.

    Args:
        file: the wheel as it is stored.

    Raises:
        BadZipFile: it is no zip archive.
    """
    with zipfile.ZipFile(file) as archive:
        offset = archive.start_dir
    file.seek(offset)
    return Directory(offset=offset, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def open_compared(file: io.BufferedIOBase, directory: Directory, size: int) -> io.BufferedReader:
    """A stored wheel as a file whose directory was compared, and is not read again but held.

    Args:
        file: the wheel.
        directory: its directory, by the index.
        size: of the wheel in bytes, by the index.

    Raises:
        ValueError: the directory is not what was stored.
    """
    if not 0 <= size - directory.offset <= LARGEST_TAIL:
        raise ValueError("its directory lies nowhere, or is too large")
    file.seek(directory.offset)
    data = file.read(size - directory.offset)
    if layout.sha256_hex(data) != directory.sha256:
        raise ValueError("its directory was changed")
    return io.BufferedReader(_Joined(file, directory.offset, data))


class _Joined(io.RawIOBase):
    """A file whose end is in memory already.

    Args:
        file: whose first bytes are taken.
        begin: how many.
        end: what follows them.
    """

    def __init__(self, file: io.BufferedIOBase, begin: int, end: bytes) -> None:
        super().__init__()
        self._file = file
        self._begin = begin
        self._end = end
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        size = self._begin + len(self._end)
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: size}[whence]
        if base + offset < 0:
            raise ValueError("before the first byte")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        if self._position < self._begin:
            self._file.seek(self._position)
            data = self._file.read(min(len(view), self._begin - self._position))
        else:
            start = self._position - self._begin
            data = self._end[start : start + len(view)]
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
