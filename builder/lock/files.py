"""The files of a lock, as they are fetched."""

from builder.fetch import WantedFile
from builder.lock.model import Lock
from builder.manifest import Manifest


def wanted_files(lock: Lock, manifest: Manifest) -> list[WantedFile]:
    """What to fetch for a lock, each from the index that the manifest names for it."""
    indexes = manifest.variant_target(lock.variant, lock.target).indexes
    return [
        WantedFile(
            project=wheel.name,
            filename=wheel.filename,
            sha256=wheel.sha256,
            size=wheel.size,
            index_name=indexes.get(wheel.name),
            index=manifest.indexes[indexes[wheel.name]] if wheel.name in indexes else None,
        )
        for wheel in lock.wheels
    ]
