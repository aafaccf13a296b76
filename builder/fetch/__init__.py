"""Gets files by hash: from the cache, from folders, from their index. Never anything else."""

from builder.fetch.adoption import adopt
from builder.fetch.cache import Cache, default_cache_folder, hash_file, require_intact, sync
from builder.fetch.download import MissingFilesError, fetch, size_at
from builder.fetch.model import WantedFile
from builder.fetch.origins import Origin, attestation_digests, origins
from builder.fetch.transport import HASTY, PATIENT, Patience

__all__ = [
    "HASTY",
    "PATIENT",
    "Cache",
    "MissingFilesError",
    "Origin",
    "Patience",
    "WantedFile",
    "adopt",
    "attestation_digests",
    "default_cache_folder",
    "fetch",
    "hash_file",
    "origins",
    "require_intact",
    "size_at",
    "sync",
]
