"""Allowances of a manifest that are of no use any more."""

from pathlib import Path

from bootstrap.bundle.policy import Allowance
from builder.lock.model import load_lock, lock_path
from builder.manifest import Manifest


def idle_allowances(manifest: Manifest, path: Path) -> list[Allowance]:
    """Those whose wheel is in no lock of the manifest, whatever variant and target.

    Args:
        manifest: with the allowances.
        path: where it lies; its locks lie beside it, as far as they were made.

    Raises:
        ManifestError: one of the locks is not valid.
        NotTrustedError: a lock has no SHA-256 for a wheel.
    """
    if not manifest.allowances:
        return []
    locks = [
        lock_path(path, name, target)
        for name, variant in manifest.variants.items()
        for target in variant.targets
    ]
    locked = {
        (wheel.filename, wheel.sha256)
        for lock in locks
        if lock.exists()
        for wheel in load_lock(lock).wheels
    }
    return [a for a in manifest.allowances if (a.filename, a.sha256) not in locked]
