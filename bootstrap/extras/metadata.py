"""What a distribution says of itself in its ``.dist-info``; rubbish is told, and harms nobody."""

import configparser
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from installer.utils import parse_entrypoints
from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, parse_tag
from packaging.utils import NormalizedName, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from bootstrap.extras.model import CannotCarryError

# Whatever is larger is no metadata; a RECORD has some 100 bytes for each file.
_LARGEST = 4 << 20
LARGEST_RECORD = 64 << 20
# They become part of a file's name.
_NAME = re.compile(r"(?![. ]*\Z)[^/\\:\0]+")
_TAG = re.compile(r"[a-z0-9_]+-[a-z0-9_]+-[a-z0-9_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What ``METADATA`` says."""

    name: NormalizedName
    version: Version
    requires: tuple[Requirement, ...]
    requires_python: SpecifierSet


class _DirectoryInfo(msgspec.Struct, frozen=True):
    editable: bool = False


class _DirectUrl(msgspec.Struct, frozen=True):
    """``direct_url.json`` (Recording the Direct URL Origin of installed distributions)."""

    url: str
    dir_info: _DirectoryInfo = _DirectoryInfo()


def read_bytes(path: Path, largest: int = _LARGEST) -> bytes:
    """A small file.

    Raises:
        CannotCarryError: there is none, or none of that kind.
    """
    try:
        status = path.lstat()
        # Opening a pipe would wait for ever, and a link may lead anywhere.
        if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
            raise CannotCarryError(f"Its {path.name} is no file, or too large.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CannotCarryError(f"It has no {path.name}.") from error
    except OSError as error:
        raise CannotCarryError(f"Its {path.name} cannot be read ({_why(error)}).") from error


def read_text(path: Path, largest: int = _LARGEST) -> str:
    """A small file of text in UTF-8.

    Raises:
        CannotCarryError: there is none, or none of that kind.
    """
    try:
        return read_bytes(path, largest).decode("utf-8")
    except ValueError as error:
        raise CannotCarryError(f"Its {path.name} is not in UTF-8.") from error


def read_about(folder: Path) -> About:
    """Read ``METADATA``.

    Raises:
        CannotCarryError: it is not there or cannot be understood.
    """
    # Older ones need not be UTF-8.
    raw, _ = parse_email(read_bytes(folder / "METADATA"))
    try:
        return About(
            name=canonicalize_name(raw["name"], validate=True),
            version=Version(raw["version"]),
            requires=tuple(map(Requirement, raw.get("requires_dist", ()))),
            requires_python=SpecifierSet(raw.get("requires_python", "")),
        )
    except (KeyError, ValueError) as error:
        raise CannotCarryError(f"Its METADATA cannot be understood ({_why(error)}).") from error


def require_not_editable(folder: Path) -> None:
    """See that its files lie here, and not in somebody's working folder.

    Raises:
        CannotCarryError: names the folder.
    """
    path = folder / "direct_url.json"
    if not os.path.lexists(path):
        return
    try:
        origin = msgspec.json.decode(read_bytes(path), type=_DirectUrl)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CannotCarryError(f"Its {path.name} cannot be understood ({_why(error)}).") from error
    if origin.dir_info.editable:
        raise CannotCarryError(
            f"It is an editable installation of {origin.url}: install it again from there."
        )


def read_tags(folder: Path) -> frozenset[Tag]:
    """Read from ``WHEEL`` what it was built for.

    Raises:
        CannotCarryError: it does not tell.
    """
    _, fields = parse_email(read_text(folder / "WHEEL"))
    try:
        tags = frozenset[Tag]().union(*(parse_tag(text) for text in fields.get("tag", ())))
    except ValueError as error:
        raise CannotCarryError(f"Its WHEEL cannot be understood ({_why(error)}).") from error
    version = fields.get("wheel-version", [""])[0]
    if not version.startswith("1.") or not all(map(_TAG.fullmatch, map(str, tags))):
        raise CannotCarryError("Its WHEEL is of an unknown kind.")
    return tags


def wheel_filename(folder: Path, about: About, tags: Iterable[Tag]) -> str:
    """What a wheel of it is called.

    Args:
        folder: its ``.dist-info``.
        about: its metadata.
        tags: what it was built for.

    Raises:
        CannotCarryError: the folder does not belong to the metadata, or there are no tags.
    """
    parts = zip(*((tag.interpreter, tag.abi, tag.platform) for tag in tags), strict=True)
    tag = "-".join(".".join(sorted(set(part))) for part in parts)
    filename = f"{folder.name.removesuffix('.dist-info')}-{tag}.whl"
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except ValueError as error:
        raise CannotCarryError(f"No wheel can be called {filename}.") from error
    if (name, version) != (about.name, about.version):
        raise CannotCarryError(f"Its METADATA speaks of {about.name} {about.version}.")
    return filename


def read_scripts(folder: Path) -> Sequence[str]:
    """Names of the scripts that installing makes of its entry points.

    Raises:
        CannotCarryError: they cannot be understood, or would lie elsewhere than scripts do.
    """
    path = folder / "entry_points.txt"
    if not os.path.lexists(path):
        return ()
    text = read_text(path)
    try:
        names = [name for name, *_ in parse_entrypoints(text)]
    except (configparser.Error, AssertionError, ValueError) as error:
        raise CannotCarryError(f"Its {path.name} cannot be understood ({_why(error)}).") from error
    for name in names:
        if not (_NAME.fullmatch(name) and name.isprintable()):
            raise CannotCarryError(f"It has a script called {name!r}, which is no file's name.")
    if len(set(map(os.path.normcase, names))) < len(names):
        raise CannotCarryError("It has two scripts of the same name.")
    return names


def _why(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split()).rstrip(".")
