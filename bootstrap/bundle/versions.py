"""Versions in texts that may say anything."""

from packaging.version import InvalidVersion, Version


def read_version(text: str) -> Version | None:
    """The version (PEP 440) that a text is; None if it is none."""
    try:
        return Version(text)
    except InvalidVersion:
        return None
