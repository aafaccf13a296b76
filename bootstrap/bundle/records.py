"""RECORD (binary distribution format): hashes as its rows have them, and what its paths mean."""

import base64
import csv
import hashlib
import io

_MODULES = (".py", ".pyc", ".so", ".pyd")


def row_hash(digest: "hashlib._Hash") -> str:
    """``algorithm=value``, the value in URL-safe base64 without padding."""
    value = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    return f"{digest.name}={value}"


def parse_record(data: bytes) -> dict[str, str]:
    """Path to ``algorithm=value``, empty where a row has none.

    Raises:
        ValueError: it is not UTF-8, or no table of at least paths and hashes.
    """
    rows = csv.reader(io.StringIO(data.decode("utf-8")))
    try:
        return {row[0]: row[1] for row in rows if row}
    except (csv.Error, IndexError) as error:
        raise ValueError(str(error)) from error


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
