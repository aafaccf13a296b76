"""Ways to damage a bundle. All of it follows from a number, so each can be had again."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tests.hostile.mutations.structures import Structure, structures_of
from tests.hostile.mutations.subjects import Files, Subject

_MOST_INSERTED = 300
_TRIES = 20
_VOLUMES = "volumes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One structure, and how it is changed.

    Attributes:
        foreign: the files of another build.
        peers: all structures.
    """

    structure: Structure
    foreign: Files
    peers: list[Structure]
    chance: random.Random

    def part(self) -> tuple[int, int]:
        """Begin and end of a part of the structure, not empty, in its file."""
        where = self.structure
        begin = where.offset + self.chance.randrange(where.size)
        # Often short, sometimes all of it.
        longest = self.chance.choice((1, 4, 16, where.size))
        return begin, min(where.end, begin + self.chance.randint(1, longest))


# Gets the bytes of the structure's file, and gives others.
Change = Callable[[bytes, Damage], bytes]


def _flip(data: bytes, damage: Damage) -> bytes:
    at, _ = damage.part()
    return _put(data, at, bytes([data[at] ^ 1 << damage.chance.randrange(8)]))


def _scribble(data: bytes, damage: Damage) -> bytes:
    begin, end = damage.part()
    return _put(data, begin, damage.chance.randbytes(end - begin))


def _zero(data: bytes, damage: Damage) -> bytes:
    begin, end = damage.part()
    return _put(data, begin, bytes(end - begin))


