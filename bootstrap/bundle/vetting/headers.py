"""The members' own headers, compared with the directory, and what lies between the members."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from bootstrap.bundle.vetting.archive import UTF8, Directory, Member
from bootstrap.bundle.vetting.findings import Verdict

_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_MAGIC = b"PK\3\4"
_DESCRIPTOR_MAGIC = b"PK\7\x08"
_DESCRIBED = 0x8
# How hard deflate tries says nothing of the content.
_LEVEL_BITS = 0x6
_FULL = 0xFFFFFFFF
_ZIP64_FIELD = 0x0001
# Offset and bytes of what makes a file one of another kind, wherever a zip may have them.
_OTHER_KINDS = {
    "tar": ((257, b"ustar"),),
    "ISO 9660": tuple((place, b"CD001") for place in (0x8001, 0x8801, 0x9001)),
}
# Within so many bytes readers of PDF look for its beginning.
_PDF, _PDF_RANGE = b"%PDF-", 1024


class Row(Protocol):
    """What a directory says of a member, in the words of ``ZipInfo``."""

    @property
    def orig_filename(self) -> str:
        """As the directory has it."""

    @property
    def header_offset(self) -> int:
        """Of its header, in bytes."""

    @property
    def compress_size(self) -> int:
        """Bytes as stored."""

    @property
    def file_size(self) -> int:
        """Bytes when unpacked."""

    @property
    def flag_bits(self) -> int:
        """General purpose bits."""

    @property
    def compress_type(self) -> int:
        """Method."""

    @property
    def CRC(self) -> int:  # noqa: N802 (as there)
        """Checksum of the content."""


def judge_headers(file: io.BufferedIOBase, directory: Directory, verdict: Verdict) -> None:
    """Read every member's own header, in the order in which they lie there.

    Args:
        file: the archive.
        directory: what it says of them.
        verdict: takes what is found.

    Raises:
        OSError: the file cannot be read.
    """
    position: int | None = None
    for member in sorted(directory.members, key=lambda member: member.header_offset):
        _judge_gap(position, member.header_offset, member.filename, verdict)
        position = _judge_header(file, member, verdict)
    _judge_gap(position, directory.offset, "the directory", verdict)
    for kind in _other_kinds(file):
        verdict.add("polyglot", detail=kind)


def _judge_gap(end: int | None, begin: int, what: str, verdict: Verdict) -> None:
    if end is None or end == begin:
        return
    if end > begin:
        verdict.add("overlap", what, f"{end - begin:,} bytes belong to the member before it, too")
    else:
        verdict.add("archive-gap", what, f"{begin - end:,} bytes before it")


def _judge_header(file: io.BufferedIOBase, member: Member, verdict: Verdict) -> int | None:
    """Where the member ends; None where that cannot be told."""
    own = read_header(file, member)
    verdict.extend((("header-mismatch", fault) for fault in own.faults), member.filename)
    if own.content is None:
        return None
    end = own.content + member.compress_size
    if member.flag_bits & _DESCRIBED:
        return _behind_descriptor(file, member, end, verdict)
    return end


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHeader:
    """A member's own header.

    Attributes:
        content: where its stored bytes begin; None where there is no header.
        faults: what it says otherwise than the directory.
    """

    content: int | None
    faults: tuple[str, ...]


def read_header(file: io.BufferedIOBase, member: Row) -> OwnHeader:
    """Read the header of one member, and compare it with its row in the directory.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(member.header_offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != _LOCAL_MAGIC:
        return OwnHeader(content=None, faults=("there is no header",))
    fields = _LOCAL.unpack(header)
    name_size, extra_size = fields[9:]
    rest = file.read(name_size + extra_size)
    faults = tuple(_compare(member, fields, rest[:name_size], rest[name_size:]))
    content: int = member.header_offset + _LOCAL.size + name_size + extra_size
    return OwnHeader(content=content, faults=faults)


def _compare(member: Row, fields: tuple[int, ...], name: bytes, extra: bytes) -> Iterator[str]:
    _, _, flags, method, _, _, crc, stored, size, *_ = fields
    if name.decode("utf-8" if flags & UTF8 else "cp437", "replace") != member.orig_filename:
        yield f"name {name.decode('utf-8', 'replace')!r}"
    if method != member.compress_type:
        yield f"method {method}"
    harmless = _LEVEL_BITS | (UTF8 if name.isascii() else 0)
    if (flags ^ member.flag_bits) & ~harmless:
        yield f"flags {flags:#x}"
    own = (crc, *_sizes(size, stored, extra))
    stated = (member.CRC, member.file_size, member.compress_size)
    described = bool(member.flag_bits & _DESCRIBED)
    for what, mine, theirs in zip(("CRC", "size", "stored size"), own, stated, strict=True):
        if mine != theirs and not (described and mine == 0):
            yield f"{what} {mine:,}"


def _sizes(size: int, stored: int, extra: bytes) -> tuple[int, int]:
    """Sizes of a header, 64-bit ones where it says so."""
    if _FULL not in (size, stored):
        return size, stored
    at = 0
    while at + 4 <= len(extra):
        identity, length = struct.unpack_from("<2H", extra, at)
        wide = extra[at + 4 : at + 4 + length]
        if identity == _ZIP64_FIELD and len(wide) >= 16:  # noqa: PLR2004 (both are there)
            both = struct.unpack_from("<2Q", wide)
            return (both[0] if size == _FULL else size, both[1] if stored == _FULL else stored)
        at += 4 + length
    return size, stored


def _behind_descriptor(
    file: io.BufferedIOBase, member: Member, end: int, verdict: Verdict
) -> int | None:
    file.seek(end)
    found = file.read(24)
    values = (member.CRC, member.compress_size, member.file_size)
    for magic in (_DESCRIPTOR_MAGIC, b""):
        for form in ("<3I", "<I2Q"):
            if form == "<3I" and max(values) > _FULL:
                continue
            expected = magic + struct.pack(form, *values)
            if found.startswith(expected):
                return end + len(expected)
    verdict.add("data-descriptor", member.filename)
    return None


def _other_kinds(file: io.BufferedIOBase) -> Iterator[str]:
    for kind, places in _OTHER_KINDS.items():
        for place, magic in places:
            file.seek(place)
            if file.read(len(magic)) == magic:
                yield kind
    file.seek(0)
    if _PDF in file.read(_PDF_RANGE):
        yield "PDF"
