"""The format: index, layout and reader, on files put together byte by byte."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from packaging.version import Version

from bootstrap.bundle import layout
from bootstrap.bundle.errors import DamagedBundleError, ExitCode, RefusedContentError
from bootstrap.bundle.model import Index, decode_index, encode_index
from bootstrap.bundle.policy import BlacklistRule
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.sections import SectionFile, Stretch
from tests.support.tiny_bundle import PKG_SIZE, tiny_bundle, tiny_index


def test_index_survives_a_round_trip() -> None:
    index = tiny_index()
    assert decode_index(encode_index(index)) == index


def test_index_bytes_are_deterministic() -> None:
    assert encode_index(tiny_index()) == encode_index(tiny_index())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"surprise": 1}, "surprise"),
        ({"format": 99}, "format 99"),
        ({"target": "amiga"}, "target"),
        ({"groups": [{"name": "x"}]}, "groups"),
    ],
)
def test_index_with_a_wrong_field_names_the_place(change: dict[str, object], says: str) -> None:
    data = msgspec.json.decode(encode_index(tiny_index()))
    with pytest.raises(DamagedBundleError, match=says) as caught:
        decode_index(msgspec.json.encode({**data, **change}))
    assert caught.value.exit_code is ExitCode.DAMAGED


def test_trailer_survives_a_round_trip() -> None:
    trailer = layout.Trailer(
        payload_offset=10,
        payload_size=900,
        index_offset=20,
        index_size=30,
        index_sha256="ab" * 32,
        rest_sha256="cd" * 32,
    )
    packed = layout.pack_trailer(trailer)
    assert len(packed) == layout.TRAILER_SIZE
    assert layout.parse_trailer(packed) == trailer
    assert layout.parse_trailer(packed[:-1]) is None
    assert layout.parse_trailer(b"X" + packed[1:]) is None


def test_trailer_whose_index_lies_outside_the_payload_is_none() -> None:
    trailer = layout.Trailer(
        payload_offset=10,
        payload_size=9,
        index_offset=15,
        index_size=30,
        index_sha256="ab" * 32,
        rest_sha256="cd" * 32,
    )
    assert layout.parse_trailer(layout.pack_trailer(trailer)) is None


def test_members_follow_each_other_behind_the_signature_header() -> None:
    assert layout.member_offsets([5, 0, 7]) == [32, 37, 37]


def test_reader_finds_index_and_members(tmp_path: Path) -> None:
    reader = BundleReader.open(tiny_bundle(tmp_path))
    seen: list[int] = []
    for entry in reader.index.entries:
        reader.verify_entry(entry, seen.append)
    assert sum(seen) == sum(entry.size for entry in reader.index.entries)
    assert reader.read_entry(reader.index.documents[0]) == b"read me\n"


def test_every_cut_is_noticed(tmp_path: Path) -> None:
    whole = tiny_bundle(tmp_path).read_bytes()
    path = tmp_path / "cut"
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedBundleError, match=r"cut off|no payload|index"):
            BundleReader.open(path)


def test_appended_junk_is_noticed(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path)
    path.write_bytes(path.read_bytes() + b"junk")
    with pytest.raises(DamagedBundleError, match="something was appended"):
        BundleReader.open(path)


def test_every_flipped_byte_is_noticed_and_members_are_named(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path)
    whole = path.read_bytes()
    reader = BundleReader.open(path)
    names = {
        reader.payload_offset + entry.offset + at: entry.name
        for entry in reader.index.entries
        for at in range(entry.size)
    }
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(DamagedBundleError, match=names.get(position, ".")):
            check_all(path)


def check_all(path: Path) -> None:
    reader = BundleReader.open(path)
    for entry in reader.index.entries:
        reader.verify_entry(entry, lambda _: None)
    reader.verify_rest()


def test_gaps_are_what_nothing_covers() -> None:
    assert layout.gaps([(5, 5), (0, 2), (12, 0)], 20) == [(2, 3), (10, 2), (12, 8)]
    assert layout.gaps([(0, 20), (3, 4)], 20) == []
    assert layout.gaps([], 3) == [(0, 3)]


def test_section_is_a_proper_seekable_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with SectionFile([Stretch(path=path, offset=2, size=5)]) as section:
        assert section.read() == b"23456"
        assert section.read() == b""
        assert section.seek(-2, io.SEEK_END) == 3
        assert section.read(9) == b"56"
        section.seek(1)
        section.seek(1, io.SEEK_CUR)
        assert section.read(1) == b"4"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_sections_of_several_files_are_one_file(tmp_path: Path, size: int) -> None:
    parts = [b"abc", b"", b"d", b"efghij", b"kl"]
    stretches = []
    for number, part in enumerate(parts):
        path = tmp_path / str(number)
        path.write_bytes(b"<<" + part + b">")
        stretches.append(Stretch(path=path, offset=2, size=len(part)))
    whole = b"".join(parts)
    with SectionFile(stretches) as section:
        assert section.read() == whole
        for place in range(len(whole) + 2):
            section.seek(place)
            assert section.read(size) == whole[place : place + size]


def test_a_section_ends_where_its_file_does(tmp_path: Path) -> None:
    path = tmp_path / "short"
    path.write_bytes(b"0123")
    with SectionFile([Stretch(path=path, offset=1, size=9)] * 2) as section:
        assert section.read() == b"123"


def test_payload_member_outside_the_payload_is_refused(tmp_path: Path) -> None:
    index = tiny_index()
    wrong = msgspec.structs.replace(index.documents[0], offset=1 << 40)
    bad = msgspec.structs.replace(index, documents=(wrong,))
    with pytest.raises(RefusedContentError, match="outside the payload"):
        BundleReader.open(tiny_bundle(tmp_path, index=bad))


def test_pkg_size_wants_the_cookie() -> None:
    cookie = struct.pack("!8sIIII64s", b"MEI\014\013\012\013\016", 500, 0, 0, 311, b"x")
    assert layout.pkg_size(cookie) == 500
    assert layout.pkg_size(b"\0" + cookie[1:]) is None


@pytest.mark.parametrize(
    ("name", "version", "banned"),
    [
        ("torchao", "0.13", True),
        ("TorchAO", "0.13.dev1", True),
        ("torchao_nightly", "1", True),
        ("torch", "2.6.0", False),
        ("old", "1.9", True),
        ("old", "2.0", False),
    ],
)
def test_blacklist_rule(name: str, version: str, *, banned: bool) -> None:
    rules = [
        BlacklistRule(name="torchao", aliases=("torchao-nightly",), reason="r"),
        BlacklistRule(name="old", specifier="<2", reason="r"),
    ]
    assert any(rule.bans(name, Version(version)) for rule in rules) is banned


def test_rule_for_one_target_holds_there_only() -> None:
    rule = BlacklistRule(name="triton", targets=("win_amd64",), reason="r")
    assert rule.holds_on("win_amd64")
    assert not rule.holds_on("linux_x86_64")


def test_entries_are_all_members(tmp_path: Path) -> None:
    index: Index = BundleReader.open(tiny_bundle(tmp_path)).index
    assert {entry.name.partition("/")[0] for entry in index.entries} == {
        "wheels",
        "runtime",
        "docs",
        "evidence",
    }


def test_the_program_alone_ends_as_a_program_does(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path)
    reader = BundleReader.open(path)
    program = reader.program()
    whole = path.read_bytes()
    assert whole.startswith(program[: reader.payload_offset])
    assert program[reader.payload_offset :] == whole[-PKG_SIZE:]
    assert layout.pkg_size(program[-layout.COOKIE_SIZE :]) == PKG_SIZE


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"LLMSetup", b"LLM\xb2etup"),
        lambda data: data.replace(b"{", b'{"x": ' + b"[" * 50_000 + b"]" * 50_000 + b",", 1),
        lambda data: data.replace(b'"LLMSetup"', b'"\\ud800"'),
        lambda _: b"",
    ],
    ids=["no UTF-8", "deep", "half a pair", "empty"],
)
def test_no_json_at_all_is_damage(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DamagedBundleError, match="is not a valid index"):
        decode_index(spoil(encode_index(tiny_index())))
