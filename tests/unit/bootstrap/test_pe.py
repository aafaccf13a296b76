"""Signed and unsigned Windows programs: what signing changes is left out, and nothing else."""

import struct
from pathlib import Path

import pytest

from bootstrap.bundle import layout, pe
from bootstrap.bundle.errors import DamagedBundleError
from bootstrap.bundle.reader import BundleReader
from tests.support.tiny_bundle import PKG_SIZE, tiny_bundle
from tests.support.tiny_pe import append_signature, tiny_pe


def check_all(path: Path) -> None:
    reader = BundleReader.open(path)
    for entry in reader.index.entries:
        reader.verify_entry(entry, lambda _: None)
    reader.verify_rest()


@pytest.mark.parametrize("wide", [True, False])
def test_the_places_of_an_unsigned_one(*, wide: bool) -> None:
    signing = pe.find_signing(tiny_pe(wide=wide))
    assert signing is not None
    assert not signing.is_signed
    optional = 0x80 + 24
    directory = optional + (112 if wide else 96) + 4 * 8
    assert signing.header_places == [(optional + 64, 4), (directory, 8)]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x7fELF" * 300,
        tiny_pe()[2:],
        tiny_pe()[:200],
        tiny_pe().replace(b"PE\0\0", b"PX\0\0"),
        tiny_pe().replace(struct.pack("<H", 0x20B), b"\x99\x99"),
        tiny_pe(directories=4),
        b"MZ".ljust(0x3C, b"d") + struct.pack("<I", 0xFFFFFFFF),
    ],
)
def test_what_cannot_be_signed(head: bytes) -> None:
    assert pe.find_signing(head) is None


# The size of what is signed, modulo 8, decides how many zeros are filled in.
@pytest.mark.parametrize("more", range(8))
def test_a_bundle_is_the_same_after_it_was_signed(tmp_path: Path, more: int) -> None:
    path = tiny_bundle(tmp_path, program=tiny_pe() + b"x" * more)
    check_all(path)
    before = BundleReader.open(path)
    append_signature(path)
    check_all(path)
    after = BundleReader.open(path)
    assert after.index == before.index
    assert after.rest() == before.rest()


def test_every_flipped_byte_is_noticed_but_those_of_the_signature(tmp_path: Path) -> None:
    program = tiny_pe()
    while (end := tiny_bundle(tmp_path, program=program).stat().st_size) % 8 != 3:
        program += b"x"
    path = tiny_bundle(tmp_path, program=program)
    append_signature(path)
    whole = path.read_bytes()
    signing = pe.find_signing(whole)
    assert signing is not None
    own = {*range(signing.checksum, signing.checksum + 4), *range(signing.table_offset, len(whole))}
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        if position in own:
            check_all(path)
            continue
        with pytest.raises(DamagedBundleError):
            check_all(path)
    assert end < signing.table_offset < end + 8


@pytest.mark.parametrize("cut", [1, 20, 136, 140, 300])
def test_a_signature_that_was_cut_off_or_added_to(tmp_path: Path, cut: int) -> None:
    path = tiny_bundle(tmp_path, program=tiny_pe())
    append_signature(path)
    whole = path.read_bytes()
    for data in (whole[:-cut], whole + bytes(cut)):
        path.write_bytes(data)
        with pytest.raises(DamagedBundleError, match="does not end with its signature"):
            BundleReader.open(path)


def test_an_unsigned_one_with_something_behind_it(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path, program=tiny_pe())
    path.write_bytes(path.read_bytes() + bytes(8))
    with pytest.raises(DamagedBundleError, match="something was appended"):
        BundleReader.open(path)


def test_a_signature_in_front_of_which_something_was_put(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path, program=tiny_pe())
    path.write_bytes(path.read_bytes() + b"j")
    append_signature(path)
    with pytest.raises(DamagedBundleError, match="does not end as a bundle does"):
        BundleReader.open(path)


@pytest.mark.parametrize(
    "table", [b"x" * 40 + layout.COOKIE_MAGIC + b"x" * 80, bytes((1 << 20) + 1)]
)
def test_no_other_program_hides_in_the_signature(tmp_path: Path, table: bytes) -> None:
    """The bootloader would take the last PKG of the file for its own."""
    path = tiny_bundle(tmp_path, program=tiny_pe())
    append_signature(path, table)
    with pytest.raises(DamagedBundleError, match="where its signature should be"):
        BundleReader.open(path)


def test_the_program_of_a_signed_one_is_still_checked(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path, program=tiny_pe())
    end = path.stat().st_size
    append_signature(path)
    damaged = bytearray(path.read_bytes())
    damaged[end - PKG_SIZE + 10] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(DamagedBundleError, match="the program around the payload is damaged"):
        check_all(path)
