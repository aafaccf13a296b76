"""RECORD (binary distribution format): hashes as its rows have them, and what its paths mean."""

import base64
import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

_MODULES = (".py", ".pyc", ".so", ".pyd")


def row_hash(digest: "hashlib._Hash") -> str:
    """``algorithm=value``, the value in URL-safe base64 without padding."""
    value = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    return f"{digest.name}={value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """A row of ``RECORD``: hash as ``algorithm=value`` (may be empty), size in bytes, if stated."""

    hash: str
    size: int | None


def parse_rows(data: bytes) -> Iterator[tuple[str, RecordRow]]:
    """Path and the rest of every row, in order; several may have one path.

    Raises:
        ValueError: it is not UTF-8, or no table of paths, hashes and sizes.
    """
    rows = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
    try:
        for row in rows:
            if row:
                path, digest, size = row
                yield path, RecordRow(hash=digest, size=_size(size))
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _size(text: str) -> int | None:
    if not text:
        return None
    # int() takes signs, spaces and underscores as well.
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is no size")
    return int(text)


def top_level_module(path: str) -> str | None:
    """The top-level module that a file below ``site-packages`` provides, if any.

    Args:
        path: relative to it, with forward slashes; other places begin with ``..``.
    """
    first, _, rest = path.partition("/")
    if first.endswith(".dist-info") or first == "..":
        return None
    if rest:
        return first if rest.endswith(_MODULES) and first.isidentifier() else None
    stem, dot, _ = first.partition(".")
    return stem if dot and first.endswith(_MODULES) else None
