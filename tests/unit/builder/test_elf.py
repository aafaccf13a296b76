import struct
from pathlib import Path

import pytest

from builder.elf import minimum_glibc

_SHT_STRTAB, _SHT_GNU_VERNEED = 3, 0x6FFFFFFE


def section(kind: int, *, name: int, offset: int, size: int, link: int, info: int) -> bytes:
    return struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, link, info, 1, 0)


def elf_needing(*versions: str) -> bytes:
    """A 64-bit ELF file of nothing but the symbol versions that it needs of one library."""
    names = b"\0libc.so.6\0"
    places = []
    for version in versions:
        places.append(len(names))
        names += version.encode() + b"\0"
    section_names = b"\0.dynstr\0.gnu.version_r\0.shstrtab\0"
    needs = struct.pack("<HHIII", 1, len(versions), 1, 16, 0)
    for number, place in enumerate(places, 1):
        following = 16 if number < len(places) else 0
        needs += struct.pack("<IHHII", 0, 0, number, place, following)
    body = names + needs + section_names
    at = 64
    headers = section(0, name=0, offset=0, size=0, link=0, info=0)
    headers += section(_SHT_STRTAB, name=1, offset=at, size=len(names), link=0, info=0)
    headers += section(
        _SHT_GNU_VERNEED, name=9, offset=at + len(names), size=len(needs), link=1, info=1
    )
    at += len(names) + len(needs)
    headers += section(_SHT_STRTAB, name=24, offset=at, size=len(section_names), link=0, info=0)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, 64 + len(body), 0, 64, 56, 0, 64, 4, 3)
    return identity + header + body + headers


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (["GLIBC_2.2.5"], "2.2"),
        (["GLIBC_2.9", "GLIBC_2.34", "GLIBC_2.2.5"], "2.34"),
        (["GLIBC_2.10", "GLIBC_2.9"], "2.10"),
        (["GLIBC_2.17", "GLIBC_ABI_DT_RELR"], "2.36"),
        (["GLIBC_2.38", "GLIBC_ABI_DT_RELR"], "2.38"),
        (["GLIBC_PRIVATE", "OPENSSL_3.0.0", "GLIBCXX_3.4.30"], None),
        (["GLIBC_2.4", "OPENSSL_3.0.0"], "2.4"),
    ],
)
def test_the_highest_version_counts(
    tmp_path: Path, versions: list[str], expected: str | None
) -> None:
    path = tmp_path / "library.so"
    path.write_bytes(elf_needing(*versions))
    assert minimum_glibc([path]) == expected


def test_all_files_count_and_other_files_do_not(tmp_path: Path) -> None:
    contents = {
        "old.so": elf_needing("GLIBC_2.17"),
        "new.so": elf_needing("GLIBC_2.28"),
        "text.py": b"GLIBC_2.99",
        "empty": b"",
        "cut": elf_needing("GLIBC_2.99")[:70],
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    assert minimum_glibc(sorted(tmp_path.iterdir())) == "2.28"


def test_no_files_need_nothing() -> None:
    assert minimum_glibc([]) is None
