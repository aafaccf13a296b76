"""The one module of the builder that opens connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from threading import Event
from time import monotonic

import requests
import urllib3

from builder import __version__
from builder.fetch.addresses import redirected
from builder.fetch.answers import Extent, judge_file, judge_transfer
from builder.fetch.deadline import Deadline
from builder.fetch.failures import TransportError, printable, refusal
from builder.fetch.switch import Switch, SwitchedAdapter, SwitchedRetry
from builder.pip_settings import configured_certificates

_MOST_REDIRECTS = 10
_TRANSIENT = (408, 429, 500, 502, 503, 504)
_OK = 200
# Small pieces are gathered for so long, since each costs whoever takes them some work.
_GATHERING_SECONDS = 1
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What a host may cost before it is given up.

    Attributes:
        reaching: how often one that cannot be reached, or does not answer, is tried again.
        waiting: how often one that is busy (429, 5xx) is tried again.
        waiting_seconds: how long it may ask to be left alone.
        connect_seconds: how long connecting may take.
        backoff: seconds before the second retry; each later one waits twice as long.
        silent_seconds: how long nothing may come.
        answer_seconds: how long an answer's headers may take, however steadily they come.
        least_speed: bytes a second that a body must bring, on an average of ``silent_seconds``.
    """

    reaching: int = 4
    waiting: int = 4
    waiting_seconds: int = 60
    connect_seconds: float = 10
    backoff: float = 0.5
    silent_seconds: float = 60
    answer_seconds: float = 120
    least_speed: int = 2_000


PATIENT = Patience()
#: Where something else will do if the host cannot be reached.
HASTY = Patience(reaching=0, connect_seconds=5)


class _Session(requests.Session):
    """Looks into no redirect: it would read all of its body, only to know where it leads."""

    def resolve_redirects(self, *_: object, **__: object) -> Iterator[requests.Response]:
        return iter(())


class Body:
    """What a host answers with, to be read by one thread.

    Args:
        response: its headers were read.
        patience: with the host.
        deadline: kept by what is read.
    """

    def __init__(self, response: requests.Response, patience: Patience, deadline: Deadline) -> None:
        self._raw = response.raw
        self._patience = patience
        self._deadline = deadline
        self._since, self._count = monotonic(), 0
        self._failure: TransportError | None = None

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, empty at the end.

        Raises:
            TransportError: the connection broke, or too little came for too long.
        """
        if self._failure:
            raise self._failure
        gathered = bytearray()
        begun = monotonic()
        try:
            with self._deadline.within(self._patience.silent_seconds):
                while len(gathered) < size and monotonic() < begun + _GATHERING_SECONDS:
                    # As much as is there: waiting for more would let a host drip.
                    piece = self._raw.read1(min(_CHUNK, size - len(gathered)), decode_content=False)
                    if not piece:
                        break
                    gathered += piece
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._failure = TransportError(
                f"the transfer broke off ({_brief(error)})", transient=True
            )
            self._failure.__cause__ = error
            if not gathered:
                raise self._failure from error
        self._require_speed(len(gathered))
        return bytes(gathered)

    def _require_speed(self, count: int) -> None:
        self._count += count
        seconds = monotonic() - self._since
        if seconds < self._patience.silent_seconds:
            return
        if self._count < seconds * self._patience.least_speed:
            self._failure = TransportError(
                f"it drips: {self._count:,} bytes came in {seconds:.0f} seconds", transient=True
            )
        self._since, self._count = monotonic(), 0


class FileBody(Body):
    """What a host sends of a file.

    Attributes:
        start: offset in the whole file of the first byte that comes.
        end: offset behind the last one, where only a part was asked for and only that comes;
            None where it is all the rest of the file.
        total: bytes of the whole file; None where the answer does not tell.
        etag: strong validator of the whole file; None where there is none.
    """

    def __init__(
        self,
        response: requests.Response,
        extent: Extent,
        patience: Patience,
        deadline: Deadline,
    ) -> None:
        super().__init__(response, patience, deadline)
        self.start, self.end = extent.start, extent.end
        self.total, self.etag = extent.total, extent.etag


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Something small, whole.

    Attributes:
        url: where it was in the end.
        kind: the Content-Type that the host states; empty where it states none.
        content: its bytes; not copied, since they may be many.
    """

    url: str
    kind: str
    content: bytearray


