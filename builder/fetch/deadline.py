"""Ends reading that takes too long in all, however often a little of it comes.

A timeout of a socket begins anew with each byte, and what reads headers, or the frame around the
pieces of a body, reads on as long as something comes.
"""

import io
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Deadline(threading.local):
    """When the thread that asks must be done with what it reads; each thread has its own."""

    at = math.inf

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What this thread reads inside takes so long at most, and one timeout of its socket."""
        self.at = monotonic() + seconds
        try:
            yield
        finally:
            self.at = math.inf

    def check(self) -> None:
        """Go on?

        Raises:
            TimeoutError: no.
        """
        if monotonic() > self.at:
            raise TimeoutError("too slow")


def bounded_response(deadline: Deadline, seconds: float) -> type[HTTPResponse]:
    """A class of answers that keep a deadline.

    Args:
        deadline: for all that is read of them.
        seconds: for their headers, from the first byte on.
    """

    class Response(HTTPResponse):
        def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 (as http.client has it)
            super().__init__(*arguments, **named)
            self.fp = io.BufferedReader(_Watched(self.fp.detach(), deadline))

        def begin(self) -> None:
            with deadline.within(seconds):
                super().begin()

    return Response


class _Watched(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, deadline: Deadline) -> None:
        self._raw = raw
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        self._deadline.check()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
