"""How the builder speaks: to people with tqdm's bars, to programs in JSON lines."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from builder.errors import ExitCode, ReportedError
from builder.progress import Bar, Progress


class _TqdmBar(Bar):
    def __init__(self, bar: "tqdm[Any]") -> None:
        self._bar = bar

    def advance(self, count: int) -> None:
        self._bar.update(count)


class Console(Progress):
    """Progress on standard error, results on standard output."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing to release; bars end with their own contexts."""

    def phase(self, name: str) -> None:
        self.note(f"── {name}")

    def note(self, message: str) -> None:
        if not self._quiet:
            tqdm.write(message, file=sys.stderr)

    def warn(self, message: str) -> None:
        tqdm.write(f"warning: {message}", file=sys.stderr)

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Bar]:
        # disable=None: no bar where standard error is not a terminal.
        with tqdm(
            total=total,
            desc=label,
            unit="B",
            unit_scale=True,
            leave=False,
            disable=True if self._quiet else None,
        ) as bar:
            yield _TqdmBar(bar)

    def result(self, text: str, **data: object) -> None:
        """What the command was run for."""
        del data
        print(text)  # noqa: T201 (the console is where printing belongs)

    def table(self, lines: Iterable[str], event: str, rows: Iterable[Mapping[str, object]]) -> None:
        """A part of what the command was run for: people get lines, programs an event a row."""
        del event, rows
        for line in lines:
            print(line)  # noqa: T201 (the console is where printing belongs)

    def failed(self, error: ReportedError) -> None:
        """An error, and what to do about it."""
        tqdm.write(f"error: {error.message}\n  → {error.remedy}", file=sys.stderr)

    def interrupted(self) -> None:
        """The user stopped the command."""
        tqdm.write("interrupted; nothing unfinished was given a final name", file=sys.stderr)


class JsonLines(Console):
    """Every event as one JSON object on one line of standard output."""

    def _emit(self, event: str, **data: object) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        print(json.dumps({"event": event, "time": now, **data}), flush=True)  # noqa: T201

    def phase(self, name: str) -> None:
        self._emit("phase", name=name)

    def note(self, message: str) -> None:
        self._emit("note", message=message)

    def warn(self, message: str) -> None:
        self._emit("warning", message=message)

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Bar]:
        self._emit("start", what=label, bytes=total)
        yield Bar()
        self._emit("end", what=label, bytes=total)

    def result(self, text: str, **data: object) -> None:
        self._emit("result", message=text, **data)

    def table(self, lines: Iterable[str], event: str, rows: Iterable[Mapping[str, object]]) -> None:
        del lines
        for row in rows:
            self._emit(event, row=row)

    def failed(self, error: ReportedError) -> None:
        self._emit("error", exit_code=error.exit_code, message=error.message, remedy=error.remedy)

    def interrupted(self) -> None:
        self._emit("error", exit_code=ExitCode.INTERRUPTED, message="interrupted", remedy="")


def make_reporter(*, json: bool, quiet: bool) -> Console | JsonLines:
    """The listener that the command line asks for."""
    return JsonLines(quiet=quiet) if json else Console(quiet=quiet)
