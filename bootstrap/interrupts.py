"""Ctrl-C and polite kills: they end the work, but never cut a short step in half.

Python raises KeyboardInterrupt wherever the main thread happens to be, also between the
start of a thread or a process and the line that would have remembered it. Such places
are few and short; there the wish to stop is kept until they are over.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Windows has no SIGHUP, everything else no SIGBREAK (Ctrl-Break, the console being closed).
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

# On Windows Ctrl-C does not interrupt waiting; it is heard between two waits of this length.
HEARING_SECONDS = 0.2


class Interrupts:
    """One per process, since signals are; everything in the main thread."""

    def __init__(self) -> None:
        self._depth = 0
        self._wanted = False
        self._over = False

    def listen(self) -> None:
        """From now on each of the signals raises KeyboardInterrupt, held or at once."""
        for name in _NAMES:
            number = getattr(signal, name, None)
            # Whoever started us with nohup wants it ignored.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        # Once is enough: a terminal and the frozen program's parent may both send it, and what
        # follows is clearing up.
        if self._over:
            return
        if self._depth == 0:
            self._over = True
            raise KeyboardInterrupt
        self._wanted = True

    def ignore(self) -> None:
        """It is over: what remains is to say so."""
        self._over = True

    @contextmanager
    def held(self, *, too_late: bool = False) -> Iterator[None]:
        """What runs in the context is not interrupted; the wish to stop is kept till its end.

        Args:
            too_late: forget this and any later wish, since nothing is left to be stopped.

        Raises:
            KeyboardInterrupt: at the end, when somebody wanted to stop meanwhile.
        """
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self._over = self._over or too_late
            if self._depth == 0 and self._wanted and not self._over:
                self._over = True
                raise KeyboardInterrupt


_interrupts = Interrupts()
ignore = _interrupts.ignore
listen = _interrupts.listen
held = _interrupts.held
