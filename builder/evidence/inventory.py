"""``licenses/INVENTORY.txt``: who declares what, and which texts came along."""

from collections.abc import Iterable, Iterator

from bootstrap.bundle.evidence import LICENSES
from builder.evidence.pieces import Piece

NAME = "INVENTORY.txt"
_HEAD = """\
Licences of everything in this bundle: of each part what its own metadata
declares, and the files beside this one that came with it. Parts that brought
the same text share one file, which bears the name of the first of them.
"""
_SECTIONS = {
    "wheel": "PACKAGES",
    "runtime": "PYTHON",
    "stub": "THE INSTALLER PROGRAM",
}


def inventory(pieces: Iterable[Piece]) -> bytes:
    """The file's content.

    Args:
        pieces: wheels, then runtime and stub; all that is inside is listed with each.
    """
    pieces = list(pieces)
    return "\n".join([_HEAD, *_silent(pieces), *_lines(pieces)]).encode()


def _is_listed(piece: Piece) -> bool:
    # A stub is what is inside it.
    return piece.kind != "stub"


def _listed(piece: Piece) -> list[Piece]:
    return [one for one in piece.walk() if _is_listed(one)]


def unlicensed(pieces: Iterable[Piece]) -> list[str]:
    """Names and versions of the distributions that brought no text at all."""
    return [
        _title(one)
        for piece in pieces
        for one in _listed(piece)
        if one.kind != "library" and not one.texts
    ]


def _silent(pieces: list[Piece]) -> Iterator[str]:
    names = unlicensed(pieces)
    yield "Without any text: " + (", ".join(names) or "none")
    if any(one.kind == "library" for piece in pieces for one in piece.walk()):
        yield "Shared libraries of the Python's own are listed by name; their terms are not known."
    yield ""


def _lines(pieces: list[Piece]) -> Iterator[str]:
    section = None
    for piece in pieces:
        if piece.kind != section:
            section = piece.kind
            yield f"{_SECTIONS[section]}\n"
        for one in _listed(piece):
            yield from _entry(one)


def _title(piece: Piece) -> str:
    return f"{piece.name} {piece.version}" if piece.version else piece.name


def _entry(piece: Piece) -> Iterator[str]:
    yield _title(piece)
    if piece.kind == "library":
        yield "    declares  nothing; a shared library"
    else:
        yield f"    declares  {piece.declared}"
        names = [text.name.removeprefix(f"{LICENSES}/") for text in piece.texts]
        yield from (f"    text      {name}" for name in names or ["none came along"])
    yield ""
