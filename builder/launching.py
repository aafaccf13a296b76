"""Starts programs of the targets on this machine: as they are, or under Wine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.processes import ProgramError, run_program

# What a one-file program says under Wine now and then, and only to begin with: its first process
# asks where its parent's file lies, and Wine does not know yet. Nothing has been done by then.
WINE_IS_NOT_READY = "failed to obtain executable path for originating onefile parent process"
_STARTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Launcher:
    """How programs of one platform are started here.

    Attributes:
        wrapper: the program that runs them, with its arguments; empty where none is needed.
        environment: what it needs to be set.
        drive: of the root of this machine's file system, as they see it (``Z:``); empty where
            they see it as it is.
    """

    wrapper: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    drive: str = ""

    def run(
        self,
        program: Path,
        *arguments: str,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a program to its end and return its standard output.

        Where Wine was not ready for it, it is started again.

        Args:
            program: where it lies.
            arguments: what it gets; paths among them by way of :meth:`path`.
            cwd: the folder to run in; None is the present one.
            environment: all of its environment beside this launcher's; None is this process's.

        Raises:
            ProgramError: as :func:`~builder.processes.run_program` does.
        """
        outer = os.environ if environment is None else environment
        command = [*self.wrapper, self.path(program), *arguments]
        for _ in range(_STARTS - 1):
            try:
                return run_program(command, cwd=cwd, environment={**outer, **self.environment})
            except ProgramError as error:
                if WINE_IS_NOT_READY not in error.output:
                    raise
        return run_program(command, cwd=cwd, environment={**outer, **self.environment})

    def path(self, path: Path) -> str:
        """The path as the programs see it, absolute, since they may run in another folder."""
        seen = f"{self.drive}{path.absolute()}"
        return seen.replace("/", "\\") if self.drive else seen


NATIVE = Launcher()
