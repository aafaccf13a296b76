"""Bundles that somebody has changed who can mend every hash: nothing in them is damaged."""

import io
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bootstrap.bundle import layout
from bootstrap.bundle.errors import ReportedError
from bootstrap.bundle.frame import read_frame
from bootstrap.bundle.model import decode_index
from tests.hostile.mutations.changes import CHANGES, Damage, Mutant
from tests.hostile.mutations.structures import Structure
from tests.hostile.mutations.subjects import Files, Subject

_DEEP = 100_000
_LARGE = (0, 1, -1, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, 1 << 64, -(1 << 63), 10**30)
_TEXTS = (
    *("", ".", "..", "../../canary/file", "/etc/x", "C:\\x", "\\\\host\\x", "a\\b", "CON", "a:b"),
    *("a\0b", "a\nb", "\x1b[2J", "x" * 5_000, "\u202egpj.exe", "caf\u00e9", "a ", "a.", "~", "-"),
    *("docs/..", "docs/", "wheels/../x.whl", "nan", "9.9.9.9", "1!0", "00" * 32, "null"),
)
_OTHERS: tuple[Any, ...] = (None, True, [], {}, 1.5, 1e300, "", 0, [[]], {"a": 1})

# What the index says, as JSON has it.
Plain = dict[str, Any]


def sealed(files: Files, installer: str, index_bytes: bytes, payload: bytes | None = None) -> Files:
    """The same installer with another index, and other members perhaps, and all hashes right.

    Args:
        files: of an intact bundle.
        installer: file name.
        index_bytes: new index.
        payload: what lies before the index, from the 7z signature on; None leaves it.
    """
    data = files[installer]
    frame = read_frame(io.BytesIO(data), Path(installer))
    old = frame.trailer
    end = old.payload_offset + old.payload_size
    before = data[: old.payload_offset]
    if payload is None:
        payload = data[old.payload_offset : old.index_offset]
    header = data[old.index_offset + old.index_size : end]
    trailer = layout.Trailer(
        payload_offset=old.payload_offset,
        payload_size=len(payload) + len(index_bytes) + len(header),
        index_offset=old.payload_offset + len(payload),
        index_size=len(index_bytes),
        index_sha256=layout.sha256_hex(index_bytes),
        rest_sha256=old.rest_sha256,
    )
    pkg = data[frame.pkg_begin :]
    draft = before + payload + index_bytes + header + layout.pack_trailer(trailer) + pkg
    rest = _rest(draft, installer, index_bytes) or old.rest_sha256
    packed = layout.pack_trailer(
        layout.Trailer(
            payload_offset=trailer.payload_offset,
            payload_size=trailer.payload_size,
            index_offset=trailer.index_offset,
            index_size=trailer.index_size,
            index_sha256=trailer.index_sha256,
            rest_sha256=rest,
        )
    )
    return {**files, installer: before + payload + index_bytes + header + packed + pkg}


def _rest(draft: bytes, installer: str, index_bytes: bytes) -> str | None:
    try:
        index = decode_index(index_bytes)
    except (ReportedError, RecursionError):
        return None
    frame = read_frame(io.BytesIO(draft), Path(installer))
    entries = () if index.volumes else index.entries
    base = frame.trailer.payload_offset
    stretches = frame.rest([(base + entry.offset, entry.size) for entry in entries])
    return layout.sha256_hex(
        b"".join(draft[max(0, at) : max(0, at + size)] for at, size in stretches)
    )


def reseal(subject: Subject, number: int) -> Mutant:
    """The mutant of that number: another index, or another member."""
    chance = random.Random(f"sealed {subject.name} {number}")  # noqa: S311 (not for secrets)
    if number % 4 == 0 and len(subject.files) == 1:
        return _other_member(subject, chance)
    told, index_bytes = _other_index(subject.reader.index_bytes, chance)
    files = sealed(subject.files, subject.installer, index_bytes)
    return Mutant(told=f"index: {told}", files=files, read=False, program=False)


def _other_index(data: bytes, chance: random.Random) -> tuple[str, bytes]:
    if chance.random() < 0.2:
        return _other_text(data, chance)
    index: Plain = json.loads(data)
    holder, key = chance.choice(list(_places(index)))
    how = chance.choice(list(_EDITS))
    old = holder[key]
    _EDITS[how](holder, key, chance)
    encoded = json.dumps(index, indent=2, ensure_ascii=chance.random() < 0.5)
    return f"{how} {key!r}, {str(old)[:60]!r}", encoded.encode("utf-8", "surrogatepass")


