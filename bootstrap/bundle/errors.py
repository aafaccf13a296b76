"""Exit codes of both programs, and the error that carries one.

The numbers are a contract with scripts on both sides; they never change.
"""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a process of ours says when it ends."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    DAMAGED = 10
    NOT_TRUSTED = 11
    REFUSED_CONTENT = 12
    NO_SPACE = 20
    NOT_WRITABLE = 21
    UNSAFE_TARGET = 22
    BUSY = 23
    UNFIT_MACHINE = 24
    INSTALL_FAILED = 30
    VERIFICATION_FAILED = 31
    RECOVERY_NEEDED = 40
    DOWNLOAD_FAILED = 50
    INTERRUPTED = 130


class ReportedError(Exception):
    """An error that a person can act on. Only ``__main__`` turns it into an exit.

    Args:
        message: what happened, to which file, and why; one or more sentences.
        remedy: what to do about it, as an imperative sentence.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class DamagedBundleError(ReportedError):
    """The bundle's bytes are not what its index says, or there is no index."""

    exit_code = ExitCode.DAMAGED


class RefusedContentError(ReportedError):
    """The content is intact but must not be packed or installed."""

    exit_code = ExitCode.REFUSED_CONTENT


class NoSpaceError(ReportedError):
    """The disk is full, or would be."""

    exit_code = ExitCode.NO_SPACE


class NotWritableError(ReportedError):
    """A folder cannot be written, or programs must not be started from it."""

    exit_code = ExitCode.NOT_WRITABLE


class UsageError(ReportedError):
    """The command line asks for something that makes no sense, or is not there."""

    exit_code = ExitCode.USAGE


class BusyError(ReportedError):
    """Somebody else works in the same place."""

    exit_code = ExitCode.BUSY
