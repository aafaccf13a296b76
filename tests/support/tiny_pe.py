"""The first bytes of a Windows program, and a signature that only looks like one."""

import struct
from pathlib import Path

from bootstrap.bundle import pe

_HEADER = 0x80


def tiny_pe(*, wide: bool = True, directories: int = 16) -> bytes:
    """A PE head of some hundred bytes; no program.

    Args:
        wide: PE32+, as all 64-bit programs are.
        directories: how many data directories it has.
    """
    magic, before = (0x20B, 108) if wide else (0x10B, 92)
    optional = struct.pack("<H", magic).ljust(before, b"o") + struct.pack("<I", directories)
    optional += bytes(8 * directories)
    dos = b"MZ".ljust(0x3C, b"d") + struct.pack("<I", _HEADER)
    return dos.ljust(_HEADER, b"d") + b"PE\0\0" + b"c" * 20 + optional + b"code" * 30


def append_signature(path: Path, table: bytes = b"certificate table" * 8) -> None:
    """What signing changes: checksum, directory entry, padding, table."""
    data = path.read_bytes()
    signing = pe.find_signing(data[: pe.HEAD_SIZE])
    assert signing is not None
    data += bytes(-len(data) % pe.ALIGNMENT)
    changed = bytearray(data + table)
    struct.pack_into("<I", changed, signing.checksum, 0xCAFE)
    struct.pack_into("<II", changed, signing.directory, len(data), len(table))
    path.write_bytes(changed)