class Transport:
    """Downloads, several at the same time.

    Args:
        connections: how many threads will use it.
        patience: with the hosts.
    """

    def __init__(self, *, connections: int, patience: Patience = PATIENT) -> None:
        self.patience = patience
        self._switch = Switch()
        self._deadline = Deadline()
        retry = SwitchedRetry(
            total=max(patience.reaching, patience.waiting),
            connect=patience.reaching,
            read=patience.reaching,
            other=patience.reaching,
            status=patience.waiting,
            backoff_factor=patience.backoff,
            status_forcelist=_TRANSIENT,
            retry_after_max=patience.waiting_seconds,
            raise_on_status=False,
        )
        adapter = SwitchedAdapter(
            self._switch,
            retry,
            connections=connections,
            deadline=self._deadline,
            answer_seconds=patience.answer_seconds,
        )
        self._session = _Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Not compressed: files are not worth it, and pages could swell to any size.
        self._session.headers["Accept-Encoding"] = "identity"
        self._session.headers["User-Agent"] = f"llmsetup/{__version__}"
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        if certificates := configured_certificates():
            self._session.verify = certificates

    @property
    def stopped(self) -> Event:
        """Set as soon as :meth:`stop` was called."""
        return self._switch.is_off

    def stop(self) -> None:
        """Let no thread wait for a host any longer, unless it is only just connecting."""
        self._switch.turn_off()

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    @contextmanager
    def get(
        self, url: str, *, offset: int, etag: str | None, end: int | None = None
    ) -> Iterator[FileBody]:
        """Ask for a file from ``offset`` on; the answer may begin at 0 all the same.

        Args:
            url: its address. Redirects are followed each time, since where they lead to may be
                good for some minutes only.
            offset: bytes that are there already.
            end: offset behind the last byte that is wanted; None wants all the rest.
            etag: of the content that these bytes belong to; if the host has another one
                now, it sends the whole file.

        Raises:
            TransportError: the host cannot be reached, says no, or answers nonsense.
        """
        headers = dict[str, str]()
        if offset or end:
            headers["Range"] = f"bytes={offset}-{end - 1 if end else ''}"
        if offset and etag:
            headers["If-Range"] = etag
        with self._asked("GET", url, headers) as response:
            extent = judge_file(
                response.status_code, response.headers, in_part="Range" in headers, end=end
            )
            yield FileBody(response, extent, self.patience, self._deadline)

    def read(self, url: str, *, accept: str, limit: int) -> Document:
        """All of something small.

        Args:
            url: its address.
            accept: the kinds of content that are wanted.
            limit: bytes that it may have.

        Raises:
            TransportError: the host cannot be reached, says no, or has something larger.
        """
        with self._asked("GET", url, {"Accept": accept}) as response:
            if response.status_code != _OK:
                raise refusal(response.status_code)
            length = judge_transfer(response.headers)
            body = Body(response, self.patience, self._deadline)
            content = bytearray()
            while len(content) <= limit and (chunk := body.read(_CHUNK)):
                if self.stopped.is_set():
                    raise TransportError("stopped", transient=False)
                content += chunk
            if max(len(content), length or 0) > limit:
                raise TransportError(
                    f"it has more than {limit:,} bytes where a page should be", transient=False
                )
            kind = response.headers.get("Content-Type", "")
            return Document(url=response.url, kind=kind, content=content)

    def size_of(self, url: str) -> int:
        """Bytes of the file at an address, which is not fetched.

        Raises:
            TransportError: the host cannot be reached, says no, or does not tell.
        """
        with self._asked("HEAD", url, {}) as response:
            if response.status_code != _OK:
                raise refusal(response.status_code)
            size = judge_transfer(response.headers)
        if size is None:
            raise TransportError("it does not tell the size", transient=False)
        return size

    @contextmanager
    def _asked(self, method: str, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        """What a host answers in the end.

        :mod:`requests` could follow redirects as well, but reads whatever their bodies hold, and
        takes any address.
        """
        visited = [url]
        while True:
            with explained():
                response = self._session.request(
                    method,
                    url,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                    timeout=(self.patience.connect_seconds, self.patience.silent_seconds),
                )
            with response:
                with explained():
                    location = self._session.get_redirect_target(response)
                if location is None:
                    yield response
                    return
                url = redirected(response.url, location)
                if response.headers.get("Content-Length") == "0":
                    # So the connection can be used again.
                    response.raw.drain_conn()
            if url in visited:
                raise TransportError("it redirects in circles", transient=False)
            if len(visited) > _MOST_REDIRECTS:
                raise TransportError(
                    f"it redirects more than {_MOST_REDIRECTS} times", transient=False
                )
            visited.append(url)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what :mod:`requests` raises into a reason.

    Raises:
        TransportError: instead.
    """
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise TransportError(
            f"no safe connection can be made ({_brief(error)}); a certificate authority of your "
            "own is named by pip's option cert",
            transient=False,
        ) from error
    except (requests.ConnectionError, requests.Timeout) as error:
        raise TransportError(f"it cannot be reached ({_brief(error)})", transient=False) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        # OSError: a file of certificates that is configured and not there. ValueError: addresses
        # and headers that nobody can read.
        raise TransportError(_brief(error), transient=False) from error


def _brief(error: BaseException) -> str:
    """The innermost reason, in one line: requests wraps urllib3, which wraps the system's."""
    while True:
        inner = [getattr(error, "reason", None), error.__cause__, *error.args]
        reasons = [reason for reason in inner if isinstance(reason, BaseException)]
        if not reasons:
            break
        error = reasons[0]
    text = " ".join(str(error).split())
    # urllib3 puts the connection's representation before what people need.
    return printable(text.rpartition(">: ")[2]) or type(error).__name__
