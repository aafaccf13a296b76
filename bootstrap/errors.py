"""What the installer can say no with; each carries its exit code.

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
]


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
