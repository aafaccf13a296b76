"""A bundle of a few hundred bytes, put together without the builder: no stub, no 7z header.

What the reader needs is there, byte for byte where a real bundle has it.
"""

import hashlib
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from bootstrap.bundle import layout, pe, zips
from bootstrap.bundle.model import (
    FORMAT_VERSION,
    CudaTerms,
    Directory,
    Entry,
    Group,
    Index,
    LongestPath,
    Runtime,
    Volume,
    Wheel,
    encode_index,
)
from bootstrap.bundle.provenance import Provenance
from bootstrap.bundle.signature import INDEX_NAMESPACE
from builder.signing import Signer

PKG_SIZE = 200
_BOOTLOADER = b"\x7fELF" + b"boot" * 20
_COOKIE = struct.pack("!8sIIII64s", b"MEI\014\013\012\013\016", PKG_SIZE, 0, 0, 311, b"libpython")
_PKG = _COOKIE.rjust(PKG_SIZE, b"P")
_WHEEL = "wheels/demo-1.0-py3-none-any.whl"
_RUNTIME = "runtime/python.tar.zst"
_MEMBERS = {
    _WHEEL: b"wheel " * 40,
    _RUNTIME: b"tar " * 60,
    "docs/README.txt": b"read me\n",
    "evidence/sbom.cdx.json": b"{}\n",
}
_TERMS = CudaTerms(
    version="12.4",
    minimum_driver="525.60.13",
    recommended_driver="550.54.15",
    architectures=("5.0", "6.0", "7.0", "7.5", "8.0", "8.6", "9.0"),
)
PROVENANCE = Provenance(
    builder="test",
    revision=None,
    dirty=None,
    built=None,
    manifest_sha256="11" * 32,
    lock_sha256="22" * 32,
)


def _members(wheel: Path | None, runtime: bytes | None = None) -> dict[str, bytes]:
    """What is stored, the wheel first."""
    members = dict(_MEMBERS)
    if wheel:
        members[_WHEEL] = wheel.read_bytes()
    if runtime is not None:
        members[_RUNTIME] = runtime
    return members


def _entries(members: dict[str, bytes]) -> dict[str, Entry]:
    offsets = layout.member_offsets([len(data) for data in members.values()])
    return {
        name: Entry(
            name=name, offset=offset, size=len(data), sha256=hashlib.sha256(data).hexdigest()
        )
        for offset, (name, data) in zip(offsets, members.items(), strict=True)
    }


def _demo(entry: Entry, wheel: Path | None, original: Path | None) -> Wheel:
    """The only wheel, as :func:`tiny_index` describes it."""
    locked = original.read_bytes() if original else _members(wheel)[_WHEEL]
    known = original or wheel
    record, installed_size = _look_into(known) if known else (b"", 500)
    return Wheel(
        name="demo",
        version="1.0",
        filename="demo-1.0-py3-none-any.whl",
        sha256=hashlib.sha256(locked).hexdigest(),
        size=len(locked),
        entry=entry,
        directory=_directory(wheel),
        record_sha256=hashlib.sha256(record).hexdigest(),
        installed_size=installed_size,
        file_count=4,
    )


def _look_into(wheel: Path) -> tuple[bytes, int]:
    """RECORD and the sizes of all files, of a wheel that may break every rule there is."""
    with suppress(*zips.UNREADABLE), zips.zipfile.ZipFile(wheel) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        size, record = sum(info.file_size for info in files), b""
        with suppress(*zips.UNREADABLE, StopIteration):
            record = archive.read(next(i for i in files if i.filename.endswith("-info/RECORD")))
        return record, size
    return b"", 500


def _directory(wheel: Path | None) -> Directory:
    if wheel is None:
        return Directory(offset=0, sha256="00" * 32)
    # APPNOTE.TXT, 4.3.16; what is hostile cannot always be opened.
    data, offset = wheel.read_bytes(), 0
    with suppress(ValueError, struct.error):
        (offset,) = struct.unpack_from("<I", data, data.rindex(b"PK\5\6") + 16)
    if offset > len(data):
        offset = 0
    return Directory(offset=offset, sha256=layout.sha256_hex(data[offset:]))


