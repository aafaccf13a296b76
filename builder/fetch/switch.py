"""Lets one thread end the connections, and the patience, of all others.

What is stopped would else wait for a silent host for a minute, and longer for a busy one.
"""

from collections.abc import Mapping
from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Event, Lock
from types import TracebackType
from typing import Any, TypeVar
from weakref import WeakSet

import urllib3
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import ConnectionPool, HTTPConnectionPool
from urllib3.util import Retry

from builder.fetch.deadline import Deadline, bounded_response

_Kind = TypeVar("_Kind")


class Switch:
    """On until it is turned off, once.

    Attributes:
        is_off: set when it is.
    """

    def __init__(self) -> None:
        self.is_off = Event()
        self._lock = Lock()
        self._sockets = WeakSet[socket]()

    def watch(self, opened: socket) -> None:
        """There is another connection.

        Raises:
            InterruptedError: too late.
        """
        with self._lock:
            if self.is_off.is_set():
                raise InterruptedError("stopped")
            self._sockets.add(opened)

    def turn_off(self) -> None:
        """What is read ends here, and no other connection can be made."""
        with self._lock:
            self.is_off.set()
            for opened in self._sockets:
                with suppress(OSError):
                    # Not SSLSocket's own, which takes the keys from a thread that still reads.
                    socket.shutdown(opened, SHUT_RDWR)


class SwitchedRetry(Retry):
    """Waits for a better moment only while the switch is on.

    Attributes:
        switch: set by the adapter.
    """

    switch: Switch

    def new(self, **changes: object) -> "SwitchedRetry":
        """The same, but for what changes."""
        again = super().new(**changes)
        again.switch = self.switch
        return again

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> "SwitchedRetry":
        """One try less.

        Raises:
            urllib3.exceptions.MaxRetryError: there was none left, or another would not help.
        """
        if response:
            # Else all that a busy host sends would be read, however much that is.
            response.close()
        if _pool and error and "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise urllib3.exceptions.MaxRetryError(_pool, url or "", error)
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        """Seconds that the host asks for, at most what the adapter allows; None where it does not.

        What makes no sense counts as not asked.
        """
        try:
            return super().get_retry_after(response)
        except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
            return None

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        """Wait as long as the host asks for, or else longer each time.

        Raises:
            InterruptedError: the switch was turned off.
        """
        asked = self.get_retry_after(response) if response else None
        if self.switch.is_off.wait(asked or self.get_backoff_time()):
            raise InterruptedError("stopped")


class SwitchedAdapter(HTTPAdapter):
    """Makes connections that end when the switch is turned off, and keep a deadline.

    Args:
        switch: ends them.
        retry: of what fails.
        connections: how many threads will use it.
        deadline: for all that is read.
        answer_seconds: for the headers of an answer.
    """

    def __init__(
        self,
        switch: Switch,
        retry: SwitchedRetry,
        *,
        connections: int,
        deadline: Deadline,
        answer_seconds: float,
    ) -> None:
        retry.switch = self._switch = switch
        self._response = bounded_response(deadline, answer_seconds)
        super().__init__(max_retries=retry, pool_maxsize=connections)

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: bool | str | None,  # noqa: FBT001 (as requests has it)
        proxies: Mapping[str, str] | None = None,
        cert: tuple[str, str] | str | None = None,
    ) -> ConnectionPool:
        """The pool of connections to the request's host, or to a proxy."""
        pool = super().get_connection_with_tls_context(request, verify, proxies, cert)
        if isinstance(pool, HTTPConnectionPool) and not issubclass(pool.ConnectionCls, _Switched):
            pool.ConnectionCls = _switched(pool.ConnectionCls, self._switch, self._response)
        return pool


class _Switched:
    """Marks the classes that :func:`_switched` has made."""


def _switched(kind: type[_Kind], switch: Switch, response: type[Any]) -> type[_Kind]:
    class Connection(_Switched, kind):  # type: ignore[misc, valid-type]
        response_class = response

        def connect(self) -> None:
            super().connect()
            switch.watch(self.sock)

    return Connection
