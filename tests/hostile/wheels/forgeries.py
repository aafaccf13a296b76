"""Archives that show each program something else."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tests.hostile.wheels.case import INFO, RECORD, Case, members_of, ordinary
from tests.hostile.wheels.raw import Place, Raw, deflate, end64, end_record, write_archive

# Which members lie; the RECORD is read by every installer.
_VICTIMS = {"module": "demo/__init__.py", "METADATA": f"{INFO}/METADATA", "RECORD": RECORD}
_FULL = 0xFFFFFFFF
T = TypeVar("T")


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _headers()
    yield from _descriptors()
    yield from _kinds()
    yield from _places()
    yield from _ends()
    yield from _extras()
    yield from _other_kinds()
    yield from _contents()


def _of(change: Callable[[Raw], Raw], victim: str) -> Callable[[Path], bytes]:
    def make(folder: Path) -> bytes:
        members = members_of(ordinary(folder))
        return write_archive([change(raw) if raw.name == victim else raw for raw in members])

    return make


def _each(
    trick: str, rule: str, change: Callable[[Raw], Raw], *, seen: bool = True
) -> Iterator[Case]:
    for what, victim in _VICTIMS.items():
        make = _of(change, victim)
        yield Case(name=f"{trick} of {what}", rule=rule, make=make, seen_at_once=seen)


def _bound(change: Callable[[Raw, T], Raw], value: T) -> Callable[[Raw], Raw]:
    return lambda raw: change(raw, value)


def _headers() -> Iterator[Case]:
    lies: dict[str, dict[str, object]] = {
        "another name": {"name": b"demo/other.py"},
        "a traversing name": {"name": b"../../outside"},
        "no name": {"name": b""},
        "another method": {"method": 0},
        "an unknown method": {"method": 99},
        "other flags": {"flags": 0x40},
        "encryption": {"flags": 1},
        "a checksum": {"crc": 1},
        "a stored size": {"stored": 3},
        "a size": {"size": 3},
        "no sizes": {"size": 0, "stored": 0},
        "64-bit sizes": {
            "size": _FULL,
            "stored": _FULL,
            "extra": struct.pack("<2H2Q", 1, 16, 9, 9),
        },
    }
    for trick, local in lies.items():
        yield from _each(
            f"own header with {trick}",
            "header-mismatch",
            _bound(lambda raw, own: replace(raw, local=own), local),
        )
    yield from _each(
        "no header", "header-mismatch", lambda raw: replace(raw, central={"offset": 5})
    )


def _descriptors() -> Iterator[Case]:
    def described(raw: Raw, behind: bytes) -> Raw:
        return replace(raw, flags=8, local={"crc": 0, "size": 0, "stored": 0}, behind=behind)

    wrong = {"none": b"", "zeros": bytes(16), "another": struct.pack("<4s3I", b"PK\7\x08", 1, 2, 3)}
    for trick, behind in wrong.items():
        yield from _each(
            f"descriptor {trick}",
            "data-descriptor",
            _bound(described, behind),
            seen=False,
        )


def _kinds() -> Iterator[Case]:
    def central(**values: object) -> Callable[[Raw], Raw]:
        return lambda raw: replace(raw, central=values)

    modes = {"link": 0o120777, "pipe": 0o010644, "socket": 0o140644, "device": 0o060644}
    modes["character device"] = 0o020644
    for trick, mode in modes.items():
        yield from _each(f"{trick} instead", "file-type", central(attributes=mode << 16))
    for trick, bits in {"label": 0x08, "device bit": 0x40, "reparse point": 0x400}.items():
        yield from _each(f"{trick} instead", "file-type", central(attributes=bits, system=0))
    yield from _each("folder's mode", "folder-content", central(attributes=0o040755 << 16))
    yield from _each("encrypted", "encrypted", lambda raw: replace(raw, flags=1))
    yield from _each("strongly encrypted", "encrypted", lambda raw: replace(raw, flags=0x41))
    yield from _each("masked", "encrypted", lambda raw: replace(raw, flags=0x2000))
    yield from _each("patch", "method-unsupported", lambda raw: replace(raw, flags=0x20))
    for method in (1, 6, 9, 12, 14, 95, 99):
        yield from _each(
            f"method {method}",
            "method-unsupported",
            _bound(lambda raw, m: replace(raw, method=m, packed=deflate(raw.data)), method),
        )
    yield from _each(
        "two sizes", "size-forged", lambda raw: replace(raw, method=0, packed=raw.data + b"more")
    )

    def links(folder: Path) -> bytes:
        """A link out, and a file behind it."""
        goal = b"../../../.."
        link = Raw(name="demo/link", data=goal, central={"attributes": 0o120777 << 16})
        inside = Raw(name="demo/link/outside", data=b"x")
        return write_archive([*members_of(ordinary(folder)), link, inside])

    yield Case(name="a link to pass through", rule="file-type", make=links)

    def full_folder(folder: Path) -> bytes:
        entry = Raw(name="demo/f/", data=b"x" * 99, central={"attributes": 0o040755 << 16})
        return write_archive([*members_of(ordinary(folder)), entry])

    yield Case(name="a folder with content", rule="folder-content", make=full_folder)


def _archive(name: str, rule: str, *, seen: bool = True, **how: object) -> Case:
    def make(folder: Path) -> bytes:
        return write_archive(members_of(ordinary(folder)), **how)  # type: ignore[arg-type]

    return Case(name=name, rule=rule, make=make, seen_at_once=seen)


def _places() -> Iterator[Case]:
    for kind, prefix in {
        "a shebang": b"#!/bin/sh\ntouch canary\n",
        "a program": b"\x7fELF" + bytes(60),
        "a Windows program": b"MZ" + bytes(98),
        "a picture": b"GIF89a" + bytes(20),
        "a 7z archive": b"7z\xbc\xaf\x27\x1c" + bytes(26),
        "a page": b"<html><script>1</script>",
    }.items():
        yield _archive(f"{kind} before it", "archive-prepended", prefix=prefix)
        yield _archive(
            f"{kind} before it, uncounted", "archive-prepended", prefix=prefix, shift=len(prefix)
        )
    yield _archive(
        "bytes before the directory", "archive-gap", seen=False, before_directory=b"hidden" * 9
    )
    hidden = Raw(name="demo/hidden.py", data=b"hidden")
    for trick, before in {"bytes": b"hidden", "a member": write_archive([hidden])[:60]}.items():
        yield from _each(
            f"{trick} before the header",
            "archive-gap",
            _bound(
                lambda raw, b: (
                    replace(raw, before=b)
                    if raw.name != "demo/__init__.py"
                    else replace(raw, behind=b)
                ),
                before,
            ),
            seen=False,
        )

    def shared(folder: Path) -> bytes:
        first, *rest = members_of(ordinary(folder))
        again = replace(first, name="demo/again.py", packed=b"", local={}, central={"offset": 0})
        return write_archive([first, *rest, again])

    yield Case(name="two members in one place", rule="overlap", make=shared)

    def reaching(folder: Path) -> bytes:
        first, *rest = members_of(ordinary(folder))
        longer = {"stored": len(deflate(first.data)) + 70}
        return write_archive([replace(first, local=longer, central=longer), *rest])

    yield Case(name="a member that reaches into the next", rule="overlap", make=reaching)

    def into_directory(folder: Path) -> bytes:
        *rest, last = members_of(ordinary(folder))
        longer = {"stored": len(deflate(last.data)) + 70}
        return write_archive([*rest, replace(last, local=longer, central=longer)])

    yield Case(name="a member that reaches into the directory", rule="overlap", make=into_directory)


def _ends() -> Iterator[Case]:
    def comment(place: Place) -> bytes:
        return end_record(place, b"a comment")

    def hidden(place: Place) -> bytes:
        inner = end_record(Place(count=1, offset=0, size=46))
        return end_record(place, inner)

    def hidden_deeper(place: Place) -> bytes:
        return end_record(place, b"x" * 50 + end_record(place) + b"y" * 50)

    yield _archive("a comment", "archive-comment", end=comment)
    yield _archive("an end in the comment", "archive-ends", end=hidden)
    yield _archive("an end amid the comment", "archive-ends", end=hidden_deeper)
    yield _archive(
        "two ends",
        "archive-prepended",
        end=lambda place: end_record(place) + end_record(place)[:22],
    )
    for trick, junk in {
        "a byte": b"\0",
        "a script": b"\n#!/bin/sh\n",
        "a zip": write_archive([]),
    }.items():
        rule = "archive-appended" if trick != "a zip" else "archive-prepended"
        yield _archive(f"{trick} appended", rule, end=lambda p, j=junk: end_record(p) + j)
    lies: dict[str, tuple[str, dict[str, int]]] = {
        "one member fewer": ("archive-directory", {"here": 3, "count": 3}),
        "one member more": ("archive-directory", {"here": 5, "count": 5}),
        "another count here": ("several-disks", {"here": 3}),
        "another disk": ("several-disks", {"disk": 1}),
        "a shorter directory": ("archive-prepended", {"size": 46}),
        "a longer directory": ("archive-directory", {"size": 9999}),
        "an offset too low": ("archive-prepended", {"offset": 0}),
        "an offset too high": ("archive-directory", {"offset": 1 << 20}),
        "a 64-bit offset without any": ("zip64-forged", {"offset": _FULL}),
        "a 64-bit size without any": ("zip64-forged", {"size": _FULL}),
    }
    for trick, (rule, told) in lies.items():
        yield _archive(f"an end with {trick}", rule, end=lambda p, t=told: end_record(p, **t))
    yield from _wide_ends()

    def cut(folder: Path) -> bytes:
        return write_archive(members_of(ordinary(folder)))[:-30]

    yield Case(name="cut off", rule="archive-unreadable", make=cut)
    yield Case(name="empty", rule="archive-unreadable", make=lambda _: b"")
    yield Case(name="text", rule="archive-unreadable", make=lambda _: b"<html></html>" * 9)
    yield _archive("a broken directory", "archive-directory", directory=lambda d: b"XX" + d[2:])
    yield _archive("a cut directory", "archive-directory", directory=lambda d: d[:-9])
    yield _archive("a directory with more", "archive-directory", directory=lambda d: d + bytes(50))


def _wide_ends() -> Iterator[Case]:
    lies: dict[str, dict[str, int]] = {
        "elsewhere": {"at": 0},
        "of several disks": {"disks": 2},
        "of another count": {"count": 1},
        "of another size": {"size": 46},
        "of another offset": {"offset": 0},
        "longer than it is": {"own": 4400},
        "far away": {"at": 1 << 60},
    }
    for trick, told in lies.items():
        yield _archive(
            f"a 64-bit end {trick}",
            "zip64-forged",
            end=lambda p, t=told: end64(p, **t) + end_record(p),
        )
    yield _archive(
        "a 64-bit end of endless members",
        "zip64-forged",
        end=lambda p: end64(p, count=1 << 60) + end_record(p),
    )
    yield _archive(
        "an endless count",
        "archive-size",
        end=lambda p: end64(p, count=1 << 40) + end_record(p, here=0xFFFF, count=0xFFFF),
    )
    yield _archive(
        "a directory that cannot be",
        "archive-directory",
        end=lambda p: end64(p, size=1 << 40) + end_record(p, size=_FULL),
    )


def _extras() -> Iterator[Case]:
    other = b"../outside"
    named = struct.pack("<2HBI", 0x7075, 5 + len(other), 1, 0) + other
    yield from _each(
        "a second name", "name-differs", lambda raw: replace(raw, central={"extra": named})
    )
    for trick, extra in {"cut": b"\1\0\x10\0abc", "short": b"abc"}.items():
        yield from _each(
            f"{trick} extra field",
            "extra-malformed",
            _bound(lambda raw, e: replace(raw, central={"extra": e}), extra),
        )
    wide = struct.pack("<2HQ", 1, 8, 5)
    lies: dict[str, dict[str, object]] = {
        "missing": {"size": _FULL},
        "twice": {"size": _FULL, "extra": wide + wide},
        "too short": {"size": _FULL, "stored": _FULL, "extra": wide},
    }
    for trick, central in lies.items():
        yield from _each(
            f"64-bit size {trick}",
            "zip64-forged",
            _bound(lambda raw, own: replace(raw, central=own), central),
        )
    yield from _each("another disk", "several-disks", lambda raw: replace(raw, central={"disk": 1}))


def _other_kinds() -> Iterator[Case]:
    def at(place: int, magic: bytes) -> Callable[[Path], bytes]:
        def make(folder: Path) -> bytes:
            # The first member's content begins behind its header and name.
            name = "demo/data.bin"
            begin = 30 + len(name)
            data = bytes(place - begin) + magic + bytes(600)
            files = {name: data, **ordinary(folder)}
            first, *rest = members_of(files)
            return write_archive([replace(first, method=0), *rest])

        return make

    for kind, (place, magic) in {
        "tar": (257, b"ustar\x0000"),
        "ISO 9660": (0x8001, b"CD001"),
        "later ISO 9660": (0x8801, b"CD001"),
        "PDF": (300, b"%PDF-1.7"),
    }.items():
        make = at(place, magic)
        yield Case(name=f"also a {kind}", rule="polyglot", make=make, seen_at_once=False)


def _contents() -> Iterator[Case]:
    seen_bytes = {"crc": 12345}
    yield from _each(
        "a checksum of nothing",
        "crc-wrong",
        lambda raw: replace(raw, local=seen_bytes, central=seen_bytes),
        seen=False,
    )
    yield from _each(
        "bytes behind the end",
        "trailing-data",
        lambda raw: replace(raw, packed=deflate(raw.data) + b"hidden"),
        seen=False,
    )
    for trick, delta in {"more": 7, "fewer": -7}.items():
        yield from _each(
            f"{trick} bytes announced",
            "size-forged",
            _bound(
                lambda raw, d: replace(
                    raw, local={"size": len(raw.data) + d}, central={"size": len(raw.data) + d}
                ),
                delta,
            ),
        )
    yield from _each(
        "rubbish instead of deflate",
        "content-damaged",
        lambda raw: replace(raw, packed=b"\xff" * 40),
    )
    yield from _each(
        "deflate that does not end",
        "size-forged",
        lambda raw: replace(raw, packed=deflate(raw.data)[:-4]),
    )