def tiny_index(
    *,
    cuda: bool = True,
    wheel: Path | None = None,
    original: Path | None = None,
    runtime: bytes | None = None,
) -> Index:
    """An index with one wheel, one group, and a CUDA term where asked for.

    Args:
        cuda: with a term.
        wheel: a real ``demo-1.0-py3-none-any.whl`` to be in it, instead of rubbish.
        original: what ``wheel`` was transcoded from, if it was.
        runtime: a real ``python.tar.zst``, instead of rubbish.
    """
    entries = _entries(_members(wheel, runtime))
    demo = _demo(entries[_WHEEL], wheel, original)
    taken_along = Runtime(
        source="host",
        version="3.11.7",
        build="test",
        executable="bin/python3.11",
        minimum_glibc="2.34",
        installed_size=1000,
        file_count=2,
        warning=None,
        entry=entries[_RUNTIME],
    )
    return Index(
        format=FORMAT_VERSION,
        product="LLMSetup",
        company="Example",
        version="1.0.0",
        variant="cu124" if cuda else "cpu",
        target="linux_x86_64",
        bundle_id="1.0.0-cu124-0123456789ab",
        created_by="llmsetup test",
        python="3.11",
        minimum_glibc="2.28",
        minimum_vc_runtime=None,
        cuda=_TERMS if cuda else None,
        runtime=taken_along,
        program_sha256=layout.sha256_hex(_BOOTLOADER + _PKG),
        compression="fast" if original else "store",
        volumes=(),
        groups=(Group(name="base", wheels=(demo,)),),
        documents=(entries["docs/README.txt"],),
        evidence=(entries["evidence/sbom.cdx.json"],),
        provenance=PROVENANCE,
        longest_path=LongestPath(length=9, path="demo/x.py"),
        longest_import=LongestPath(length=9, path="demo/x.py"),
        disk_need=1 << 20,
        checks=(),
        blacklist=(),
        waived=(),
        excluded=(),
        allowances=(),
    )


def tiny_bundle(
    folder: Path,
    index: Index | None = None,
    *,
    wheel: Path | None = None,
    original: Path | None = None,
    runtime: bytes | None = None,
    volume_size: int | None = None,
    program: bytes = _BOOTLOADER,
    signer: Signer | None = None,
) -> Path:
    """Write the bundle and return its path.

    Args:
        folder: where it goes, volumes included.
        index: instead of :func:`tiny_index`'s.
        wheel: as for :func:`tiny_index`.
        original: likewise.
        runtime: likewise.
        volume_size: bytes of each volume; None puts the payload into the installer.
        program: what the installer begins with.
        signer: signs the index; None leaves it unsigned.
    """
    index = index or tiny_index(wheel=wheel, original=original, runtime=runtime)
    signing = pe.find_signing(program)
    own = without(program, signing.header_places if signing else []) + _PKG
    index = msgspec.structs.replace(index, program_sha256=layout.sha256_hex(own))
    archive = layout.SEVEN_ZIP_SIGNATURE.ljust(layout.SIGNATURE_HEADER_SIZE, b"\0")
    members = b"".join(_members(wheel, runtime).values())
    if volume_size:
        index = msgspec.structs.replace(
            index, volumes=_write_volumes(folder, archive + members, volume_size)
        )
        members = b""
    path = folder / ("tiny.exe" if program.startswith(b"MZ") else "tiny.run")
    path.write_bytes(_installer(program, archive, members, encode_index(index), signer))
    return path


def _write_volumes(folder: Path, payload: bytes, size: int) -> tuple[Volume, ...]:
    return tuple(
        _write_volume(folder / f"tiny.7z.{number:03d}", payload[start : start + size])
        for number, start in enumerate(range(0, len(payload), size), start=1)
    )


def _write_volume(path: Path, data: bytes) -> Volume:
    path.write_bytes(data)
    return Volume(
        name=path.name,
        size=len(data),
        sha256=layout.sha256_hex(data),
        head_sha256=layout.sha256_hex(data[: layout.VOLUME_HEAD_SIZE]),
    )


def _installer(
    program: bytes, archive: bytes, members: bytes, index_bytes: bytes, signer: Signer | None
) -> bytes:
    payload = archive + members
    signing = pe.find_signing(program)
    trailer = layout.Trailer(
        payload_offset=len(program),
        payload_size=len(payload) + len(index_bytes),
        index_offset=len(program) + len(payload),
        index_size=len(index_bytes),
        index_sha256=layout.sha256_hex(index_bytes),
        rest_sha256=layout.sha256_hex(
            without(program, signing.header_places if signing else []) + archive + _PKG
        ),
        signature=signer.sign(index_bytes, INDEX_NAMESPACE) if signer else None,
    )
    return program + payload + index_bytes + layout.pack_trailer(trailer) + _PKG


def without(data: bytes, places: Sequence[tuple[int, int]]) -> bytes:
    """What is left of it when these places (offset and size) are cut out."""
    for offset, size in sorted(places, reverse=True):
        data = data[:offset] + data[offset + size :]
    return data
