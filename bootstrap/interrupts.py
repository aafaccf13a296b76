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


class _Interrupts:
    """One per process, since signals are; everything in the main thread."""

    def __init__(self) -> None:
        self._depth = 0
        self._wanted = False

    def listen(self) -> None:
        """From now on each of the signals raises KeyboardInterrupt, held or at once."""
        for name in _NAMES:
            number = getattr(signal, name, None)
            # Whoever started us with nohup wants it ignored.
            if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._depth == 0:
            raise KeyboardInterrupt
        self._wanted = True

    @contextmanager
    def held(self, *, too_late: bool = False) -> Iterator[None]:
        """What runs in the context is not interrupted; the wish to stop is kept till its end.

        Args:
            too_late: forget the wish, since what was to be stopped is done by then.

        Raises:
            KeyboardInterrupt: at the end, when somebody wanted to stop meanwhile.
        """
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                wanted, self._wanted = self._wanted, False
                if wanted and not too_late:
                    raise KeyboardInterrupt


_interrupts = _Interrupts()
listen = _interrupts.listen
held = _interrupts.held
