"""Where a bundle comes from: who built it, from what, and when."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bootstrap.bundle.provenance import Provenance
from builder import __version__
from builder.evidence.pieces import Piece
from builder.evidence.revision import Revision
from builder.lock.model import Lock, LockedWheel
from builder.today import stated_time

# pip's own, whatever it is configured to be; the others are named by the manifest.
DEFAULT_INDEX = "pypi"


def state_provenance(
    lock: Lock,
    manifest: Path,
    revision: Revision | None,
    environment: Mapping[str, str] = os.environ,
) -> Provenance:
    """The short form, for the index.

    Raises:
        UsageError: ``SOURCE_DATE_EPOCH`` is no number of seconds.
    """
    built = build_time(lock.wheels, revision, environment)
    return Provenance(
        builder=__version__,
        revision=revision.commit if revision else None,
        dirty=revision.dirty if revision else None,
        built=timestamp(built) if built else None,
        manifest_sha256=_sha256(manifest),
        lock_sha256=_sha256(lock.path),
    )


def build_time(
    wheels: Iterable[LockedWheel], revision: Revision | None, environment: Mapping[str, str]
) -> datetime | None:
    """When it was built, as far as that may be said: never by the clock.

    The same inputs must give the same bytes. So it is what ``SOURCE_DATE_EPOCH`` says, or the
    time of the builder's commit if that is unchanged, or when the newest of the wheels was
    uploaded; before that nothing can have been built.

    Raises:
        UsageError: ``SOURCE_DATE_EPOCH`` is no number of seconds.
    """
    if stated := stated_time(environment):
        return stated
    if revision and not revision.dirty:
        return revision.time
    return max((wheel.uploaded for wheel in wheels if wheel.uploaded), default=None)


def timestamp(time: datetime) -> str:
    """RFC 3339, UTC, whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def encode_provenance(
    short: Provenance, lock: Lock, indexes: Mapping[str, str], runtime: Piece, stub: Piece
) -> bytes:
    """``provenance.json``: the short form, and where each package is from.

    Args:
        short: what stands in the index.
        lock: the wheels.
        indexes: distribution to name of its index.
        runtime: that goes along.
        stub: likewise.
    """
    document = {
        "builder": {
            "name": "llmsetup",
            "version": short.builder,
            "revision": short.revision,
            "dirty": short.dirty,
        },
        "built": short.built,
        "variant": lock.variant,
        "target": lock.target,
        "manifest": {"sha256": short.manifest_sha256},
        "lock": {"name": lock.path.name, "sha256": short.lock_sha256},
        "runtime": {
            "version": runtime.version,
            "build": runtime.filename,
            "sha256": runtime.sha256,
        },
        "installer-program": {"version": stub.version, "sha256": stub.sha256},
        "packages": [_package(wheel, indexes[wheel.name]) for wheel in lock.wheels],
    }
    return (json.dumps(document, indent=2) + "\n").encode()


def _package(wheel: LockedWheel, index: str) -> dict[str, Any]:
    return {
        "name": wheel.name,
        "version": str(wheel.version),
        "filename": wheel.filename,
        "sha256": wheel.sha256,
        "index": index,
        "hash-publishers": wheel.publishers,
        "uploaded": timestamp(wheel.uploaded) if wheel.uploaded else None,
        # Of the provenance document (PEP 740) that the index had when it was locked; nothing in
        # that was verified.
        "attestation-sha256": wheel.attestation,
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
