"""What the builder can say no with; each carries its exit code.

The common ones of both programs are in :mod:`bootstrap.bundle.errors`.
"""

from bootstrap.bundle.errors import (
    BusyError,
    DamagedBundleError,
    ExitCode,
    NoSpaceError,
    NotWritableError,
    RefusedContentError,
    ReportedError,
    UsageError,
)

__all__ = [
    "BusyError",
    "DamagedBundleError",
    "DownloadError",
    "ExitCode",
    "ManifestError",
    "NoSpaceError",
    "NotTrustedError",
    "NotWritableError",
    "RefusedContentError",
    "ReportedError",
    "UnfitHostError",
    "UsageError",
]


class ManifestError(UsageError):
    """A file that people write (manifest, lock, facts) does not hold what it must."""


class NotTrustedError(ReportedError):
    """A source without a hash, or with another than the pinned one."""

    exit_code = ExitCode.NOT_TRUSTED


class UnfitHostError(ReportedError):
    """This machine lacks what building needs."""

    exit_code = ExitCode.UNFIT_MACHINE


class DownloadError(ReportedError):
    """Something that is needed could not be had from its host."""

    exit_code = ExitCode.DOWNLOAD_FAILED
