"""What the installer can say no with; each carries its exit code.

The common ones of both programs are in :mod:`bootstrap.bundle.errors`.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

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
from bootstrap.longpaths import plain

__all__ = [
    "DISK_FULL",
    "BusyError",
    "DamagedBundleError",
    "DeclinedError",
    "ExitCode",
    "InstallError",
    "NoSpaceError",
    "NotTrustedError",
    "NotWritableError",
    "RecoveryNeededError",
    "RefusedContentError",
    "ReportedError",
    "StoppedError",
    "UnfitMachineError",
    "UnsafeTargetError",
    "UsageError",
    "VerificationError",
    "reporting",
]

_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)
# Of the disk, or of what the user may take of it.
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL = DISK_FULL | {errno.EFBIG}


class DeclinedError(ReportedError):
    """The user did not want it."""

    exit_code = ExitCode.INTERRUPTED


class UnsafeTargetError(ReportedError):
    """The target is not ours to fill or to clear."""

    exit_code = ExitCode.UNSAFE_TARGET


class NotTrustedError(ReportedError):
    """What would be installed is older than what is there, or not known to be whose it says."""

    exit_code = ExitCode.NOT_TRUSTED


class StoppedError(ReportedError):
    """Somebody has interrupted it, and not everything is as it was."""

    exit_code = ExitCode.INTERRUPTED


class UnfitMachineError(ReportedError):
    """This machine cannot run what the bundle holds."""

    exit_code = ExitCode.UNFIT_MACHINE


class InstallError(ReportedError):
    """Building the new generation failed; the old one is live."""

    exit_code = ExitCode.INSTALL_FAILED


class VerificationError(ReportedError):
    """The environment does not prove to be what it should be."""

    exit_code = ExitCode.VERIFICATION_FAILED


class RecoveryNeededError(ReportedError):
    """What is written down about the target and what lies there do not fit together."""

    exit_code = ExitCode.RECOVERY_NEEDED


@contextmanager
def reporting(doing: str, *, option: str | None = "--target") -> Iterator[None]:
    """Turn what the system says of files into errors for people.

    Args:
        doing: what the body of the context does, such as ``installing torch``.
        option: the one that chooses another place, for the remedy; None where no other will do.

    Raises:
        NoSpaceError: the disk is full, or the limit for the size of a file is reached.
        NotWritableError: the place is read-only, or not the user's.
        InstallError: anything else.
    """
    again = ", then start again."
    another = f", or choose another disk with {option}." if option else again
    try:
        yield
    except OSError as error:
        file = plain(str(error.filename or "A file"))
        if error.errno in _FULL:
            raise NoSpaceError(
                f"The disk became full while {doing} ({error.strerror}).",
                remedy=f"Free some space{another}",
            ) from error
        if error.errno in _CLOSED:
            raise NotWritableError(
                f"{file} cannot be written: {error.strerror}.",
                remedy=f"Choose a folder that you may write to with {option}."
                if option
                else f"See that you may change it{again}",
            ) from error
        raise InstallError(
            f"{file} could not be read or written while {doing}: {error.strerror or error}.",
            remedy=f"Check the disk{another}",
        ) from error
