"""What an index must be like besides having the right fields, so that readers may trust it.

An index is parsed once; behind that nobody asks again whether a version is one, whether a name
leads out of its folder, or whether a text does something to a terminal.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from bootstrap.bundle.errors import RefusedContentError

if TYPE_CHECKING:
    from bootstrap.bundle.model import Index, Wheel

# Files are no larger, and sums of some thousand such numbers still fit everywhere.
_LARGEST_NUMBER = 1 << 50
_LONGEST_TEXT = 20_000
# One component of a path, as every system takes it literally.
_COMPONENT = re.compile(r"(?!\.{1,2}\Z)[^/\\:\x00-\x1f]{1,255}(?<![. ])")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}(?<!\.)")
_DOTTED = re.compile(r"[0-9]{1,4}(\.[0-9]{1,9}){0,3}")
# major.minor: parts of paths, or compared as two numbers.
_PAIR = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
# Control characters, those that turn the direction of text, and halves of surrogate pairs.
_UNFIT = frozenset({"Cc", "Cf", "Cs"})
_LINE_ENDS = "\n\t"
_MOST_TOLD = 5


def require_sound(index: "Index") -> None:
    """Look through an index whose fields are there and have their types.

    Raises:
        RefusedContentError: names what is wrong with it, and where.
    """
    faults = [
        *_odd_values(msgspec.to_builtins(index), ""),
        *_odd_names(index),
        *_odd_versions(index),
        *_repeated(index),
    ]
    if faults:
        more = f" and {len(faults) - _MOST_TOLD} more" if len(faults) > _MOST_TOLD else ""
        raise RefusedContentError(
            f"bundle.json is refused: {'; '.join(faults[:_MOST_TOLD])}{more}.",
            remedy="Get another copy of the bundle, and tell whoever made it.",
        )


def _odd_values(value: object, place: str) -> Iterator[str]:
    """Numbers and texts that nothing in an index should be, wherever they are."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _odd_values(below, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for number, below in enumerate(value):
            yield from _odd_values(below, f"{place}[{number}]")
    elif isinstance(value, str):
        if len(value) > _LONGEST_TEXT:
            yield f"{place} has {len(value):,} characters"
        elif not value.isprintable() and (odd := _unfit(value)):
            yield f"{place} has the character U+{ord(odd):04X}"
    elif not 0 <= value <= _LARGEST_NUMBER if isinstance(value, int) else False:
        yield f"{place} is {value}"


def _unfit(text: str) -> str | None:
    return next(
        (
            character
            for character in text
            if unicodedata.category(character) in _UNFIT and character not in _LINE_ENDS
        ),
        None,
    )


def _odd_names(index: "Index") -> Iterator[str]:
    """What becomes part of a path, and must not lead anywhere else."""
    for entry in index.entries:
        yield from _no_path("the name of a member", entry.name)
    yield from _no_path("runtime.executable", index.runtime.executable)
    yield from _no_path("product", index.product, folders=False)
    ids = [("bundle_id", index.bundle_id), ("variant", index.variant)]
    ids += [("the name of a probe", check.probe) for check in index.checks]
    yield from (f"{what} is {name!r}" for what, name in ids if not _ID.fullmatch(name))
    for wheel in index.wheels:
        yield from _odd_wheel(wheel)


def _no_path(what: str, name: str, *, folders: bool = True) -> Iterator[str]:
    parts = name.split("/") if folders else [name]
    if not all(_COMPONENT.fullmatch(part) for part in parts):
        yield f"{what} is {name!r}"


def _odd_wheel(wheel: "Wheel") -> Iterator[str]:
    yield from _no_path("the name of a wheel", wheel.filename, folders=False)
    try:
        name, version, *_ = parse_wheel_filename(wheel.filename)
    except (InvalidWheelFilename, InvalidVersion) as error:
        yield f"{wheel.filename!r} is no wheel ({error})"
        return
    if (name, str(version)) != (wheel.name, wheel.version):
        yield f"{wheel.filename} is said to be {wheel.name!r} {wheel.version!r}"


def _odd_versions(index: "Index") -> Iterator[str]:
    cuda = index.cuda
    versions = [("version", index.version), ("runtime.version", index.runtime.version)]
    dotted = [("minimum_vc_runtime", index.minimum_vc_runtime)]
    pairs = [
        ("python", index.python),
        ("minimum_glibc", index.minimum_glibc),
        ("runtime.minimum_glibc", index.runtime.minimum_glibc),
    ]
    if cuda:
        dotted += [
            ("cuda.minimum_driver", cuda.minimum_driver),
            ("cuda.recommended_driver", cuda.recommended_driver),
        ]
        pairs += [("cuda.version", cuda.version)]
        pairs += [("an architecture of cuda", name) for name in cuda.architectures]
    yield from (f"{what} is {text!r}" for what, text in versions if not _is_version(text))
    for form, fields in ((_DOTTED, dotted), (_PAIR, pairs)):
        for what, text in fields:
            if text is not None and not form.fullmatch(text):
                yield f"{what} is {text!r}"
    for rule in index.blacklist:
        try:
            SpecifierSet(rule.specifier or "")
        except InvalidSpecifier as error:
            yield f"the blacklist has a rule for {rule.name!r} that cannot be read ({error})"


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _repeated(index: "Index") -> Iterator[str]:
    """What there must be one of, as all file systems count."""
    entries = (entry.name for entry in index.entries)
    wheels = (wheel.name for wheel in index.wheels)
    volumes = (volume.name for volume in index.volumes)
    for what, names in (("member", entries), ("package", wheels), ("volume", volumes)):
        yield from (f"the {what} {name!r} is there {count} times" for name, count in _many(names))


def _many(names: Iterable[str]) -> Iterator[tuple[str, int]]:
    counts = Counter(unicodedata.normalize("NFC", name).casefold() for name in names)
    return ((name, count) for name, count in counts.items() if count > 1)
