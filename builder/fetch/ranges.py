"""Fetches stretches of large files ahead, over several connections, where the host sends parts.

Whoever downloads asks for one stretch after the other, and gets it from memory or, where it was
not fetched ahead, by a request of its own. So a file arrives in order, and only the download's own
requests decide whether it fails. Fetching ahead is a favour: a host is asked for it once, and one
that refuses is asked for less, and in the end for nothing but all the rest of the file.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Condition, Event, Lock, Semaphore
from time import monotonic
from typing import Self

from builder.fetch.failures import TransportError
from builder.fetch.transport import FileBody, Patience, Transport

# So large that asking for each costs little time, so small that memory holds some.
_STRETCH = 8 << 20
# Over all files of a fetch, so in at most 64 MiB of memory.
_MOST_AHEAD = 8
_MOST_AHEAD_OF_ONE = 4
# Bytes a second, over all files. From there on more connections only cost processor time.
_FAST = 100_000_000
_WINDOW_SECONDS = 0.5
_CHUNK = 1 << 20
_ONE_TRY = Patience(reaching=0, waiting=0)
# Seconds between looks at whether all is to end: a thread that is connecting tells nothing.
_GLANCE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a host says of a file with each part of it. If that changes, the file has changed.

    Attributes:
        etag: strong validator; None where there is none.
        total: bytes.
    """

    etag: str | None
    total: int

    @classmethod
    def of(cls, body: FileBody) -> Self | None:
        """None where the answer does not say how large the file is."""
        return None if body.total is None else cls(etag=body.etag, total=body.total)