def _count(data: bytes, damage: Damage) -> bytes:
    """Treat some bytes as a number, which becomes a little or very much larger or smaller."""
    width = damage.chance.choice((1, 2, 4, 8))
    at = damage.structure.offset + damage.chance.randrange(damage.structure.size)
    width = min(width, len(data) - at)
    order = damage.chance.choice(("little", "big"))
    number = int.from_bytes(data[at : at + width], order)  # type: ignore[arg-type]
    most = (1 << 8 * width) - 1
    number = damage.chance.choice((number + 1, number - 1, number * 2, most, most // 2, 0)) & most
    return _put(data, at, number.to_bytes(width, order))  # type: ignore[arg-type]


def _cut(data: bytes, damage: Damage) -> bytes:
    begin, end = damage.part()
    return data[:begin] + data[end:]


def _truncate(data: bytes, damage: Damage) -> bytes:
    where = damage.structure
    ends = (where.offset, where.end, damage.chance.randint(where.offset, where.end))
    return data[: damage.chance.choice(ends)]


def _behead(data: bytes, damage: Damage) -> bytes:
    return data[damage.part()[1] :]


def _insert(data: bytes, damage: Damage) -> bytes:
    at, _ = damage.part()
    more = damage.chance.randbytes(damage.chance.randint(1, _MOST_INSERTED))
    return data[:at] + damage.chance.choice((more, bytes(len(more)))) + data[at:]


def _duplicate(data: bytes, damage: Damage) -> bytes:
    where = damage.structure
    begin, end = damage.chance.choice((damage.part(), (where.offset, where.end)))
    return data[:end] + data[begin:]


def _swap(data: bytes, damage: Damage) -> bytes:
    """Exchange it for another structure of the same file, wherever that begins."""
    one = damage.structure
    others = [
        peer
        for peer in damage.peers
        if peer.file == one.file and (peer.end <= one.offset or one.end <= peer.offset)
    ]
    alike = [peer for peer in others if peer.kind == one.kind]
    if not others:
        return data
    other = damage.chance.choice(alike or others)
    first, second = sorted((one, other), key=lambda part: part.offset)
    between = data[first.end : second.offset]
    swapped = data[second.offset : second.end] + between + data[first.offset : first.end]
    return data[: first.offset] + swapped + data[second.end :]


def _splice(data: bytes, damage: Damage) -> bytes:
    """Take it from the same place of another build."""
    where = damage.structure
    begin, end = damage.chance.choice((damage.part(), (where.offset, where.end)))
    return data[:begin] + damage.foreign[where.file][begin:end] + data[end:]


def _graft(data: bytes, damage: Damage) -> bytes:
    """Go on as the other build does."""
    at, _ = damage.part()
    return data[:at] + damage.foreign[damage.structure.file][at:]


def _append(data: bytes, damage: Damage) -> bytes:
    begin, end = damage.part()
    junk = damage.chance.randbytes(damage.chance.randint(1, _MOST_INSERTED))
    return data + damage.chance.choice((junk, data[begin:end], bytes(len(junk))))


CHANGES: dict[str, Change] = {
    "flip": _flip,
    "scribble": _scribble,
    "zero": _zero,
    "count": _count,
    "cut": _cut,
    "truncate": _truncate,
    "behead": _behead,
    "insert": _insert,
    "duplicate": _duplicate,
    "swap": _swap,
    "splice": _splice,
    "graft": _graft,
    "append": _append,
}


def _put(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _mixed(subject: Subject, chance: random.Random) -> tuple[str, Files]:
    """Volumes that are missing, in another order, renamed, or another build's."""
    files = dict(subject.files)
    volumes = [name for name in files if name != subject.installer]
    one, other = chance.sample(volumes, 2)
    how = chance.choice(("missing", "exchanged", "renamed", "foreign", "foreign installer"))
    if how == "missing":
        del files[one]
    elif how == "exchanged":
        files[one], files[other] = files[other], files[one]
    elif how == "renamed":
        files[other] = files.pop(one)
    elif how == "foreign":
        for name in chance.sample(volumes, chance.randint(1, len(volumes))):
            files[name] = subject.foreign[name]
    else:
        files[subject.installer] = subject.foreign[subject.installer]
    return how, files


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A damaged bundle.

    Attributes:
        told: what was done to what.
        read: somebody should notice it.
        program: the damage may lie in what runs before any code of ours.
    """

    told: str
    files: Files
    read: bool
    program: bool


# Prime, and so without a common divisor with the counts of kinds and of changes.
_STRIDE = 7_919


def spread(count: int) -> list[int]:
    """So many numbers for :func:`mutate`, which lie apart: few of them are of all sorts, too.

    Numbers that follow each other would be one change, of one kind of structure after the other.
    """
    return [number * _STRIDE for number in range(count)]


_PROGRAM = ("bootloader", "PKG", "cookie", "PE header")


@lru_cache(maxsize=8)
def _structures(subject: Subject) -> list[Structure]:
    return structures_of(subject.path)


def mutate(subject: Subject, number: int) -> Mutant:
    """The mutant of that number.

    Numbers that follow each other go through all kinds of structures, and then through all
    changes; each time round it is another place.
    """
    chance = random.Random(f"{subject.name} {number}")  # noqa: S311 (not for secrets)
    found = _structures(subject)
    kinds = list(dict.fromkeys(part.kind for part in found))
    if len(subject.files) > 1:
        kinds.append(_VOLUMES)
    kind = kinds[number % len(kinds)]
    if kind == _VOLUMES:
        how, files = _mixed(subject, chance)
        # Two builds may have a volume in common.
        while files in (subject.files, subject.foreign):
            how, files = _mixed(subject, chance)
        return Mutant(told=f"volumes: {how}", files=files, read=True, program=False)
    change = list(CHANGES)[number // len(kinds) % len(CHANGES)]
    for _ in range(_TRIES):
        where = chance.choice([part for part in found if part.kind == kind])
        files = _changed(subject, change, where, chance)
        # Another whole build is no damage.
        if files not in (subject.files, subject.foreign):
            break
        change = chance.choice(list(CHANGES))
    program = where.kind.startswith(_PROGRAM) or change in ("truncate", "behead", "append")
    return Mutant(
        told=f"{change}: {where.kind} of {where.file} ({where.offset}, {where.size} bytes)",
        files=files,
        read=_is_read(subject, where.file, files[where.file]),
        program=program and where.file == subject.installer,
    )


def _is_read(subject: Subject, name: str, data: bytes) -> bool:
    """Whether any byte is another one that somebody should look at."""
    before = subject.files[name]
    if len(before) != len(data):
        return True
    unread = [part for part in _structures(subject) if part.file == name and not part.read]
    blank, other = bytearray(before), bytearray(data)
    for part in unread:
        blank[part.offset : part.end] = other[part.offset : part.end] = bytes(part.size)
    return blank != other


def _changed(subject: Subject, change: str, where: Structure, chance: random.Random) -> Files:
    damage = Damage(
        structure=where, foreign=subject.foreign, peers=_structures(subject), chance=chance
    )
    return {
        **subject.files,
        where.file: CHANGES[change](subject.files[where.file], damage),
    }
