"""The one place of the builder that runs other programs."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from builder.errors import ExitCode, ReportedError

_LAST_LINES = 15


# By these the loader takes libraries into every program, and ldd tells of them as if the program
# that it is asked about needed them.
_PRELOADING = ("LD_PRELOAD", "LD_AUDIT")


class ProgramError(ReportedError):
    """A program that the build needs has failed.

    Attributes:
        output: what it printed, standard error included.
    """

    exit_code = ExitCode.UNEXPECTED

    def __init__(self, message: str, *, remedy: str, output: str) -> None:
        super().__init__(message, remedy=remedy)
        self.output = output


class NotExecutableError(ProgramError):
    """The system does not let programs be started from there."""

    exit_code = ExitCode.NOT_WRITABLE


def unburdened_environment() -> dict[str, str]:
    """This process's environment, without what loads libraries into whatever is started."""
    return {name: value for name, value in os.environ.items() if name not in _PRELOADING}


def run_program(
    arguments: list[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    text: str = "",
) -> str:
    """Run a program to its end and return its standard output.

    Args:
        arguments: the program and its arguments; no shell is involved.
        cwd: the folder to run in; None is the present one.
        environment: all of its environment; None is this process's own.
        text: what it can read from its standard input.

    Raises:
        NotExecutableError: it must not be started.
        ProgramError: it is not there or ended with another code than 0.
    """
    try:
        done = subprocess.run(
            arguments,
            cwd=cwd,
            env=environment,
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except PermissionError as error:
        raise NotExecutableError(
            f"{arguments[0]} must not be started: that folder, or the disk that it is on (mounted "
            "noexec), does not allow it.",
            remedy="Choose another folder with --output, and copy the result.",
            output="",
        ) from error
    except OSError as error:
        raise ProgramError(
            f"{arguments[0]} could not be started: {error.strerror or error}.",
            remedy="Install it, or repair the environment that the builder runs in.",
            output="",
        ) from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()
        last = "\n  ".join(output.splitlines()[-_LAST_LINES:])
        raise ProgramError(
            f"{Path(arguments[0]).name} ended with code {done.returncode}:\n  {last}",
            remedy=f"Run it by hand to see more: {' '.join(arguments)}",
            output=output,
        )
    return done.stdout
