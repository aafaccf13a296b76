"""Hashes as the rows of a wheel's RECORD have them (binary distribution format, "RECORD")."""

import base64
import csv
import hashlib
import io


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
