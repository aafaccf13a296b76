"""Which glibc an ELF file asks for: the highest symbol version that it needs of it.

Source: the GNU symbol versioning of the Linux Standard Base, section ``.gnu.version_r``.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

_MAGIC = b"\x7fELF"
_VERSION = re.compile(r"GLIBC_(\d+)\.(\d+)")
# Not a version but a promise: packed relocations are understood, which came with 2.36.
_PROMISES = {"GLIBC_ABI_DT_RELR": (2, 36)}


def minimum_glibc(paths: Iterable[Path]) -> str | None:
    """The oldest glibc, ``major.minor``, that has all that these files need of it.

    Args:
        paths: files of any kind; those that are not ELF count for nothing.

    Returns:
        None when no file needs any glibc.
    """
    return minimum_glibc_of_streams(_opened(paths))


def minimum_glibc_of_streams(streams: Iterable[BinaryIO]) -> str | None:
    """Same as :func:`minimum_glibc`, for content that is no file of its own."""
    highest = max((need for stream in streams for need in _needs(stream)), default=None)
    return f"{highest[0]}.{highest[1]}" if highest else None


def _opened(paths: Iterable[Path]) -> Iterator[BinaryIO]:
    for path in paths:
        with path.open("rb") as file:
            yield file


def _needs(stream: BinaryIO) -> Iterator[tuple[int, int]]:
    if stream.read(len(_MAGIC)) != _MAGIC:
        return
    stream.seek(0)
    try:
        for section in ELFFile(stream).iter_sections("SHT_GNU_verneed"):
            if isinstance(section, GNUVerNeedSection):
                for _, versions in section.iter_versions():
                    yield from filter(None, (_parse(version.name) for version in versions))
    except ELFError:
        # It begins like one, but no loader would take it, so it needs nothing either.
        return


def _parse(name: str) -> tuple[int, int] | None:
    if name in _PROMISES:
        return _PROMISES[name]
    match = _VERSION.match(name)
    return (int(match[1]), int(match[2])) if match else None
