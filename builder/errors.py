"""What the builder can say no with; each carries its exit code.

The common ones of both programs are in :mod:`bootstrap.bundle.errors`.
"""

from bootstrap.bundle.errors import (
    DamagedBundleError,
    ExitCode,
    NoSpaceError,
    RefusedContentError,
    ReportedError,
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


class UsageError(ReportedError):
    """The command line asks for something that is not there."""

    exit_code = ExitCode.USAGE


class ManifestError(UsageError):
    """A file that people write (manifest, lock, facts) does not hold what it must."""


class NotTrustedError(ReportedError):
    """A source without a hash, or with another than the pinned one."""

    exit_code = ExitCode.NOT_TRUSTED


class NotWritableError(ReportedError):
    """The output or cache folder cannot be written."""

    exit_code = ExitCode.NOT_WRITABLE


class UnfitHostError(ReportedError):
    """This machine lacks what building needs."""

    exit_code = ExitCode.UNFIT_MACHINE


class DownloadError(ReportedError):
    """Something that is needed could not be had from its host."""

    exit_code = ExitCode.DOWNLOAD_FAILED


class BusyError(ReportedError):
    """Somebody else works in the same place."""

    exit_code = ExitCode.BUSY
