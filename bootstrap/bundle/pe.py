"""The places of a Windows program (PE) that signing it changes. No I/O: bytes to numbers.

Authenticode leaves them out of what it hashes, and so does the bundle's own hash, so that
a finished installer can be signed: the checksum, the directory entry that points to the
certificate table, and that table, which ends the file.

Source: Microsoft's "PE Format": optional header, data directories, attribute certificate
table.
"""

import struct
from dataclasses import dataclass

# Bytes from the beginning of a program in which all that is looked for here lies.
HEAD_SIZE = 4096
# The certificate table begins at a multiple of this; up to there, zeros are filled in.
ALIGNMENT = 8

_POINTER_TO_HEADER = 0x3C
_FILE_HEADER_SIZE = 20
_CHECKSUM = 64
# Magic number of the optional header to the place of its number of data directories.
_DIRECTORY_COUNTS = {0x10B: 92, 0x20B: 108}
_SECURITY = 4
_DIRECTORY = struct.Struct("<II")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What signing changes; offsets count from the first byte of the file, sizes are bytes.

    Attributes:
        checksum: where the checksum of the whole file stands.
        directory: where the place and size of the certificate table stand.
        table_offset: first byte of the certificate table; 0 in a program without signature.
        table_size: its size.
    """

    checksum: int
    directory: int
    table_offset: int
    table_size: int

    @property
    def is_signed(self) -> bool:
        """Whether there should be a certificate table."""
        return bool(self.table_offset or self.table_size)

    @property
    def header_places(self) -> list[tuple[int, int]]:
        """Offset and size of what changes before the program's code."""
        return [(self.checksum, 4), (self.directory, _DIRECTORY.size)]


def find_signing(head: bytes) -> Signing | None:
    """What signing changes in the program that begins with ``head``.

    Args:
        head: its first :data:`HEAD_SIZE` bytes, or all if it has less.

    Returns:
        None for what is no Windows program, or one that cannot be signed.
    """
    try:
        (header,) = struct.unpack_from("<I", head, _POINTER_TO_HEADER)
        optional = header + 4 + _FILE_HEADER_SIZE
        (magic,) = struct.unpack_from("<H", head, optional)
        if head[:2] != b"MZ" or head[header : header + 4] != b"PE\0\0":
            return None
        counts = optional + _DIRECTORY_COUNTS.get(magic, len(head))
        (count,) = struct.unpack_from("<I", head, counts)
        if count <= _SECURITY:
            return None
        directory = counts + 4 + _SECURITY * _DIRECTORY.size
        table_offset, table_size = _DIRECTORY.unpack_from(head, directory)
    except struct.error:
        return None
    return Signing(
        checksum=optional + _CHECKSUM,
        directory=directory,
        table_offset=table_offset,
        table_size=table_size,
    )
