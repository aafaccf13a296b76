"""The control: much-used projects, whose wheels must not be refused.

``ordinary.txt`` names each with its version. They are taken from wherever they lie already, and
only what is nowhere is fetched, by pip, if that is wanted.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from bootstrap.bundle.policy import allowance_for
from bootstrap.bundle.vetting.findings import VettingError
from builder.fetch import Cache
from builder.lock.model import load_lock
from builder.manifest import DEFAULT_PATH, load_manifest
from builder.wheels import read_wheel

LIST = Path(__file__).with_name("ordinary.txt")
# What is wrong with them is so for every installer, or should be.
BROKEN = {
    "gmsh": "the hashes in its RECORD are hexadecimal, so they compare with nothing",
}
# So many at a time: one that cannot be had keeps few others back.
_TOGETHER = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdinaryCounts:
    """What became of them.

    Attributes:
        asked: projects with versions, on the list.
        vetted: that could be had.
        refused: file name to what was said, of those that break a rule they should not.
        broken: the same of those in :data:`BROKEN`.
        startup: file name to what runs by itself, of those that need an allowance by design.
    """

    asked: int
    vetted: int
    refused: Mapping[str, str]
    broken: Mapping[str, str]
    startup: Mapping[str, str]


def wanted() -> list[str]:
    """Requirements, ``name==version``."""
    return LIST.read_text(encoding="utf-8").split()


def at_hand(folders: Iterable[Path], cache: Cache | None = None) -> Iterator[tuple[Path, str]]:
    """Wheels that lie somewhere, and the name of each.

    Args:
        folders: with wheels under their own names.
        cache: of the builder; its files are known by the locks.
    """
    for folder in folders:
        for path in sorted(folder.rglob("*.whl")):
            yield path, path.name
    if cache:
        for lock in sorted((DEFAULT_PATH.parent / "locks").glob("pylock.*-linux_*.toml")):
            for wheel in load_lock(lock).wheels:
                path = cache.root / "files" / wheel.sha256
                if path.is_file():
                    yield path, wheel.filename


def fetch(requirements: Iterable[str], folder: Path) -> None:
    """Get wheels with pip, from the index that it is set up for; some may not be had."""
    for asked in _batches(requirements):
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--only-binary", ":all:", "--dest", str(folder)),
                *asked,
            ],
            check=False,
        )


def _batches(requirements: Iterable[str]) -> Iterator[list[str]]:
    """Some at a time, of each project one version: pip gets no two at once."""
    versions: dict[str, list[str]] = {}
    for requirement in sorted(requirements):
        versions.setdefault(requirement.partition("==")[0], []).append(requirement)
    for several in zip_longest(*versions.values()):
        asked = [requirement for requirement in several if requirement]
        for start in range(0, len(asked), _TOGETHER):
            yield asked[start : start + _TOGETHER]


def count_ordinary(
    wheels: Iterable[tuple[Path, str]], requirements: Iterable[str] | None = None
) -> OrdinaryCounts:
    """Vet every wheel that is on the list, each project and version once.

    Args:
        wheels: path and name of each.
        requirements: instead of the whole list.
    """
    asked = set(wanted() if requirements is None else requirements)
    chosen = dict[str, tuple[Path, str]]()
    for path, filename in wheels:
        requirement = _requirement(filename)
        if requirement in asked:
            chosen.setdefault(requirement, (path, filename))
    refused, broken, startup = dict[str, str](), dict[str, str](), dict[str, str]()
    for requirement, (path, filename) in chosen.items():
        try:
            _vet(path, filename)
        except VettingError as error:
            by_design = {finding.rule for finding in error.findings} == {"startup-code"}
            known = requirement.partition("==")[0] in BROKEN
            told = startup if by_design else broken if known else refused
            told[filename] = error.message
    return OrdinaryCounts(
        asked=len(asked), vetted=len(chosen), refused=refused, broken=broken, startup=startup
    )


def _vet(path: Path, filename: str) -> None:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    allowance = allowance_for(filename, sha256, load_manifest().allowances)
    read_wheel(path, filename, depth="contents", allowance=allowance)


def _requirement(filename: str) -> str:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return ""
    return f"{name}=={version}"
