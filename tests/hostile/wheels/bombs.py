"""Little that claims to be, or becomes, a lot."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.hostile.wheels.case import INFO, RECORD, Case, With, members_of, ordinary
from tests.hostile.wheels.raw import Raw, deflate, write_archive

_FULL = 0xFFFFFFFF


@cache
def _zeros(size: int) -> bytes:
    """A whole number of MiB, deflated as if by hand: it takes no time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * (size >> 20) + deflate(b"")


def cases() -> Iterator[Case]:
    """All of them."""
    for size in (1 << 30, 1 << 36, 1 << 50, (1 << 63) - 1):
        yield _announced(f"{size:,} bytes announced", size)
    yield Case(name="300 MB of zeros", rule="bomb", make=_honest)
    for count in (2, 50, 2000):
        yield _overlapping(count)
    for what in ("demo/__init__.py", f"{INFO}/METADATA", RECORD, f"{INFO}/entry_points.txt"):
        yield _understated(what)
    for what in (f"{INFO}/METADATA", f"{INFO}/WHEEL", f"{INFO}/entry_points.txt", "demo.pth"):
        yield Case(
            name=f"a large {what}",
            rule="metadata-unreadable",
            make=With(extra={what: bytes(9 << 20)}),
        )


def _announced(name: str, size: int) -> Case:
    def make(folder: Path) -> bytes:
        first, *rest = members_of(ordinary(folder))
        wide = struct.pack("<2HQ", 1, 8, size)
        both = struct.pack("<2H2Q", 1, 16, size, len(deflate(first.data)))
        liar = replace(
            first,
            central={"size": _FULL, "extra": wide},
            local={"size": _FULL, "stored": _FULL, "extra": both},
        )
        return write_archive([liar, *rest])

    return Case(name=name, rule="bomb", make=make)


def _honest(folder: Path) -> bytes:
    size = 300 << 20
    big = {"size": size}
    members = members_of(ordinary(folder))
    return write_archive(
        [*members, Raw(name="demo/zeros", packed=_zeros(size), local=big, central=big)]
    )


def _overlapping(count: int) -> Case:
    def make(folder: Path) -> bytes:
        kernel = 1 << 20
        size = {"size": kernel}
        members = members_of(ordinary(folder))
        at = len(write_archive(members)) - len(_directory_of(members))
        whole = Raw(name="demo/a00000", packed=_zeros(kernel), local=size, central=size)
        again = [
            Raw(
                name=f"demo/a{number:05d}",
                packed=b"",
                central={"size": kernel, "stored": len(_zeros(kernel)), "offset": at},
            )
            for number in range(1, count)
        ]
        return write_archive([*members, whole, *again])

    return Case(name=f"{count} members in one kernel", rule="overlap", make=make)


def _directory_of(members: list[Raw]) -> bytes:
    whole = write_archive(members)
    return whole[whole.index(b"PK\1\2") :]


def _understated(what: str) -> Case:
    def make(folder: Path) -> bytes:
        files = ordinary(folder)
        if what != RECORD:
            files.setdefault(what, b"")
        size = {"size": 100, "crc": 0}
        bomb = _zeros(200 << 20)
        return write_archive(
            [
                replace(raw, packed=bomb, local=size, central=size) if raw.name == what else raw
                for raw in members_of(files)
            ]
        )

    return Case(name=f"{what} of 200 MB that says it has 100 bytes", rule="size-forged", make=make)
