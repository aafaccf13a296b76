"""What lies in an environment, compared with the RECORD of each distribution."""

import base64
import csv
import hashlib
from pathlib import Path


def mismatches(site_packages: Path) -> tuple[list[str], int]:
    """Files that are missing or differ from their row in RECORD, and how many were compared."""
    wrong, compared = list[str](), 0
    for record in sorted(site_packages.glob("*.dist-info/RECORD")):
        with record.open(encoding="utf-8", newline="") as file:
            for path, expected, _ in csv.reader(file):
                if not expected:
                    continue
                compared += 1
                algorithm, _, value = expected.partition("=")
                if _hash(site_packages / path, algorithm) != value:
                    wrong.append(path)
    return wrong, compared


def _hash(path: Path, algorithm: str) -> str | None:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, algorithm).digest()
    except FileNotFoundError:
        return None
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
