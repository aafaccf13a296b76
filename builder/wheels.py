"""What a wheel says of itself: read once, without unpacking."""

import configparser
import csv
import hashlib
import io
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from installer.utils import parse_entrypoints
from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, NormalizedName, parse_wheel_filename
from packaging.version import Version

from builder.errors import RefusedContentError

_EXTENSION_SUFFIXES = (".so", ".pyd")
# What zipfile raises for damaged and for unusual archives. OSError: it seeks where it is sent.
UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, struct.error),
)
_REPLACE = "Fetch the wheel again, or lock another version of it."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """One row of a ``RECORD``: hash as ``algorithm=value`` (may be empty), size in bytes."""

    hash: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFacts:
    """A wheel's metadata and file list.

    Attributes:
        path: where the file lies now; its name there may be anything.
        record: file in the wheel to its row.
        record_sha256: hexadecimal digest of the ``RECORD`` itself.
        scripts: name of each script that is made from an entry point, to what it calls.
        installed_size: bytes of all files, uncompressed.
    """

    path: Path
    filename: str
    name: NormalizedName
    version: Version
    tags: frozenset[Tag]
    requires: tuple[Requirement, ...]
    record: Mapping[str, RecordRow]
    record_sha256: str
    scripts: Mapping[str, str]
    installed_size: int

    @property
    def top_level_modules(self) -> frozenset[str]:
        """Names that ``import`` would find in ``site-packages``."""
        return frozenset(name for path in self.installed_paths() if (name := _module(path)))

    def installed_paths(self) -> dict[str, RecordRow]:
        """Files by the path that they get, relative to ``site-packages``.

        Files of a ``.data`` folder keep a prefix that says which scheme they go to, as do
        the scripts that are made from entry points; those have no hash yet.
        """
        paths = {
            f"../scripts/{name}": RecordRow(hash=f"calls={target}", size=0)
            for name, target in self.scripts.items()
        }
        for path, row in self.record.items():
            first, _, rest = path.partition("/")
            if first.endswith(".data"):
                scheme, _, inner = rest.partition("/")
                paths[inner if scheme in ("purelib", "platlib") else f"../{rest}"] = row
            else:
                paths[path] = row
        return paths

    def read(self, member: str) -> bytes:
        """One file out of the wheel.

        Raises:
            KeyError: there is no such file in it.
            RefusedContentError: it cannot be unpacked.
        """
        try:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(member)
        except UNREADABLE as error:
            raise unusable(self.filename, f"{member} cannot be unpacked ({error})") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWheel:
    """What is packed of a wheel: the original, or the same wheel compressed anew.

    Attributes:
        path: where it lies now.
        sha256: of its bytes, to be compared while they are packed.
    """

    path: Path
    sha256: str


def unusable(filename: str, why: object) -> RefusedContentError:
    """The error for a wheel that is intact and of no use."""
    return RefusedContentError(f"{filename} is not a usable wheel: {why}.", remedy=_REPLACE)


def read_wheel(path: Path, filename: str) -> WheelFacts:
    """Read the facts of the wheel at ``path`` whose proper name is ``filename``.

    Raises:
        RefusedContentError: not a wheel, or without usable metadata.
    """
    try:
        name, version, _, tags = parse_wheel_filename(filename)
        with zipfile.ZipFile(path) as archive:
            info = _dist_info(archive)
            record_bytes = archive.read(f"{info}/RECORD")
            scripts = _scripts(archive, f"{info}/entry_points.txt")
            metadata, _ = parse_email(archive.read(f"{info}/METADATA"))
            _require_distinct(archive.namelist())
            members = [member for member in archive.infolist() if not member.is_dir()]
        return WheelFacts(
            path=path,
            filename=filename,
            name=name,
            version=version,
            tags=tags,
            requires=tuple(Requirement(text) for text in metadata.get("requires_dist", ())),
            record=_parse_record(record_bytes),
            record_sha256=hashlib.sha256(record_bytes).hexdigest(),
            scripts=scripts,
            installed_size=sum(member.file_size for member in members),
        )
    except InvalidWheelFilename as error:
        raise RefusedContentError(
            f"{filename} is not a wheel: {error}.", remedy=_REPLACE
        ) from error
    except (*UNREADABLE, KeyError, ValueError, csv.Error) as error:
        raise unusable(filename, error) from error


def _require_distinct(names: list[str]) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice:
        raise ValueError(f"it has {twice} more than once")


def _dist_info(archive: zipfile.ZipFile) -> str:
    folders = {PurePosixPath(name).parts[0] for name in archive.namelist()}
    found = [folder for folder in folders if folder.endswith(".dist-info")]
    if len(found) != 1:
        raise ValueError(f"it has {len(found)} .dist-info folders instead of one")
    return found[0]


def _scripts(archive: zipfile.ZipFile, member: str) -> dict[str, str]:
    if member not in archive.namelist():
        return {}
    try:
        points = list(parse_entrypoints(archive.read(member).decode("utf-8")))
    except (configparser.Error, AssertionError) as error:
        raise ValueError(f"{member} cannot be understood ({error})") from error
    return {name: f"{module}:{attribute}" for name, module, attribute, _ in points}


def _parse_record(data: bytes) -> dict[str, RecordRow]:
    rows = csv.reader(io.StringIO(data.decode("utf-8")))
    return {
        path: RecordRow(hash=digest, size=int(size or 0)) for path, digest, size in rows if path
    }


def _module(path: str) -> str | None:
    """The top-level module that a file of ``site-packages`` provides, if any."""
    first, _, rest = path.partition("/")
    if first.endswith(".dist-info") or first == "..":
        return None
    if rest:
        importable = rest.endswith((".py", ".pyc", *_EXTENSION_SUFFIXES))
        return first if importable and first.isidentifier() else None
    stem, dot, _ = first.partition(".")
    return stem if dot and first.endswith((".py", ".pyc", *_EXTENSION_SUFFIXES)) else None
