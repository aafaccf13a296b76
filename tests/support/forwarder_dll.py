"""A DLL without code of its own: its one function is another DLL's under another name.

Wine 8 has no ``bcryptprimitives.dll``, whose ``ProcessPrng`` Rust's standard library takes
random bytes from; its ``SystemFunction036`` in ``advapi32.dll`` does the same.

Source: Microsoft's PE format, "The .edata Section".
"""

import struct
from pathlib import Path

_RVA = 0x1000
_FILE_OFFSET = 0x200
_DIRECTORY = struct.Struct("<IIHHIIIIIII")


def write_forwarder(path: Path, function: str, to: str) -> None:
    """Write the DLL.

    Args:
        path: its name is what programs ask for.
        function: that they call.
        to: ``library.function`` that is called.
    """
    exports = _exports(path.name, function, to)
    path.write_bytes(
        _headers(len(exports)).ljust(_FILE_OFFSET, b"\0") + exports.ljust(0x200, b"\0")
    )


def _exports(library: str, function: str, to: str) -> bytes:
    """The export directory, then its three tables of one row each, then the texts."""
    addresses = _RVA + _DIRECTORY.size
    names, ordinals, texts = addresses + 4, addresses + 8, addresses + 10
    library_name = texts
    function_name = library_name + len(library) + 1
    forwarder = function_name + len(function) + 1
    # An address inside of the directory is that of a forwarder's text.
    directory = _DIRECTORY.pack(0, 0, 0, 0, library_name, 1, 1, 1, addresses, names, ordinals)
    tables = struct.pack("<IIH", forwarder, function_name, 0)
    return directory + tables + b"".join(t.encode() + b"\0" for t in (library, function, to))


def _headers(size: int) -> bytes:
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    # x86-64, one section, executable image that is a DLL and may lie at any address.
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 0xF0, 0x2022)
    optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, 0x200, 0, 0, 0)
    optional += struct.pack("<QIIHHHHHHI", 0x180000000, 0x1000, 0x200, 10, 0, 0, 0, 6, 0, 0)
    optional += struct.pack("<IIIHH", 0x2000, _FILE_OFFSET, 0, 3, 0x160)
    optional += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    directories = struct.pack("<II", _RVA, size).ljust(16 * 8, b"\0")
    section = b".edata\0\0" + struct.pack("<IIII", size, _RVA, 0x200, _FILE_OFFSET)
    section += struct.pack("<IIHHI", 0, 0, 0, 0, 0x40000040)
    return dos + coff + optional + directories + section
