"""Wheels that are known by hash although their index may be out of reach.

``metadata/known_wheels.json`` collects what other people's published lock files say of
them. A wrong hash is no danger, only a nuisance: no file will ever have it.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, NormalizedName, parse_wheel_filename
from packaging.version import Version

from bootstrap.bundle.value import Sha256, Target, Value
from builder.errors import ManifestError
from builder.manifest import Manifest

DEFAULT_PATH = Path(__file__).parents[2] / "metadata" / "known_wheels.json"


class KnownWheel(Value, frozen=True, kw_only=True):
    """One wheel, as others have published it.

    Attributes:
        index: address of the package index that has it.
        filename: its proper name.
        sha256: hexadecimal.
        size: bytes; None where nobody has stated them.
        sources: who published that hash, ``owner/repository:file@commit`` where it is known.
        requires: what it requires (PEP 508), where the wheel of the same public version on
            pip's own index requires something else; None where both require the same.
    """

    index: Annotated[str, msgspec.Meta(pattern=r"^https?://.*[^/]$")]
    filename: str
    sha256: Sha256
    size: Annotated[int, msgspec.Meta(ge=0)] | None = None
    sources: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    requires: tuple[str, ...] | None = None

    @property
    def name(self) -> NormalizedName:
        """The distribution."""
        return parse_wheel_filename(self.filename)[0]

    @property
    def version(self) -> Version:
        """Of the wheel, local build included."""
        return parse_wheel_filename(self.filename)[1]

    @property
    def tags(self) -> frozenset[Tag]:
        """What the wheel is made for."""
        return parse_wheel_filename(self.filename)[3]

    @property
    def publishers(self) -> int:
        """How many have published the hash; repositories of one owner copy from each other."""
        return len({source.partition("/")[0] for source in self.sources})


class _File(Value, frozen=True, kw_only=True):
    wheels: tuple[KnownWheel, ...]


def load_known_wheels(path: Path = DEFAULT_PATH) -> tuple[KnownWheel, ...]:
    """Read the known wheels.

    Raises:
        ManifestError: the file does not hold what it must; names the place.
    """
    try:
        known = msgspec.convert(json.loads(path.read_text(encoding="utf-8")), _File).wheels
        _check(known)
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path}: {error}.", remedy="Correct the named place.") from error
    return known


def _check(known: tuple[KnownWheel, ...]) -> None:
    """What the types cannot say.

    Raises:
        ValueError: names the place.
    """
    for place, wheel in enumerate(known):
        where = f"$.wheels[{place}]"
        try:
            parse_wheel_filename(wheel.filename)
        except InvalidWheelFilename as error:
            raise ValueError(f"{where}.filename: {error}") from error
        for requirement in wheel.requires or ():
            try:
                Requirement(requirement)
            except InvalidRequirement as error:
                raise ValueError(f"{where}.requires: {error}") from error
    for (index, filename), count in Counter((w.index, w.filename) for w in known).items():
        if count > 1:
            raise ValueError(f"$.wheels: {filename} of {index} is there {count} times")


def find_known(
    known: Iterable[KnownWheel],
    manifest: Manifest,
    variant: str,
    target: Target,
    rank: dict[Tag, int],
) -> dict[str, KnownWheel]:
    """The known wheels that a variant pins, by distribution.

    Only what the manifest takes from a named index, in exactly the pinned version, is
    looked for: the hash belongs to the file of that index.

    Args:
        known: to choose from.
        manifest: where pins and indexes stand.
        variant: which one.
        target: for which platform.
        rank: the target's tags, the best one with the lowest number.
    """
    settings = manifest.variant_target(variant, target)
    found = {}
    for name, index in settings.indexes.items():
        pin, address = settings.pins.get(name), manifest.indexes[index].rstrip("/")
        fitting = [
            (min(places), wheel.filename, wheel)
            for wheel in known
            if pin
            and (wheel.index, wheel.name, wheel.version) == (address, name, Version(pin))
            and (places := [rank[tag] for tag in wheel.tags if tag in rank])
        ]
        if fitting:
            found[name] = min(fitting)[2]
    return found
