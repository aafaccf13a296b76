"""Zip archives in which every field can be a lie."""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

MODE_FILE = 0o100644 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One member.

    Attributes:
        name: as stored; a text is stored as UTF-8.
        packed: what is stored instead of the compressed data.
        local: fields of its own header that are other than they should be: ``name``, ``flags``,
            ``method``, ``crc``, ``stored``, ``size``, ``extra``.
        central: the same of the directory; besides ``offset``, ``attributes``, ``system``,
            ``disk``.
        before: bytes that lie before its header.
        behind: bytes that lie behind its data.
    """

    name: str | bytes
    data: bytes = b""
    method: int = 8
    flags: int = 0
    packed: bytes | None = None
    local: Mapping[str, object] = field(default_factory=dict)
    central: Mapping[str, object] = field(default_factory=dict)
    before: bytes = b""
    behind: bytes = b""


def _fields(raw: Raw, packed: bytes) -> dict[str, object]:
    name = raw.name if isinstance(raw.name, bytes) else raw.name.encode("utf-8", "surrogatepass")
    utf8 = 0 if isinstance(raw.name, bytes) or raw.name.isascii() else 0x800
    return {
        "name": name,
        "flags": raw.flags | utf8,
        "method": raw.method,
        "crc": zlib.crc32(raw.data),
        "stored": len(packed),
        "size": len(raw.data),
        "extra": b"",
        "attributes": MODE_FILE,
        "system": 3,
        "disk": 0,
    }


def deflate(data: bytes) -> bytes:
    """As members of method 8 are."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _header(values: Mapping[str, object]) -> bytes:
    name, extra = _bytes(values["name"]), _bytes(values["extra"])
    numbers = [values[key] for key in ("flags", "method")]
    sizes = [values[key] for key in ("crc", "stored", "size")]
    head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, *numbers, 0, 33, *sizes, len(name), len(extra))
    return head + name + extra


def _row(values: Mapping[str, object]) -> bytes:
    name, extra = _bytes(values["name"]), _bytes(values["extra"])
    made_by = 20 | int(str(values["system"])) << 8
    numbers = [values[key] for key in ("flags", "method")]
    sizes = [values[key] for key in ("crc", "stored", "size")]
    head = struct.pack(
        "<4s6H3I5H2I",
        *(b"PK\1\2", made_by, 20, *numbers, 0, 33, *sizes, len(name), len(extra), 0),
        *(values["disk"], 0, values["attributes"], values["offset"]),
    )
    return head + name + extra


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the directory lies in an archive that is being written."""

    count: int
    offset: int
    size: int


def end_record(place: Place, comment: bytes = b"", **lies: int) -> bytes:
    """The usual end; ``lies`` may be ``disk``, ``here``, ``count``, ``size``, ``offset``."""
    told = {"disk": 0, "here": place.count, "count": place.count, "size": place.size}
    told |= {"offset": place.offset, **lies}
    return (
        struct.pack(
            *("<4s4H2IH", b"PK\5\6", told["disk"], 0, told["here"], told["count"]),
            *(told["size"], told["offset"], len(comment)),
        )
        + comment
    )


def end64(place: Place, **lies: int) -> bytes:
    """A 64-bit end and its locator; ``lies`` may also be ``at`` and ``disks``."""
    told = {"count": place.count, "size": place.size, "offset": place.offset}
    told |= {"at": place.offset + place.size, "disks": 1, "own": 44, **lies}
    return struct.pack(
        *("<4sQ2H2I4Q", b"PK\6\6", told["own"], 45, 45, 0, 0, told["count"], told["count"]),
        *(told["size"], told["offset"]),
    ) + struct.pack("<4sIQI", b"PK\6\7", 0, told["at"], told["disks"])


def write_archive(
    members: Sequence[Raw],
    *,
    end: Callable[[Place], bytes] = end_record,
    prefix: bytes = b"",
    shift: int = 0,
    before_directory: bytes = b"",
    directory: Callable[[bytes], bytes] = bytes,
) -> bytes:
    """The archive.

    Args:
        members: in order.
        end: what follows the directory.
        prefix: bytes before the first member.
        shift: how much less offsets are than they should be.
        before_directory: bytes before the directory.
        directory: changes it.
    """
    data, rows = bytearray(prefix), bytearray()
    for raw in members:
        packed = raw.packed
        if packed is None:
            packed = deflate(raw.data) if raw.method == 8 else raw.data
        values = _fields(raw, packed)
        data += raw.before
        rows += _row({**values, "offset": len(data) - shift, **raw.central})
        data += _header({**values, **raw.local}) + packed + raw.behind
    data += before_directory
    changed = directory(bytes(rows))
    place = Place(count=len(members), offset=len(data) - shift, size=len(changed))
    return bytes(data) + changed + end(place)
