"""What indexes have of attestations (PEP 740) when a lock is made."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from builder.fetch import WantedFile, attestation_digests
from builder.lock.files import wanted_files
from builder.lock.model import Lock
from builder.manifest import Manifest
from builder.progress import Progress


def add_attestations(
    lock: Lock,
    manifest: Manifest,
    progress: Progress,
    ask: Callable[[Iterable[WantedFile], Progress], dict[str, str]] = attestation_digests,
) -> Lock:
    """The same lock, with the hash of the provenance document of each wheel that has one.

    A wheel whose index was not asked for its hash either is left alone.

    Args:
        lock: fresh.
        manifest: names the indexes.
        progress: hears of what could not be asked.
        ask: gives SHA-256 of such documents by that of the files.

    Raises:
        RefusedContentError: an index names files by paths.
    """
    asked = tuple(wheel for wheel in lock.wheels if wheel.publishers is None)
    digests = ask(wanted_files(replace(lock, wheels=asked), manifest), progress)
    wheels = (replace(wheel, attestation=digests.get(wheel.sha256)) for wheel in lock.wheels)
    return replace(lock, wheels=tuple(wheels))
