"""What somebody has added to an environment, as values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import NormalizedName
from packaging.version import Version

# Where a file of a wheel goes: site-packages, or what a folder below .data is called.
Scheme = Literal["root", "scripts", "headers", "data"]


class CannotCarryError(Exception):
    """Why one distribution stays behind: a sentence for people. It never leaves this package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a distribution.

    Attributes:
        path: relative to the folder of its scheme, with forward slashes.
        source: where it lies now, a plain string since there may be thousands; None for a script
            that is made when installing.
        size: bytes.
    """

    scheme: Scheme
    path: str
    source: str | None
    size: int = 0
    executable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """What others need to know of a distribution."""

    name: NormalizedName
    version: Version
    requires: Sequence[Requirement] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra(Distribution):
    """A distribution that is not of the bundle.

    Attributes:
        version: ``0+unknown`` where it says none that can be understood.
        folder: its ``.dist-info``, or what stands in its place.
        tags: what it was built for.
        filename: of a wheel of it; empty where there can be none.
        files: all that a wheel of it would bring, scripts made from entry points included.
        fault: why it cannot be packed, a sentence; None where it can.
    """

    folder: Path
    requires_python: SpecifierSet = field(default_factory=SpecifierSet)
    tags: frozenset[Tag] = frozenset()
    filename: str = ""
    files: Sequence[File] = ()
    fault: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all its files; 0 where nobody can tell which they are."""
        return sum(file.size for file in self.files)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """One that does not come along.

    Attributes:
        reason: a sentence.
        wheel: where it lies now, packed; None where it could not be.
    """

    extra: Extra
    reason: str
    wheel: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOver:
    """What became of all of them.

    Attributes:
        installed: those that are in the new generation, by name.
        written: paths in the new inventory of the files of those that are installed; they are the
            user's, so they do not belong into it.
        packed: paths in the old inventory of the files of all that are there in another way now.
    """

    installed: tuple[Extra, ...]
    left_out: tuple[LeftOut, ...]
    written: frozenset[str]
    packed: frozenset[str]
