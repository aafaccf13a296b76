"""Finds what somebody has added. It runs in every plan: quickly, and whatever lies there."""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from bootstrap import inventory
from bootstrap.bundle.versions import read_version
from bootstrap.extras.files import list_files
from bootstrap.extras.metadata import (
    read_about,
    read_scripts,
    read_tags,
    require_not_editable,
    wheel_filename,
)
from bootstrap.extras.model import CannotCarryError, Extra
from bootstrap.generation import Generation

# Others, such as the "~name-1.0.dist-info" of a removal that was cut off, are nobody's.
_ENTRY = re.compile(
    r"(?P<name>[a-z0-9](?:[a-z0-9._]*[a-z0-9])?)(?:-(?P<version>[^-]+).*)?"
    r"\.(?P<kind>dist-info|egg-info|egg-link)",
    re.IGNORECASE | re.ASCII,
)
_UNKNOWN = Version("0+unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """Something in ``site-packages`` that a distribution is known by."""

    path: Path
    kind: str
    is_folder: bool
    name: NormalizedName
    version: Version


def find_extras(live: Generation, bundled: Collection[str]) -> tuple[Extra, ...]:
    """Distributions that lie in a generation and do not come from its bundle. Reads only.

    Args:
        live: the generation.
        bundled: names of its bundle's wheels. Another version of one of them is drift, and
            nothing that somebody has added.

    Returns:
        By name. What cannot be packed is among them, and says why.
    """
    ours = set(map(canonicalize_name, bundled))
    entries = [entry for entry in _entries(live.site_packages) if entry.name not in ours]
    if not entries:
        return ()
    sealed = _sealed(live, {entry.path.name for entry in entries})
    extras = [_inspect(live, entry) for entry in entries if entry.path.name not in sealed]
    return tuple(_told_apart(extra for extra in extras if extra.name not in ours))


def _entries(site_packages: Path) -> Iterator[_Entry]:
    try:
        with os.scandir(site_packages) as found:
            entries = list(found)
    except OSError:
        return
    for entry in entries:
        if match := _ENTRY.fullmatch(entry.name):
            with suppress(OSError):
                yield _Entry(
                    path=site_packages / entry.name,
                    kind=match["kind"].lower(),
                    is_folder=entry.is_dir(follow_symlinks=False),
                    name=canonicalize_name(match["name"]),
                    version=read_version(match["version"] or "") or _UNKNOWN,
                )


def _sealed(live: Generation, names: set[str]) -> set[str]:
    """Those of the folders in ``site-packages`` that are in the inventory."""
    prefix = f"venv/{live.site_packages.relative_to(live.venv).as_posix()}/"
    found = set[str]()
    # Who installs over a damaged inventory hears of that elsewhere.
    with suppress(OSError, ValueError):
        for item in inventory.read(live.inventory):
            if item.path.startswith(prefix):
                found.add(item.path[len(prefix) :].partition("/")[0])
    return found & names


def _inspect(live: Generation, entry: _Entry) -> Extra:
    extra = Extra(name=entry.name, version=entry.version, folder=entry.path)
    if entry.kind != "dist-info" or not entry.is_folder:
        return replace(extra, fault=f"{entry.path.name} tells nothing of its files.")
    try:
        about = read_about(entry.path)
        extra = replace(
            extra,
            name=about.name,
            version=about.version,
            requires=about.requires,
            requires_python=about.requires_python,
        )
        require_not_editable(entry.path)
        tags = read_tags(entry.path)
        filename = wheel_filename(entry.path, about, tags)
        files = list_files(live, entry.path, read_scripts(entry.path))
        return replace(extra, tags=tags, filename=filename, files=files)
    except CannotCarryError as error:
        return replace(extra, fault=str(error))


def _told_apart(extras: Iterable[Extra]) -> Iterator[Extra]:
    """By name; of several of the same nobody can tell which one counts."""
    by_name = dict[NormalizedName, list[Extra]]()
    for extra in sorted(extras, key=lambda extra: (extra.name, extra.folder)):
        by_name.setdefault(extra.name, []).append(extra)
    for same in by_name.values():
        if len(same) == 1:
            yield same[0]
        else:
            folders = " and ".join(extra.folder.name for extra in same)
            fault = f"It is there more than once ({folders})."
            yield from (replace(extra, fault=fault) for extra in same)
