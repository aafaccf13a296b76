"""Whether a lock still answers the manifest. Needs no network."""

from collections.abc import Iterator

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from builder.errors import ManifestError, RefusedContentError
from builder.facts import CudaFacts
from builder.lock.model import Lock, its_manifest
from builder.lock.requirements import digest, requirements
from builder.manifest import Manifest

_TRIO = ("torch", "torchvision", "torchaudio")


def require_answering(lock: Lock, manifest: Manifest, facts: CudaFacts) -> None:
    """Refuse a lock that was made for another manifest.

    Raises:
        ManifestError: names every reason.
    """
    faults = check_lock(lock, manifest, facts)
    if faults:
        raise ManifestError(
            f"{lock.path} does not answer the manifest: {'; '.join(faults)}.",
            remedy=f"Run python -m builder lock --cuda {lock.variant} --target {lock.target}"
            f"{its_manifest(lock.path)}.",
        )


def require_trio(lock: Lock, facts: CudaFacts) -> None:
    """Refuse torch and companions that were not built for each other.

    Raises:
        RefusedContentError: names the versions.
    """
    faults = list(_unmatched(lock, facts))
    if faults:
        raise RefusedContentError(
            f"{lock.path.name} is not written: {'; '.join(faults)}.",
            remedy="Pin versions that do, or add them to trios once you have seen them work.",
        )


def thin_evidence(lock: Lock) -> str | None:
    """A sentence on hashes that one publisher alone vouches for; None where there are none."""
    thin = [wheel.name for wheel in lock.wheels if wheel.publishers == 1]
    if not thin:
        return None
    return (
        f"{lock.path.name}: only one source has published the hash of {', '.join(thin)}. Should "
        "it be wrong, the file is refused."
    )


def check_lock(lock: Lock, manifest: Manifest, facts: CudaFacts) -> list[str]:
    """Every reason why the lock must be made anew; empty when it answers."""
    faults = []
    if lock.requirements_sha256 != digest(manifest, lock.variant, lock.target):
        faults.append("the manifest asks for something else than when it was locked")
    return [
        *faults,
        *_unanswered(lock, manifest),
        *_excluded_otherwise(lock, manifest),
        *_unmatched(lock, facts),
    ]


def _unanswered(lock: Lock, manifest: Manifest) -> Iterator[str]:
    locked = {wheel.name: wheel.version for wheel in lock.wheels}
    for requirement in requirements(manifest, lock.variant, lock.target):
        version = locked.get(canonicalize_name(requirement.name))
        if version is None:
            yield f"{requirement.name} is not locked"
        elif not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement} is wanted, {version} is locked"


def _excluded_otherwise(lock: Lock, manifest: Manifest) -> Iterator[str]:
    """What only one of the two leaves out; the digest says that much, but not what."""
    ours, theirs = set(lock.excluded), set(manifest.excluded(lock.target))
    for name in sorted(theirs - ours):
        yield f"the manifest leaves {name} out, the lock does not"
    for name in sorted(ours - theirs):
        yield f"the lock leaves {name} out, the manifest does not"


def _unmatched(lock: Lock, facts: CudaFacts) -> Iterator[str]:
    """Torch and companions that were not built for each other; resolvers do not guard it."""
    locked = {wheel.name: Version(wheel.version.public) for wheel in lock.wheels}
    have = [locked.get(NormalizedName(name)) for name in _TRIO]
    if have[0] is None or have[1:] == [None, None]:
        return
    for trio in facts.trios:
        built = [Version(getattr(trio, name)) for name in _TRIO]
        if all(mine in (None, theirs) for mine, theirs in zip(have, built, strict=True)):
            return
    present = ", ".join(
        f"{name} {version}" for name, version in zip(_TRIO, have, strict=True) if version
    )
    yield f"no entry of trios in metadata/cuda.json says that {present} belong together"
