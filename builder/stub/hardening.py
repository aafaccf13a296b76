"""Where the Windows program takes DLLs from, set right before it is shipped.

An installer is started from a folder of downloads or from a stick, and what else lies there
must not run. PyInstaller's bootloader leaves two openings before any Python runs; both are
closed in its image (docs/adr/0009): what the image imports is taken from the system's folder,
and so is the Visual C++ runtime that the bootloader loads ahead, beside the program at first.
The third, extension modules, is closed by ``resources/system_libraries.py``.

Source: PE format, "Load Configuration"; LoadLibraryExW, its flags.
"""

import struct
from collections.abc import Iterator

import pefile

from builder.errors import UnfitHostError

_SEARCH_SYSTEM32 = 0x800
# mov r8d, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS: the third argument of the call that follows.
_ANYWHERE = bytes.fromhex("41b800100000")
_FROM_SYSTEM = b"\x41\xb8" + struct.pack("<I", _SEARCH_SYSTEM32)
_CALL = b"\xff\x15"
# Bytes of code between setting the third argument and the call itself.
_NEAR = 16


def harden(program: bytes) -> bytes:
    """The same program, with both openings closed.

    Raises:
        UnfitHostError: the bootloader loads DLLs in a way that is not known here.
    """
    patched = bytearray(program)
    with pefile.PE(data=program, fast_load=True) as image:
        directories = pefile.DIRECTORY_ENTRY
        image.parse_data_directories(
            directories=[
                directories["IMAGE_DIRECTORY_ENTRY_IMPORT"],
                directories["IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG"],
            ]
        )
        config = getattr(image, "DIRECTORY_ENTRY_LOAD_CONFIG", None)
        places = list(_searches(image)) if config else []
        if config is None or len(places) != 1:
            raise UnfitHostError(
                "The bootloader of this PyInstaller loads the Visual C++ runtime in a way that is "
                f"not known here ({len(places)} calls and not one), perhaps from beside the "
                "program.",
                remedy="Freeze with the PyInstaller of metadata/freezer/locks.",
            )
        flags = config.struct.get_field_absolute_offset("DependentLoadFlags")
        struct.pack_into("<H", patched, flags, _SEARCH_SYSTEM32)
        # It would have to be taken anew over gigabytes, and nobody looks at it in programs.
        checksum = image.OPTIONAL_HEADER.get_field_absolute_offset("CheckSum")
        struct.pack_into("<I", patched, checksum, 0)
    patched[places[0] : places[0] + len(_FROM_SYSTEM)] = _FROM_SYSTEM
    return bytes(patched)


def _searches(image: pefile.PE) -> Iterator[int]:
    """File offsets of the instructions that make LoadLibraryExW search beside the program."""
    slots = {
        function.address - image.OPTIONAL_HEADER.ImageBase
        for library in image.DIRECTORY_ENTRY_IMPORT
        for function in library.imports
        if function.name == b"LoadLibraryExW"
    }
    for section in image.sections:
        code = section.get_data() if section.IMAGE_SCN_MEM_EXECUTE else b""
        place = code.find(_CALL)
        while place >= 0:
            end = place + len(_CALL) + 4
            (distance,) = struct.unpack_from("<i", code.ljust(end), place + len(_CALL))
            if section.VirtualAddress + end + distance in slots:
                argument = code.rfind(_ANYWHERE, max(0, place - _NEAR), place)
                if argument >= 0:
                    yield section.PointerToRawData + argument
            place = code.find(_CALL, place + 1)
