"""What the installer can say no with; each carries its exit code.

The common ones of both programs are in :mod:`bootstrap.bundle.errors`.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

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
    "ExitCode",
    "InstallError",
    "NoSpaceError",
    "NotWritableError",
    "RecoveryNeededError",
    "RefusedContentError",
    "ReportedError",
    "UnfitMachineError",
    "UnsafeTargetError",
    "UsageError",
    "VerificationError",
    "reporting",
]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UsageError(ReportedError):
    """The command line asks for something that makes no sense."""

    exit_code = ExitCode.USAGE


class NotWritableError(ReportedError):
    """The target, or the temporary folder, cannot be written."""

    exit_code = ExitCode.NOT_WRITABLE


class UnsafeTargetError(ReportedError):
    """The target is not ours to fill or to clear."""

    exit_code = ExitCode.UNSAFE_TARGET


class BusyError(ReportedError):
    """Another installer works on the target."""

    exit_code = ExitCode.BUSY


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
def reporting(doing: str) -> Iterator[None]:
    """Turn what the system says of files into errors for people.

    Args:
        doing: what the body of the context does, such as ``installing torch``.

    Raises:
        NoSpaceError: the disk is full, or the limit for the size of a file is reached.
        InstallError: anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoSpaceError(
                f"The disk became full while {doing} ({error.strerror}).",
                remedy="Free some space, or choose another disk with --target.",
            ) from error
        raise InstallError(
            f"{error.filename or 'A file'} could not be read or written while {doing}: "
            f"{error.strerror or error}.",
            remedy="Check the disk, or choose another one with --target.",
        ) from error
