"""Gives the wheels back as files that stock pip and uv install."""

import os
from pathlib import Path
from typing import Any

import tomli_w

from bootstrap.bundle.model import Index, Wheel
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import UnsafeTargetError, reporting
from bootstrap.events import Listener
from bootstrap.files import patiently, remove_file, remove_tree, replace_file
from bootstrap.interrupts import held


def extract_wheelhouse(reader: BundleReader, folder: Path, listener: Listener) -> Path:
    """Write ``<folder>/wheelhouse/*.whl`` and ``<folder>/pylock.toml`` (PEP 751).

    Returns:
        The lock's path.

    Raises:
        UnsafeTargetError: ``folder`` has something in it.
        NoSpaceError: the disk became full; nothing is left.
        NotWritableError: it cannot be written.
        InstallError: the disk does not do what it should; nothing is left.
        DamagedBundleError: a wheel is not what the index says, or volumes are missing;
            nothing is left.
    """
    reader.require_volumes()
    wheelhouse, lock = folder / "wheelhouse", folder / "pylock.toml"
    listener.phase("extract", sum(wheel.size for wheel in reader.index.wheels))
    with reporting("extracting", option="--extract"):
        if folder.exists() and any(folder.iterdir()):
            raise UnsafeTargetError(
                f"{folder} is not empty.", remedy="Give a new or empty folder with --extract."
            )
        wheelhouse.mkdir(parents=True)
        try:
            for wheel in reader.index.wheels:
                listener.working_on(wheel.name)
                _extract(reader, wheel, wheelhouse, listener)
            replace_file(lock, tomli_w.dumps(_pylock(reader.index)).encode())
        except BaseException:
            # Half of it would be of no use, and in the way of the next attempt.
            with held():
                remove_tree(wheelhouse, inside=folder)
            raise
    return lock


def _extract(reader: BundleReader, wheel: Wheel, wheelhouse: Path, listener: Listener) -> None:
    part = wheelhouse / f".{wheel.filename}.part"
    try:
        with part.open("wb") as file:
            # The hash is taken in the same pass in which the bytes are written.
            reader.copy_entry(wheel.entry, file, listener.advance)
            file.flush()
            os.fsync(file.fileno())
        patiently(lambda: part.replace(wheelhouse / wheel.filename), part)
    finally:
        remove_file(part)


def _pylock(index: Index) -> dict[str, Any]:
    packages = [
        {
            "name": wheel.name,
            "version": wheel.version,
            "wheels": [
                {
                    "name": wheel.filename,
                    "path": f"wheelhouse/{wheel.filename}",
                    "size": wheel.size,
                    "hashes": {"sha256": wheel.sha256},
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
