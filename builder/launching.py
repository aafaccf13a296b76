"""Starts programs of the targets on this machine: as they are, or under Wine."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from builder.processes import run_program


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

        Args:
            program: where it lies.
            arguments: what it gets; paths among them by way of :meth:`path`.
            cwd: the folder to run in; None is the present one.
            environment: all of its environment beside this launcher's; None is this process's.

        Raises:
            ProgramError: as :func:`~builder.processes.run_program` does.
        """
        outer = os.environ if environment is None else environment
        return run_program(
            [*self.wrapper, self.path(program), *arguments],
            cwd=cwd,
            environment={**outer, **self.environment},
        )

    def path(self, path: Path) -> str:
        """The path as the programs see it, absolute, since they may run in another folder."""
        seen = f"{self.drive}{path.absolute()}"
        return seen.replace("/", "\\") if self.drive else seen


NATIVE = Launcher()
