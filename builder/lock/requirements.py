"""What the manifest asks the resolver for, for one variant on one target."""

import hashlib
import json
from collections.abc import Iterator

from packaging.requirements import Requirement

from bootstrap.bundle.value import Target
from builder.manifest import Manifest


def requirements(manifest: Manifest, variant: str, target: Target) -> Iterator[Requirement]:
    """Every package of the manifest, pinned where the variant pins it."""
    pins = manifest.variant_target(variant, target).pins
    for group in manifest.groups:
        for package in group.packages:
            pin = pins.get(package.name)
            yield Requirement(f"{package.name}{f'=={pin}' if pin else package.specifier}")


def digest(manifest: Manifest, variant: str, target: Target) -> str:
    """SHA-256, hexadecimal, over all that decides what a resolution may give."""
    settings = manifest.variant_target(variant, target)
    asked: dict[str, object] = {
        "python": manifest.python,
        "target": target,
        "requirements": sorted(str(r) for r in requirements(manifest, variant, target)),
        "indexes": {
            name: manifest.indexes[index] for name, index in sorted(settings.indexes.items())
        },
    }
    # Only where there is any: locks that were made before there could be stay good.
    if excluded := sorted(manifest.excluded(target)):
        asked["exclude"] = excluded
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