def _other_text(data: bytes, chance: random.Random) -> tuple[str, bytes]:
    """No JSON at all perhaps, or such as nobody writes."""
    how = chance.choice(("bytes", "deep", "twice", "empty", "cut", "surrogate", "large number"))
    if how == "bytes":
        change = chance.choice(list(CHANGES))
        where = Structure(kind="index", file="", offset=0, size=len(data))
        damage = Damage(structure=where, foreign={"": data}, peers=[where], chance=chance)
        return f"{change} its bytes", CHANGES[change](data, damage)
    if how == "deep":
        deep = b"[" * _DEEP + b"]" * _DEEP
        return how, data.replace(b"{", b'{"deep": ' + deep + b",", 1)
    if how == "twice":
        return how, data.replace(b"{", b'{"format": 4, "format": 3, ', 1)
    if how == "surrogate":
        return how, data.replace(b'"product": "', b'"product": "\\ud800', 1)
    if how == "large number":
        return how, data.replace(b'"disk_need": ', b'"disk_need": ' + b"9" * 5_000, 1)
    return how, data[: chance.randrange(len(data))] if how == "cut" else b""


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each holder and key of all values below."""
    keys = value if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _retype(holder: Any, key: Any, chance: random.Random) -> None:
    holder[key] = chance.choice(_OTHERS)


def _reword(holder: Any, key: Any, chance: random.Random) -> None:
    if isinstance(holder[key], int):
        holder[key] = chance.choice((*_LARGE, holder[key] + 1, holder[key] - 1, -holder[key]))
    else:
        text = str(holder[key])
        other = chance.choice(_TEXTS)
        holder[key] = chance.choice((other, text + other, other + text))


def _drop(holder: Any, key: Any, _: random.Random) -> None:
    del holder[key]


def _add(holder: Any, key: Any, chance: random.Random) -> None:
    if isinstance(holder, dict):
        holder[f"{key}_more"] = chance.choice(_OTHERS)
    else:
        holder.append(chance.choice(_OTHERS))


def _repeat(holder: Any, key: Any, _: random.Random) -> None:
    if isinstance(holder, dict):
        holder[key] = [holder[key], holder[key]]
    else:
        holder.append(holder[key])


_EDITS: dict[str, Callable[[Any, Any, random.Random], None]] = {
    "reword": _reword,
    "reword again": _reword,
    "retype": _retype,
    "drop": _drop,
    "add": _add,
    "repeat": _repeat,
}


def _other_member(subject: Subject, chance: random.Random) -> Mutant:
    """Change a member, and say so in the index."""
    index: Plain = json.loads(subject.reader.index_bytes)
    base = subject.reader.payload_offset
    data = subject.files[subject.installer]
    entry = chance.choice(subject.reader.index.entries)
    old = data[base + entry.offset : base + entry.offset + entry.size]
    change = chance.choice(list(CHANGES))
    where = Structure(kind="", file="", offset=0, size=len(old))
    if chance.random() < 0.5:
        size = min(len(old), 900)
        where = Structure(kind="", file="", offset=len(old) - size, size=size)
    foreign = {"": subject.foreign[subject.installer][base:]}
    damage = Damage(structure=where, foreign=foreign, peers=[where], chance=chance)
    new = CHANGES[change](old, damage)
    begin = base + entry.offset
    payload = data[base:begin] + new + data[begin + entry.size : _index_offset(data, subject)]
    for other in _entries(index):
        if other["offset"] > entry.offset:
            other["offset"] += len(new) - len(old)
        if other["name"] == entry.name:
            other["size"], other["sha256"] = len(new), layout.sha256_hex(new)
    _mend_wheels(index, entry.name, new)
    index_bytes = json.dumps(index, indent=2).encode()
    files = sealed(subject.files, subject.installer, index_bytes, payload)
    return Mutant(told=f"member: {change} {entry.name}", files=files, read=False, program=False)


def _index_offset(data: bytes, subject: Subject) -> int:
    return read_frame(io.BytesIO(data), subject.path).trailer.index_offset


def _entries(value: Any) -> Iterator[Plain]:
    """All that describe a stored member, wherever in the index they are."""
    if isinstance(value, dict):
        if {"name", "offset", "size", "sha256"} <= value.keys():
            yield value
        for below in value.values():
            yield from _entries(below)
    elif isinstance(value, list):
        for below in value:
            yield from _entries(below)


def _mend_wheels(index: Plain, name: str, data: bytes) -> None:
    """The directory of a wheel is still where it was, if counted from the end."""
    for group in index["groups"]:
        for wheel in group["wheels"]:
            if wheel["entry"]["name"] == name:
                at = data.find(b"PK\1\2")
                directory = wheel["directory"]
                directory["offset"] = max(0, at)
                directory["sha256"] = layout.sha256_hex(data[max(0, at) :])
