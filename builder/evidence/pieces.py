"""What a bundle consists of, as values: everything that the SBOM and the inventory list."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["wheel", "runtime", "stub", "distribution", "library"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a distribution's METADATA says of its licence.

    Attributes:
        expression: SPDX, from ``License-Expression``.
        license: the field ``License``, if it is a name and no text.
        classifiers: the ends of its ``License ::`` classifiers.
    """

    expression: str | None = None
    license: str | None = None
    classifiers: tuple[str, ...] = ()

    def __str__(self) -> str:
        """All of it for people, where it stands in brackets."""
        said = [(self.expression, "License-Expression"), (self.license, "License")]
        said += [(name, "classifier") for name in self.classifiers]
        return "; ".join(f"{text} ({where})" for text, where in said if text) or "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file that was kept.

    Attributes:
        name: below the evidence, with its folder.
        sha256: hexadecimal.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One thing inside a bundle.

    Attributes:
        ref: names it in the SBOM; unique.
        version: None where nobody knows it.
        sha256: of ``filename``, hexadecimal; None where it is no single file.
        filename: None likewise.
        index: name of the package index that it is from; None where it is from none.
        texts: its licences.
        sboms: those that it brought.
        needs: refs of what it depends on.
        inside: what it consists of.
    """

    ref: str
    kind: Kind
    name: str
    version: str | None = None
    filename: str | None = None
    sha256: str | None = None
    index: str | None = None
    declared: Declared = field(default_factory=Declared)
    texts: tuple[KeptFile, ...] = ()
    sboms: tuple[KeptFile, ...] = ()
    needs: tuple[str, ...] = ()
    inside: tuple["Piece", ...] = ()

    def walk(self) -> Iterator["Piece"]:
        """Itself, and all that is inside."""
        yield self
        for piece in self.inside:
            yield from piece.walk()
