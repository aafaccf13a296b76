"""Where things lie in the installer file. No I/O: bytes to numbers and back.

::

    [bootloader][archive.7z][trailer][PyInstaller PKG]

PyInstaller's bootloader finds its PKG by searching backwards from the end of the
file, so the PKG comes last and starting takes the same time whatever the payload.
Only a signature (:mod:`bootstrap.bundle.pe`) may follow it. The trailer lies
directly before the PKG. It points to the archive and to the index, which is the
archive's last member. The archive is a 7z one whose members are stored (Copy
coder): the member *i* begins 32 bytes plus the sizes of its predecessors after
the archive's first byte, so members are read in place.

The trailer also holds the signature over the index, or zeros. It lies in no member, so a signed
bundle differs from an unsigned one in these bytes only.

The archive is the payload; or it holds the index alone, and the payload is another
such archive that was cut into volumes, which lie beside the installer.

Sources: 7-Zip's ``7zFormat.txt`` (signature header), PyInstaller's
``archive/readers.py`` (``CArchiveReader``, the cookie).
"""

import hashlib
import struct
from dataclasses import dataclass

from bootstrap.bundle.signature import SIGNATURE_SIZE, Signature

SIGNATURE_HEADER_SIZE = 32
SEVEN_ZIP_SIGNATURE = b"7z\xbc\xaf\x27\x1c"

_COOKIE = struct.Struct("!8sIIII64s")
COOKIE_MAGIC = b"MEI\014\013\012\013\016"
COOKIE_SIZE = _COOKIE.size

_TRAILER = struct.Struct(f"<8sIIQQQQ32s32s{SIGNATURE_SIZE}s")
_TRAILER_MAGIC = b"LLMSETUP"
_TRAILER_VERSION = 2
TRAILER_SIZE = _TRAILER.size

# So much of each volume is hashed when a bundle is opened: enough to tell it from others.
VOLUME_HEAD_SIZE = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Trailer:
    """All offsets count from the first byte of the file; sizes are bytes.

    Attributes:
        payload_offset: first byte of the 7z archive.
        rest_sha256: over all bytes that belong to no member, to the index or to this: the
            program before and behind the archive, and 7-Zip's own headers. Left out is what
            signing changes.
        signature: over the index; None if nobody has signed it.
    """

    payload_offset: int
    payload_size: int
    index_offset: int
    index_size: int
    index_sha256: str
    rest_sha256: str
    signature: Signature | None = None


def pack_trailer(trailer: Trailer) -> bytes:
    """:data:`TRAILER_SIZE` bytes."""
    return _TRAILER.pack(
        _TRAILER_MAGIC,
        _TRAILER_VERSION,
        0,
        trailer.payload_offset,
        trailer.payload_size,
        trailer.index_offset,
        trailer.index_size,
        bytes.fromhex(trailer.index_sha256),
        bytes.fromhex(trailer.rest_sha256),
        trailer.signature.pack() if trailer.signature else bytes(SIGNATURE_SIZE),
    )


def parse_trailer(data: bytes) -> Trailer | None:
    """The trailer in these :data:`TRAILER_SIZE` bytes, or None if there is none."""
    if len(data) != TRAILER_SIZE:
        return None
    magic, version, reserved, *numbers, digest, rest, signature = _TRAILER.unpack(data)
    if magic != _TRAILER_MAGIC or version != _TRAILER_VERSION or reserved:
        return None
    payload, payload_size, index, index_size = numbers
    inside = payload <= index and index + index_size <= payload + payload_size
    if not inside:
        return None
    return Trailer(
        payload_offset=payload,
        payload_size=payload_size,
        index_offset=index,
        index_size=index_size,
        index_sha256=digest.hex(),
        rest_sha256=rest.hex(),
        signature=Signature.unpack(signature),
    )


def pkg_size(tail: bytes) -> int | None:
    """Size of the PKG that ends with these last :data:`COOKIE_SIZE` bytes of a file.

    None when they are not PyInstaller's cookie: the file is cut off, or something
    was appended to it.
    """
    if len(tail) != COOKIE_SIZE:
        return None
    magic, length, *_ = _COOKIE.unpack(tail)
    return int(length) if magic == COOKIE_MAGIC and length >= COOKIE_SIZE else None


def member_offsets(sizes: list[int]) -> list[int]:
    """Offsets of stored members of these sizes, from the payload's first byte."""
    offsets, position = [], SIGNATURE_HEADER_SIZE
    for size in sizes:
        offsets.append(position)
        position += size
    return offsets


def gaps(covered: list[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    """Stretches of a file that none of others cover.

    Args:
        covered: offset and size of each.
        end: size of the file.

    Returns:
        Offset and size, ascending.
    """
    found, position = [], 0
    for offset, size in [*sorted(covered), (end, 0)]:
        if offset > position:
            found.append((position, offset - position))
        position = max(position, offset + size)
    return found


def sha256_hex(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()
