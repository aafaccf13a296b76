"""A session in a terminal: the plan, one calm line of progress, the verdict."""

import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TextIO

from tqdm import tqdm

from bootstrap.events import Listener
from bootstrap.plan import InstallPlan
from bootstrap.probing import CheckResult
from bootstrap.ui.text import describe_plan

if sys.platform == "win32":
    import pywintypes
    import win32console

    _NUMBERS = (win32console.STD_INPUT_HANDLE, win32console.STD_OUTPUT_HANDLE)

    def is_terminal(stream: TextIO) -> bool:
        """Whether standard input or output is a console; for Windows itself, NUL is one, too."""
        try:
            handle: Any = win32console.GetStdHandle(_NUMBERS[stream is not sys.stdin])
            # None where whoever started us gave none.
            return handle is not None and handle.GetConsoleMode() is not None
        except pywintypes.error:
            return False

else:

    def is_terminal(stream: TextIO) -> bool:
        """Whether a standard stream is a terminal."""
        return stream.isatty()


def ask(question: str, details: Iterable[str]) -> bool:
    """Ask on the terminal; where there is none, nobody is there to say no.

    Args:
        question: to be answered by yes or no.
        details: were shown already.
    """
    del details
    if sys.stdin is None or not is_terminal(sys.stdin):
        return True
    sys.stderr.write(f"\n{question} [Y/n] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    # Nothing at all, not even an end of line: nobody is there any more.
    return bool(answer) and answer.strip().lower() in ("", "y", "yes")


class ConsoleListener(Listener):
    """Writes to standard error; bars only where that is a terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._lock = threading.Lock()

    def phase(self, name: str, total: int) -> None:
        self.close()
        if total:
            # disable=None: no bar where standard error is not a terminal.
            self._bar = tqdm(total=total, desc=name, unit="B", unit_scale=True, disable=None)
        if self._bar is None or self._bar.disable:
            self._line(f"{name} …")

    def advance(self, count: int) -> None:
        with self._lock:
            if self._bar is not None:
                self._bar.update(count)

    def working_on(self, what: str) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(what, refresh=False)

    def note(self, message: str) -> None:
        self._line(message)

    def warn(self, message: str) -> None:
        self._line(f"warning: {message}")

    def planned(self, plan: InstallPlan) -> None:
        for line in describe_plan(plan):
            self._line(line)
        for warning in plan.warnings:
            self.warn(warning)

    def checked(self, result: CheckResult) -> None:
        self._line(f"  {result.status:<8}{result.id} ({result.seconds:.1f} s) {result.detail}")

    def close(self) -> None:
        """End the present bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _line(self, text: str) -> None:
        # Whoever looked on may be gone; that is no reason to stop the work.
        if sys.stderr is not None:
            with suppress(OSError):
                tqdm.write(text, file=sys.stderr)
