"""Licence texts and SBOMs out of distributions, each kept once.

Sources: the core metadata specification (License-Expression, License-File), PEP 639
(``licenses/``), PEP 770 (``sboms/``).
"""

import hashlib
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.metadata import parse_email

from bootstrap.bundle.evidence import LICENSES, SBOMS
from builder.evidence.pieces import Declared, KeptFile

_LEGAL = re.compile(
    r"(un)?licen[cs]e|copying|notice|copyright|authors|eula|third.?party", re.IGNORECASE
)
# A module may be called license.py.
_CODE = frozenset({".py", ".pyi", ".pyc", ".pyd", ".so", ".dll", ".js", ".map", ".h", ".ui"})
_FOLDERS = ("licenses", "license_files")
# What is longer, or has lines, is no name of a licence but its text.
_LONGEST_NAME = 120
_CLASSIFIER = "License :: "
_DIGITS = 12
_LONGEST_BASE = 60


def is_legal(path: str) -> bool:
    """Whether a file's name says that it is about rights."""
    base = path.rpartition("/")[2]
    return bool(_LEGAL.match(base)) and Path(base).suffix.lower() not in _CODE


class TextFolder:
    """The folders ``licenses`` and ``sboms`` below one of evidence.

    Args:
        folder: that of the evidence; it must exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = dict[tuple[str, str], str]()
        for name in (LICENSES, SBOMS):
            (folder / name).mkdir()

    def keep(self, kind: str, owner: str, path: str, data: bytes) -> KeptFile:
        """Keep a file; one with the same content keeps the name that it got first.

        Args:
            kind: the folder.
            owner: name of the distribution, normalized.
            path: where it has it.
            data: its content.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        name = self._names.get((kind, sha256))
        if name is None:
            base = re.sub(r"[^A-Za-z0-9.+-]+", "_", path.rpartition("/")[2])[-_LONGEST_BASE:]
            name = f"{kind}/{owner}-{sha256[:_DIGITS]}-{base.strip('._+-') or 'text'}"
            self._names[kind, sha256] = name
            (self._folder / name).write_bytes(data)
        return KeptFile(name=name, sha256=sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a distribution says of its rights, and has of files about them."""

    declared: Declared
    texts: tuple[KeptFile, ...]
    sboms: tuple[KeptFile, ...]


def search(archive: zipfile.ZipFile, info: str, owner: str, kept: TextFolder) -> Findings:
    """Look through a distribution in a zip archive.

    Args:
        archive: it.
        info: its ``.dist-info``, or a path that ends with one.
        owner: its name, normalized.
        kept: keeps what is found.

    Raises:
        KeyError: it has no METADATA.
        BadZipFile: a file cannot be unpacked.
    """
    metadata, _ = parse_email(archive.read(f"{info}/METADATA"))
    files = metadata.get("license_files", [])
    named = {f"{info}/{folder}{file}" for file in files for folder in ("", *_slashed(_FOLDERS))}
    said = (metadata.get("license") or "").strip()
    is_name = len(said) <= _LONGEST_NAME and "\n" not in said
    texts = [
        kept.keep(LICENSES, owner, path, archive.read(path))
        for path in sorted(archive.namelist())
        if path in named or _is_text(path, info)
    ]
    if not is_name:
        texts.append(kept.keep(LICENSES, owner, "License-field.txt", said.encode()))
    sboms = [
        kept.keep(SBOMS, owner, path, archive.read(path))
        for path in sorted(archive.namelist())
        if path.startswith(f"{info}/sboms/") and not path.endswith("/")
    ]
    declared = Declared(
        expression=metadata.get("license_expression"),
        license=said if said and is_name and said != "UNKNOWN" else None,
        classifiers=tuple(_classified(metadata.get("classifiers", []))),
    )
    return Findings(
        declared=declared, texts=tuple(dict.fromkeys(texts)), sboms=tuple(dict.fromkeys(sboms))
    )


def _slashed(folders: tuple[str, ...]) -> Iterator[str]:
    return (f"{folder}/" for folder in folders)


def _is_text(path: str, info: str) -> bool:
    if path.endswith("/"):
        return False
    if path.startswith(f"{info}/"):
        inner = path.removeprefix(f"{info}/")
        return inner.startswith(tuple(_slashed(_FOLDERS))) or ("/" not in inner and is_legal(inner))
    # At the top, or of a top-level package; deeper ones belong to what it has swallowed.
    return ".dist-info/" not in path and path.count("/") <= 1 and is_legal(path)


def _classified(classifiers: list[str]) -> Iterator[str]:
    for classifier in classifiers:
        if classifier.startswith(_CLASSIFIER):
            name = classifier.rpartition(" :: ")[2]
            if name != "OSI Approved":
                yield name
