"""What a bundle brings to be checked by others: SBOM, licences, provenance."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from bootstrap.bundle.model import Entry
from bootstrap.bundle.units import human_size
from bootstrap.bundle.vetting.names import judge_name

FOLDER_NAME = "evidence"
SBOM_NAME = "sbom.cdx.json"
PROVENANCE_NAME = "provenance.json"
LICENSES = "licenses"
SBOMS = "sboms"
# Plain names, at most one folder deep.
_PATH = re.compile(rf"{FOLDER_NAME}/(?:[a-z]+/)?[A-Za-z0-9](?:[A-Za-z0-9._+-]*[A-Za-z0-9])?")


def is_evidence(name: str) -> bool:
    """Whether a member of a bundle may have this name and be evidence.

    Every file system takes such names, and none is a device's.
    """
    return _PATH.fullmatch(name) is not None and not any(judge_name(name))


def is_inner(path: str) -> bool:
    """Whether a path is one that evidence has below its folder."""
    return is_evidence(f"{FOLDER_NAME}/{path}")


def inner_path(entry: Entry) -> PurePosixPath:
    """Where a member of the evidence lies below its folder."""
    return PurePosixPath(entry.name.removeprefix(f"{FOLDER_NAME}/"))


def describe_evidence(entries: Iterable[Entry]) -> str:
    """One line: what there is."""
    size, counts = 0, dict.fromkeys((LICENSES, SBOMS), 0)
    single = []
    for entry in entries:
        size += entry.size
        folder, _, name = entry.name.removeprefix(f"{FOLDER_NAME}/").rpartition("/")
        if folder in counts:
            counts[folder] += 1
        else:
            single.append(name)
    parts = [*single, f"{counts[LICENSES]} files of licences"]
    if counts[SBOMS]:
        parts.append(f"{counts[SBOMS]} SBOMs of wheels")
    return f"{', '.join(parts)}; {human_size(size)}"
