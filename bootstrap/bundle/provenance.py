"""Where a bundle comes from, in short; ``evidence/provenance.json`` says it of every package."""

from bootstrap.bundle.value import Value


class Provenance(Value, frozen=True, kw_only=True):
    """What the builder knows of itself and of what it was given.

    Attributes:
        builder: its version.
        revision: the commit of the builder's own checkout; None where it is none.
        dirty: whether that was changed; None where there is no revision.
        built: when, UTC, as RFC 3339: ``SOURCE_DATE_EPOCH``, or else what follows from the
            inputs, never the clock; None where nothing says so.
        manifest_sha256: of the manifest's file, hexadecimal.
        lock_sha256: of the lock's file, hexadecimal.
    """

    builder: str
    revision: str | None
    dirty: bool | None
    built: str | None
    manifest_sha256: str
    lock_sha256: str
