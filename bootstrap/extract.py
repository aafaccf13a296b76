"""Gives the wheels back as files that stock pip and uv install."""

import hashlib
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tomli_w

from bootstrap.bundle.evidence import FOLDER_NAME as EVIDENCE_NAME
from bootstrap.bundle.model import Index, Wheel
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.wheel import BundleWheel
from bootstrap.crew import Crew
from bootstrap.deflating import write_deflated
from bootstrap.errors import UnsafeTargetError, reporting
from bootstrap.events import Listener
from bootstrap.evidence import take_back, write_evidence
from bootstrap.files import patiently, remove_file, replace_file
from bootstrap.interrupts import held
from bootstrap.medium import threads_for
from bootstrap.stopping import StoppedError, pieces
from bootstrap.storage import bring_to_disk


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A wheel as it lies in the wheelhouse now."""

    size: int
    sha256: str


def extract_wheelhouse(reader: BundleReader, folder: Path, listener: Listener) -> Path:
    """Write ``<folder>/wheelhouse/*.whl``, ``evidence/`` and ``pylock.toml`` (PEP 751).

    What is stored as it was comes back byte for byte. A transcoded wheel comes back deflated:
    the same members and the same RECORD in another file, which ``pylock.toml`` describes.

    Returns:
        The lock's path.

    Raises:
        UnsafeTargetError: ``folder`` has something in it.
        NoSpaceError: the disk became full; nothing is left.
        NotWritableError: it cannot be written.
        InstallError: the disk does not do what it should; nothing is left.
        DamagedBundleError: a wheel is not what the index says, or volumes are missing;
            nothing is left.
        RefusedContentError: a wheel breaks a rule of vetting; nothing is left.
    """
    reader.require_volumes()
    wheelhouse, lock = folder / "wheelhouse", folder / "pylock.toml"
    evidence = folder / EVIDENCE_NAME
    listener.phase("extract", sum(_work(wheel) for wheel in reader.index.wheels))
    with reporting("extracting", option="--extract"):
        if folder.exists() and any(folder.iterdir()):
            raise UnsafeTargetError(
                f"{folder} is not empty.", remedy="Give a new or empty folder with --extract."
            )
        wheelhouse.mkdir(parents=True)
        try:
            written = _extract_all(reader, wheelhouse, listener)
            write_evidence(reader, evidence)
            bring_to_disk(wheelhouse)
            bring_to_disk(evidence)
            replace_file(lock, tomli_w.dumps(_pylock(reader.index, written)).encode())
        except BaseException:
            # Half of it would be of no use, and in the way of the next attempt.
            with held():
                _take_back(reader.index, wheelhouse)
                take_back(reader.index, evidence)
            raise
    return lock


def _take_back(index: Index, wheelhouse: Path) -> None:
    """Delete the wheels by their names: no mark says that the folder is ours to delete."""
    for wheel in index.wheels:
        remove_file(wheelhouse / wheel.filename)
    # What somebody else has put there stays.
    with suppress(OSError):
        wheelhouse.rmdir()


def _work(wheel: Wheel) -> int:
    return wheel.size if wheel.is_original else wheel.installed_size


def _extract_all(reader: BundleReader, wheelhouse: Path, listener: Listener) -> dict[str, _Written]:
    """All wheels, several at a time, by their file names."""
    written = dict[str, _Written]()

    def advance(count: int) -> None:
        if crew.stop.is_set():
            raise StoppedError
        listener.advance(count)

    def extract(wheel: Wheel) -> None:
        with (
            reader.blaming(wheel.entry, unless=crew.stop.is_set),
            reporting(f"extracting {wheel.filename}", option="--extract"),
        ):
            written[wheel.filename] = _extract(reader, wheel, wheelhouse, advance, crew.stop)

    wheels = sorted(reader.index.wheels, key=lambda wheel: wheel.entry.offset)
    crew = Crew(threads_for(reader), (partial(extract, wheel) for wheel in wheels))
    crew.work(lambda: None)
    return written


def _extract(
    reader: BundleReader,
    wheel: Wheel,
    wheelhouse: Path,
    advance: Callable[[int], None],
    stop: threading.Event,
) -> _Written:
    part = wheelhouse / f".{wheel.filename}.part"
    try:
        with part.open("wb") as file:
            # Everything is checked in the same pass in which the bytes are written.
            if wheel.is_original:
                with BundleWheel(reader, wheel):
                    # Nothing is given to pip that would not be installed here.
                    pass
                reader.copy_entry(wheel.entry, file, advance)
            else:
                write_deflated(reader, wheel, file, advance)
        written = _describe(wheel, part, stop)
        patiently(lambda: part.replace(wheelhouse / wheel.filename), part)
    finally:
        remove_file(part)
    return written


def _describe(wheel: Wheel, path: Path, stop: threading.Event) -> _Written:
    if wheel.is_original:
        return _Written(size=wheel.size, sha256=wheel.sha256)
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        for piece in pieces(file, stop):
            digest.update(piece)
        return _Written(size=file.tell(), sha256=digest.hexdigest())


def _pylock(index: Index, written: Mapping[str, _Written]) -> dict[str, Any]:
    packages = [
        {
            "name": wheel.name,
            "version": wheel.version,
            "wheels": [
                {
                    "name": wheel.filename,
                    "path": f"wheelhouse/{wheel.filename}",
                    "size": written[wheel.filename].size,
                    "hashes": {"sha256": written[wheel.filename].sha256},
                }
            ],
        }
        for wheel in sorted(index.wheels, key=lambda wheel: wheel.name)
    ]
    return {
        "lock-version": "1.0",
        "created-by": index.created_by,
        "requires-python": f">={index.python}",
        "packages": packages,
    }