class Stretch:
    """A part of a file on its way through memory: one thread fills it, another reads it.

    Args:
        start: offset in the whole file of its first byte.
        end: offset behind its last one.
        version: of the file.
        stopped: set when nobody needs to wait for it any more.
        over: called once, when both threads are done with it.
    """

    def __init__(
        self, *, start: int, end: int, version: Version, stopped: Event, over: Callable[[], None]
    ) -> None:
        self.start = start
        self.end = end
        self.etag = version.etag
        self.total = version.total
        self._version = version
        self._stopped = stopped
        self._over = over
        self._chunks = deque[bytes]()
        self._changed = Condition()
        self._ended = False
        self._dropped = False

    def fill(self, body: FileBody) -> None:
        """Take it from a connection.

        Raises:
            TransportError: it is another part, or of another version, or breaks off.
        """
        # The last part of a file has no end of its own.
        stretch = (body.start, body.end or body.total)
        if stretch != (self.start, self.end) or Version.of(body) != self._version:
            raise TransportError("it sends another part than asked for", transient=True)
        missing = self.end - self.start
        while missing and (chunk := body.read(min(_CHUNK, missing))):
            missing -= len(chunk)
            with self._changed:
                if self._dropped:
                    return
                self._chunks.append(chunk)
                self._changed.notify()

    def finish(self) -> None:
        """No more comes."""
        with self._changed:
            self._ended = True
            self._changed.notify()
            if self._dropped:
                self._over()

    def has_begun(self) -> bool:
        """Whether any of it came; waits until that is known."""
        with self._changed:
            self._wait()
            return bool(self._chunks)

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; empty where it ends or breaks off, and when all is to stop."""
        with self._changed:
            self._wait()
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            if rest := chunk[size:]:
                self._chunks.appendleft(rest)
            return chunk[:size]

    def drop(self) -> None:
        """Nobody reads it, or reads on."""
        with self._changed:
            self._dropped = True
            self._chunks.clear()
            if self._ended:
                self._over()

    def _wait(self) -> None:
        while not (self._chunks or self._ended or self._stopped.is_set()):
            self._changed.wait(_GLANCE)


class Lookahead:
    """The connections and the memory that all files of one fetch share.

    Args:
        stopped: set when the fetch is to end.
    """

    def __init__(self, stopped: Event) -> None:
        self._stopped = stopped
        self._transport = Transport(connections=_MOST_AHEAD, patience=_ONE_TRY)
        self._pool = ThreadPoolExecutor(_MOST_AHEAD, thread_name_prefix="ahead")
        self._room = Semaphore(_MOST_AHEAD)
        self._lock = Lock()
        self._since = monotonic()
        self._arrived = 0
        self._is_fast = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.stop()
        self._pool.shutdown()
        self._transport.close()

    def begin(self, url: str, *, start: int, end: int, version: Version) -> Stretch | None:
        """Fetch a stretch, which must be dropped in the end.

        Args:
            url: of the file.
            start: offset of its first byte.
            end: offset behind its last one.
            version: that the file must have.

        Returns:
            None if there is no memory for more, or no need.
        """
        if self._is_fast or not self._room.acquire(blocking=False):
            return None
        stretch = Stretch(
            start=start, end=end, version=version, stopped=self._stopped, over=self._room.release
        )
        self._pool.submit(self._fetch, url, stretch)
        return stretch

    def count(self, size: int) -> None:
        """So many bytes have arrived, of whatever file; where they come fast, nothing is needed."""
        with self._lock:
            self._arrived += size
            now = monotonic()
            if (seconds := now - self._since) >= _WINDOW_SECONDS:
                self._is_fast = self._arrived >= _FAST * seconds
                self._since, self._arrived = now, 0

    def _fetch(self, url: str, stretch: Stretch) -> None:
        try:
            # Why it fails will be seen, and told, by the download's own request.
            with (
                suppress(TransportError),
                self._transport.get(
                    url, offset=stretch.start, end=stretch.end, etag=stretch.etag
                ) as body,
            ):
                stretch.fill(body)
        finally:
            stretch.finish()


class Source:
    """A file at its address, to be asked for in order.

    Args:
        url: the address.
        limit: bytes of it that are wanted at most.
        transport: for requests of its own.
        lookahead: fetches ahead; None asks for all the rest each time.
    """

    def __init__(
        self, url: str, *, limit: int, transport: Transport, lookahead: Lookahead | None
    ) -> None:
        self._url = url
        self._limit = limit
        self._transport = transport
        self._lookahead = lookahead
        self._most = _MOST_AHEAD_OF_ONE
        self._ahead = deque[Stretch]()
        self._version: Version | None = None
        self._offset: int | None = None

    def close(self) -> None:
        """Fetch nothing ahead any more; it can be asked all the same."""
        self._lookahead = None
        self._forget()

    @contextmanager
    def ask(self, offset: int, etag: str | None) -> Iterator[FileBody | Stretch]:
        """The file from ``offset`` on: a part of it, or all the rest.

        Args:
            offset: bytes that are there already.
            etag: of the content that these bytes belong to; if the host has another one
                now, what comes begins at 0.

        Raises:
            TransportError: the host cannot be reached, says no, or answers nonsense.
        """
        self._count(offset)
        if stretch := self._arriving(offset):
            try:
                self._look_ahead(stretch.end)
                yield stretch
            finally:
                stretch.drop()
            return
        end = self._end_of_own(offset)
        with self._transport.get(self._url, offset=offset, end=end, etag=etag) as body:
            self._compare(body, offset)
            if body.end:
                self._look_ahead(body.end)
            yield body

    def _count(self, offset: int) -> None:
        if self._lookahead and self._offset is not None:
            self._lookahead.count(max(0, offset - self._offset))
        self._offset = offset

    def _arriving(self, offset: int) -> Stretch | None:
        """What was fetched ahead from there on, if any of it came."""
        if not self._ahead or self._ahead[0].start != offset:
            return None
        stretch = self._ahead.popleft()
        if stretch.has_begun():
            return stretch
        stretch.drop()
        self._most -= 1
        return None

    def _end_of_own(self, offset: int) -> int | None:
        if self._ahead:
            return self._ahead[0].start
        return offset + _STRETCH if self._lookahead and self._most else None

    def _compare(self, body: FileBody, offset: int) -> None:
        """Forget what is of another version, and all if the host does not send what was asked."""
        version = Version.of(body) if body.end and body.start == offset else None
        if version != self._version:
            self._forget()
            self._version = version
        if version is None:
            self._lookahead = None

    def _look_ahead(self, end: int) -> None:
        """Begin with what comes behind ``end``, and behind what was begun."""
        while self._lookahead and self._version and len(self._ahead) < self._most:
            start = self._ahead[-1].end if self._ahead else end
            last = min(self._version.total, self._limit)
            if start >= last:
                return
            stretch = self._lookahead.begin(
                self._url, start=start, end=min(start + _STRETCH, last), version=self._version
            )
            if not stretch:
                return
            self._ahead.append(stretch)

    def _forget(self) -> None:
        while self._ahead:
            self._ahead.popleft().drop()
        self._version = None
