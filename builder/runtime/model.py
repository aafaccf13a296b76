"""The runtime: a folder at first, then ready to be packed into a bundle."""

from dataclasses import dataclass
from pathlib import Path

from bootstrap.bundle.model import RuntimeSource


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeTree:
    """A relocatable CPython in a folder.

    Attributes:
        folder: with ``bin/…`` and ``lib/…`` (Windows: ``python.exe`` …) in it.
        version: full Python version, such as ``3.11.7``.
        build: what exactly was taken: release of the build, or the host's own.
        executable: the interpreter's path inside, with forward slashes.
    """

    folder: Path
    source: RuntimeSource
    version: str
    build: str
    executable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRuntime:
    """A relocatable CPython in an uncompressed tar archive.

    Attributes:
        archive: with ``bin/…`` and ``lib/…`` (Windows: ``python.exe`` …) at its top.
        version: full Python version, such as ``3.11.7``.
        build: what exactly was taken: release of the build, or the host's own.
        executable: the interpreter's path inside the archive.
        minimum_glibc: ``major.minor``; None where there is no glibc (Windows).
        installed_size: bytes of its files, unpacked.
        file_count: number of its members.
        warning: what a release engineer, and whoever installs, should know; None is nothing.
    """

    archive: Path
    source: RuntimeSource
    version: str
    build: str
    executable: str
    minimum_glibc: str | None
    installed_size: int
    file_count: int
    warning: str | None
