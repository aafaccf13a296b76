"""A session in a file, always: what happened, when, for whoever has to find out later."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TextIO

from bootstrap.errors import NotWritableError, UsageError
from bootstrap.events import Listener
from bootstrap.plan import InstallPlan
from bootstrap.probing import CheckResult
from bootstrap.ui.text import describe_plan

# A time, or nothing yet.
_FIRST = re.compile(rb"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.)?")


def _is_log(path: Path) -> bool:
    """Whether the file is empty, or begins as a log of ours does."""
    with path.open("rb") as file:
        return bool(_FIRST.fullmatch(file.read(20)))


class LogListener(Listener):
    """Keeps its lines in memory until it is told where to write them.

    A refused installation must not leave a file in the target, so the log is opened
    only when something is about to be done, or at once where the user named a file.
    """

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._file: TextIO | None = None
        self._phase: tuple[str, float] | None = None
        self.path: Path | None = None
        self.seconds: dict[str, float] = {}

    def open(self, path: Path) -> None:
        """Write to ``path`` from now on, beginning with what was kept.

        Raises:
            UsageError: it is a file already, and no log.
            NotWritableError: the file cannot be made.
        """
        if self._file:
            return
        if path.is_file() and not _is_log(path):
            raise UsageError(
                f"{path} is no log, and is not written to.",
                remedy="Choose another file with --log.",
            )
        try:
            self._file = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        except OSError as error:
            raise NotWritableError(
                f"The log {path} cannot be written: {error.strerror}.",
                remedy="Choose another file with --log.",
            ) from error
        self.path = path
        with suppress(OSError):
            self._file.writelines(self._waiting)
        self._waiting.clear()

    def close(self) -> None:
        """End the last phase and the file."""
        self._end_phase()
        if self._file:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def write(self, text: str) -> None:
        """One line with its time."""
        line = f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {text}\n"
        if self._file:
            # A full disk is told by whoever writes what matters.
            with suppress(OSError):
                self._file.write(line)
        else:
            self._waiting.append(line)

    def phase(self, name: str, total: int) -> None:
        self._end_phase()
        self._phase = (name, monotonic())
        self.write(f"== {name}" + (f" ({total} bytes)" if total else ""))

    def _end_phase(self) -> None:
        if self._phase:
            name, started = self._phase
            self.seconds[name] = round(monotonic() - started, 3)
            self._phase = None

    def working_on(self, what: str) -> None:
        self.write(what)

    def note(self, message: str) -> None:
        self.write(message)

    def warn(self, message: str) -> None:
        self.write(f"warning: {message}")

    def planned(self, plan: InstallPlan) -> None:
        for line in describe_plan(plan):
            self.write(line)
        for warning in plan.warnings:
            self.warn(warning)

    def checked(self, result: CheckResult) -> None:
        self.write(
            f"check {result.id}: {result.status} in {result.seconds:.2f} s. {result.detail} "
            f"{result.facts or ''}"
        )
        if result.output:
            self.write(f"what it wrote:\n{result.output.rstrip()}")
