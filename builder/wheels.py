"""What a wheel says of itself: read once, without unpacking."""

import configparser
import csv
import hashlib
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from installer.utils import parse_entrypoints
from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, NormalizedName, parse_wheel_filename
from packaging.version import Version

from bootstrap.bundle import zips
from builder.errors import RefusedContentError
from builder.footprint import Footprint, RecordRow, installed_paths, measure, parse_rows

# Originals are read by Python's own module, whose error of this name is another one.
UNREADABLE = (zipfile.BadZipFile, *zips.UNREADABLE)
_REPLACE = "Fetch the wheel again, or lock another version of it."


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFacts:
    """A wheel's metadata, and what its files come to.

    Attributes:
        path: where the file lies now; its name there may be anything.
        record_path: of its ``RECORD``, in the wheel.
        record_sha256: hexadecimal digest of the ``RECORD`` itself.
        scripts: name of each script that is made from an entry point, to what it calls.
        installed_size: bytes of all files, uncompressed.
        footprint: what they will take.
    """

    path: Path
    filename: str
    name: NormalizedName
    version: Version
    tags: frozenset[Tag]
    requires: tuple[Requirement, ...]
    record_path: str
    record_sha256: str
    scripts: Mapping[str, str]
    installed_size: int
    footprint: Footprint

    def read_installed_paths(self) -> dict[str, RecordRow]:
        """Its files by the path that they get (:func:`builder.footprint.installed_paths`).

        Raises:
            RefusedContentError: the wheel is not what it was.
        """
        try:
            record = self.read(self.record_path)
        except KeyError as error:
            raise unusable(self.filename, error) from error
        if hashlib.sha256(record).hexdigest() != self.record_sha256:
            raise unusable(self.filename, "its RECORD has changed since it was read")
        return installed_paths(parse_rows(record), self.scripts)

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
            record = archive.read(f"{info}/RECORD")
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
            record_path=f"{info}/RECORD",
            record_sha256=hashlib.sha256(record).hexdigest(),
            scripts=scripts,
            installed_size=sum(member.file_size for member in members),
            footprint=measure(parse_rows(record), scripts),
        )
    except InvalidWheelFilename as error:
        raise RefusedContentError(
            f"{filename} is not a wheel: {error}.", remedy=_REPLACE
        ) from error
    except (*UNREADABLE, KeyError, csv.Error) as error:
        raise unusable(filename, error) from error


def _require_distinct(names: list[str]) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice:
        raise ValueError(f"it has {twice} more than once")


def _dist_info(archive: zipfile.ZipFile) -> str:
    folders = {name.partition("/")[0] for name in archive.namelist()}
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
