"""The directory of a zip archive, taken apart strictly: one reading of it, or none.

Where programs could disagree on what an archive holds, it is refused. So whoever reads it by
other means afterwards, reads the same.

Source: PKWARE's ``APPNOTE.TXT``, 4.3 (headers), 4.4 (their fields), 4.5 (extra fields).
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.names import judge_name

_END = struct.Struct("<4s4H2IH")
_END_MAGIC = b"PK\5\6"
_LOCATOR = struct.Struct("<4sIQI")
_LOCATOR_MAGIC = b"PK\6\7"
_END64 = struct.Struct("<4sQ2H2I4Q")
_END64_MAGIC = b"PK\6\6"
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_CENTRAL_MAGIC = b"PK\1\2"
_FULL, _FULL_SHORT = 0xFFFFFFFF, 0xFFFF
_LONGEST_COMMENT = 0xFFFF
_ZIP64_FIELD, _UNICODE_PATH_FIELD = 0x0001, 0x7075

ENCRYPTED = 0x1 | 0x40 | 0x2000
_PATCHED = 0x20
UTF8 = 0x800
STORED, DEFLATED, ZSTANDARD = 0, 8, 93
_METHODS = frozenset({STORED, DEFLATED, ZSTANDARD})
# Of 60 bytes and a name each; torch has 15,000 members.
_LARGEST_DIRECTORY = 64 << 20
_MOST_MEMBERS = 1 << 18
# The same with all that may stand behind it.
LARGEST_TAIL = _LARGEST_DIRECTORY + _END64.size + _LOCATOR.size + _END.size + _LONGEST_COMMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A row of the directory. The fields have the names that Python's ``ZipInfo`` has for them.

    Attributes:
        raw_name: the name as stored.
        header_offset: bytes from the archive's first.
        compress_size: stored bytes.
        file_size: bytes when unpacked.
    """

    filename: str
    raw_name: bytes
    header_offset: int
    compress_size: int
    file_size: int
    CRC: int
    flag_bits: int
    compress_type: int
    external_attr: int
    create_system: int

    @property
    def orig_filename(self) -> str:
        """The name as the directory has it."""
        return self.filename

    @property
    def mode(self) -> int:
        """As Unix has it; 0 where the archive comes from elsewhere."""
        return self.external_attr >> 16

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.filename.endswith("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """What an archive's end says, and what follows from it.

    Attributes:
        offset: of the directory; members lie before it.
    """

    offset: int
    members: tuple[Member, ...]


def read_directory(file: io.BufferedIOBase, verdict: Verdict) -> Directory | None:
    """Read the directory.

    Args:
        file: the archive.
        verdict: takes what is found.

    Returns:
        None if it cannot be read in one way; then ``verdict`` says why.

    Raises:
        OSError: the file cannot be read.
    """
    end = _find_end(file, verdict)
    if end is None:
        return None
    if end.size > _LARGEST_DIRECTORY or end.count > _MOST_MEMBERS:
        verdict.add("archive-size", detail=f"{end.count:,} members, {end.size:,} bytes")
        return None
    file.seek(end.offset)
    data = file.read(end.size)
    members = tuple(_members(data, verdict))
    if len(members) != end.count:
        verdict.add("archive-directory", detail=f"{len(members):,} of {end.count:,} members")
        return None
    return Directory(offset=end.offset, members=members)


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """Number of members, and where the directory lies; ``place`` is that of the record itself."""

    place: int
    count: int
    size: int
    offset: int


def _find_end(file: io.BufferedIOBase, verdict: Verdict) -> _End | None:
    length = file.seek(0, io.SEEK_END)
    start = max(0, length - _END.size - _LONGEST_COMMENT - _LOCATOR.size)
    file.seek(start)
    tail = file.read()
    whole = [at for at in _occurrences(tail, _END_MAGIC) if at + _END.size <= len(tail)]
    places = [
        at
        for at in whole
        if at + _END.size + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)
    ]
    if not places:
        verdict.add("archive-appended" if whole else "archive-unreadable")
        return None
    if len(places) > 1 or tail.find(_END_MAGIC, places[0] + _END.size) >= 0:
        verdict.add("archive-ends", detail=f"at {', '.join(str(start + at) for at in places)}")
        return None
    if places[0] + _END.size != len(tail):
        verdict.add("archive-comment", detail=f"{len(tail) - places[0] - _END.size:,} bytes")
    end = _parse_end(tail, places[0], start, verdict)
    return _check_place(end, verdict) if end else None


def _occurrences(data: bytes, what: bytes) -> Iterator[int]:
    at = data.find(what)
    while at >= 0:
        yield at
        at = data.find(what, at + 1)


def _parse_end(tail: bytes, at: int, start: int, verdict: Verdict) -> _End | None:
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(tail, at)
    if disk or first_disk or here != count:
        verdict.add("several-disks", detail=f"disk {disk}, {here:,} of {count:,} members")
        return None
    plain = _End(place=start + at, count=count, size=size, offset=offset)
    locator = at - _LOCATOR.size
    if locator >= 0 and tail[locator : locator + 4] == _LOCATOR_MAGIC:
        return _parse_end64(tail, locator, start, plain, verdict)
    if _FULL in (size, offset):
        verdict.add("zip64-forged", detail="the 64-bit end is missing")
        return None
    return plain


def _parse_end64(
    tail: bytes, locator: int, start: int, plain: _End, verdict: Verdict
) -> _End | None:
    _, disk, offset64, disks = _LOCATOR.unpack_from(tail, locator)
    at = locator - _END64.size
    if disk or disks != 1 or at < 0 or offset64 != start + at:
        verdict.add("zip64-forged", detail="the 64-bit end lies elsewhere")
        return None
    magic, own, _, _, disk, first_disk, here, count, size, offset = _END64.unpack_from(tail, at)
    shown = ((plain.count, count, _FULL_SHORT), (plain.size, size, _FULL))
    agree = all(few in (many, full) for few, many, full in (*shown, (plain.offset, offset, _FULL)))
    if (
        not agree
        or (magic, own, disk, first_disk) != (_END64_MAGIC, _END64.size - 12, 0, 0)
        or here != count
    ):
        verdict.add("zip64-forged", detail="the two ends contradict each other")
        return None
    return _End(place=start + at, count=count, size=size, offset=offset)


def _check_place(end: _End, verdict: Verdict) -> _End | None:
    before = end.place - end.size - end.offset
    if before == 0:
        return end
    if before > 0:
        verdict.add("archive-prepended", detail=f"offsets are {before:,} bytes short")
    else:
        verdict.add("archive-directory", detail="it begins behind its end")
    return None


def _members(data: bytes, verdict: Verdict) -> Iterator[Member]:
    at = 0
    while at < len(data):
        if at + _CENTRAL.size > len(data) or data[at : at + 4] != _CENTRAL_MAGIC:
            verdict.add("archive-directory", detail=f"no member at byte {at:,} of it")
            return
        fields = _CENTRAL.unpack_from(data, at)
        lengths = fields[10:13]
        begin = at + _CENTRAL.size
        at = begin + sum(lengths)
        if at > len(data):
            verdict.add("archive-directory", detail="its last member is cut off")
            return
        name = data[begin : begin + lengths[0]]
        extra = data[begin + lengths[0] : begin + lengths[0] + lengths[1]]
        yield _member(fields, name, extra, verdict)


def _member(fields: tuple[int, ...], raw: bytes, extra: bytes, verdict: Verdict) -> Member:
    _, made_by, _, flags, method, _, _, crc, stored, size, *_ = fields
    disk, _, attributes, offset = fields[13:]
    name = _decode(raw, flags, verdict)
    found = _extra_fields(extra)
    if found is None:
        verdict.add("extra-malformed", name)
        found = []
    size, stored, offset, disk = _widen(found, [size, stored, offset, disk], name, verdict)
    for identity, payload in found:
        # A version, a checksum of the other name, and that name.
        if identity == _UNICODE_PATH_FIELD and payload[5:] != raw:
            verdict.add("name-differs", name, payload[5:].decode("utf-8", "replace"))
    if disk:
        verdict.add("several-disks", name)
    return Member(
        filename=name,
        raw_name=raw,
        header_offset=offset,
        compress_size=stored,
        file_size=size,
        CRC=crc,
        flag_bits=flags,
        compress_type=method,
        external_attr=attributes,
        create_system=made_by >> 8,
    )


def _decode(raw: bytes, flags: int, verdict: Verdict) -> str:
    try:
        return raw.decode("utf-8" if flags & UTF8 else "ascii")
    except UnicodeDecodeError:
        name = raw.decode("utf-8" if flags & UTF8 else "cp437", "replace")
        verdict.add("name-encoding", name)
        return name


def _extra_fields(extra: bytes) -> list[tuple[int, bytes]] | None:
    found, at = [], 0
    while at < len(extra):
        if at + 4 > len(extra):
            return None
        identity, size = struct.unpack_from("<2H", extra, at)
        at += 4 + size
        if at > len(extra):
            return None
        found.append((identity, extra[at - size : at]))
    return found


def _widen(
    found: list[tuple[int, bytes]], values: list[int], name: str, verdict: Verdict
) -> list[int]:
    """Put 64-bit values in the place of those that say that they lie there."""
    wide = [payload for identity, payload in found if identity == _ZIP64_FIELD]
    asked = [place for place, value in enumerate(values[:3]) if value == _FULL]
    if not asked and not wide:
        return values
    payload = wide[0] if wide else b""
    if len(wide) > 1 or len(payload) < 8 * len(asked):
        verdict.add("zip64-forged", name, "its 64-bit fields do not fit the others")
        return values
    for number, place in enumerate(asked):
        values[place] = int.from_bytes(payload[8 * number : 8 * number + 8], "little")
    return values


def judge_members(directory: Directory, verdict: Verdict) -> None:
    """What the directory alone tells of its members: names, kinds, sizes."""
    for member in directory.members:
        name = member.filename
        verdict.extend(judge_name(name), name)
        verdict.extend(_judge_kind(member), name)
        if member.flag_bits & ENCRYPTED:
            verdict.add("encrypted", name)
        if member.compress_type not in _METHODS or member.flag_bits & _PATCHED:
            verdict.add("method-unsupported", name, f"method {member.compress_type}")
        if member.compress_type == STORED and member.compress_size != member.file_size:
            verdict.add("size-forged", name, "it is stored, and has two sizes")
    _judge_places(directory, verdict)
    _judge_growth(directory, verdict)


# Of a header, without the name and what may follow it.
_SHORTEST_HEADER = 30


def _judge_places(directory: Directory, verdict: Verdict) -> None:
    """The first member is the first, and none reaches into the next."""
    inside = sorted(directory.members, key=lambda member: member.header_offset)
    if inside and inside[0].header_offset:
        verdict.add(
            "archive-prepended", inside[0].filename, f"{inside[0].header_offset:,} bytes before it"
        )
    limits = [member.header_offset for member in inside[1:]]
    for member, limit in zip(inside, [*limits, directory.offset], strict=False):
        length = _SHORTEST_HEADER + len(member.raw_name) + member.compress_size
        if member.header_offset + length > limit:
            verdict.add("overlap", member.filename, "it reaches into what follows")


_TYPE_MASK, _REGULAR, _FOLDER = 0o170000, 0o100000, 0o040000
# MS-DOS: volume label, device; Windows: reparse point.
_DOS_SPECIAL = 0x08 | 0x40 | 0x400


def _judge_kind(member: Member) -> Iterator[tuple[str, str]]:
    kind = member.mode & _TYPE_MASK
    if kind not in (0, _REGULAR, _FOLDER):
        yield "file-type", f"mode {member.mode:o}"
    elif member.external_attr & _DOS_SPECIAL:
        yield "file-type", f"attributes {member.external_attr & 0xFFFF:#x}"
    elif kind and (kind == _FOLDER) != member.is_dir():
        yield "folder-content", f"mode {member.mode:o}"
    if member.is_dir() and member.file_size:
        yield "folder-content", f"{member.file_size:,} bytes"


# Deflate makes at most 1032 of 1. The most that an ordinary wheel does as a whole is below 30.
_MOST_GROWTH = 200
_HARMLESS = 256 << 20
LARGEST_WHEEL = 64 << 30


def grows_too_much(stored: int, unpacked: int) -> bool:
    """Whether so many bytes may not become so many."""
    return unpacked > LARGEST_WHEEL or unpacked > max(_HARMLESS, stored * _MOST_GROWTH)


def _judge_growth(directory: Directory, verdict: Verdict) -> None:
    stored = sum(member.compress_size for member in directory.members)
    unpacked = sum(member.file_size for member in directory.members)
    # Zstandard is used on wheels whose originals were vetted, and has no such limit.
    zstd = any(member.compress_type == ZSTANDARD for member in directory.members)
    if unpacked > LARGEST_WHEEL or (not zstd and grows_too_much(stored, unpacked)):
        verdict.add("bomb", detail=f"{unpacked:,} bytes out of {stored:,}")
