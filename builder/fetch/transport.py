"""The one module of the builder that opens connections."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from threading import Event
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from builder import __version__
from builder.fetch.switch import Switch, SwitchedAdapter, SwitchedRetry
from builder.pip_settings import configured_certificates

# Between two pieces of an answer.
_SILENT_SECONDS = 60
_MOST_REDIRECTS = 5
_MOST_WAITING_SECONDS = 60
_TRANSIENT = (408, 429, 500, 502, 503, 504)
_PARTIAL, _NOT_SATISFIABLE = 206, 416
# RFC 9110, 14.4: "bytes 10-99/100". Where the whole ends may be unknown: "*".
_CONTENT_RANGE = re.compile(r"bytes (?P<first>\d+)-(?:(?P<last>\d+)/(?P<total>\d+)$)?")
_REASONS = {
    401: "it wants a login (401); give it in pip's index configuration or in netrc",
    403: "it says no (403), which some hosts also say of what they do not have",
    404: "it has no such file (404)",
}


class TransportError(Exception):
    """A host did not give what was asked of it; the text says why.

    Attributes:
        transient: trying again may help, and was not tried yet.
    """

    def __init__(self, reason: str, *, transient: bool) -> None:
        super().__init__(reason)
        self.transient = transient


class UnsatisfiableRangeError(TransportError):
    """The host has no more bytes than are there already."""

    def __init__(self) -> None:
        super().__init__("it has less than was already there (416)", transient=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What a host may cost before it is given up.

    Attributes:
        reaching: how often one that cannot be reached, or does not answer, is tried again.
        waiting: how often one that is busy (429, 5xx) is tried again.
        connect_seconds: how long connecting may take.
        backoff: seconds before the second retry; each later one waits twice as long.
    """

    reaching: int = 4
    waiting: int = 4
    connect_seconds: float = 10
    backoff: float = 0.5


PATIENT = Patience()
#: Where something else will do if the host cannot be reached.
HASTY = Patience(reaching=0, connect_seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a host answers with.

    Attributes:
        start: offset in the whole file of the first byte that comes.
        end: offset behind the last one, where only a part was asked for and only that comes;
            None where it is all the rest of the file.
        total: bytes of the whole file; None where the answer does not tell.
        etag: strong validator of the whole file; None where there is none.
    """

    start: int
    end: int | None
    total: int | None
    etag: str | None
    _raw: urllib3.BaseHTTPResponse

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, empty at the end.

        Raises:
            TransportError: the connection broke, or nothing came for a minute.
        """
        try:
            return self._raw.read(size, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TransportError(f"the transfer broke off ({_brief(error)})", transient=True) from (
                error
            )


class _Session(requests.Session):
    """Follows redirects from https to https only, and keeps no cookies."""

    def __init__(self) -> None:
        super().__init__()
        self.max_redirects = _MOST_REDIRECTS
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target and urlsplit(resp.url).scheme == "https":
            scheme = urlsplit(urljoin(resp.url, target)).scheme
            if scheme != "https":
                raise requests.exceptions.InvalidSchema(f"it redirects from https to {scheme}")
        return target


class Transport:
    """Downloads, several at the same time.

    Args:
        connections: how many threads will use it.
        patience: with the hosts.
    """

    def __init__(self, *, connections: int, patience: Patience = PATIENT) -> None:
        self.patience = patience
        self._switch = Switch()
        retry = SwitchedRetry(
            total=max(patience.reaching, patience.waiting),
            connect=patience.reaching,
            read=patience.reaching,
            other=patience.reaching,
            status=patience.waiting,
            backoff_factor=patience.backoff,
            status_forcelist=_TRANSIENT,
            retry_after_max=_MOST_WAITING_SECONDS,
            raise_on_status=False,
        )
        adapter = SwitchedAdapter(self._switch, retry, connections=connections)
        #: For :mod:`pypi_simple`, which asks for pages by itself.
        self.session = _Session()
        self.session.headers["User-Agent"] = f"llmsetup/{__version__}"
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        if certificates := configured_certificates():
            self.session.verify = certificates

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds to connect, and between two pieces of an answer."""
        return self.patience.connect_seconds, _SILENT_SECONDS

    @property
    def stopped(self) -> Event:
        """Set as soon as :meth:`stop` was called."""
        return self._switch.is_off

    def stop(self) -> None:
        """Let no thread wait for a host any longer, unless it is only just connecting."""
        self._switch.turn_off()

    def close(self) -> None:
        """Give the connections back."""
        self.session.close()

    @contextmanager
    def get(
        self, url: str, *, offset: int, etag: str | None, end: int | None = None
    ) -> Iterator[Body]:
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
        # Compressed on the way, a file of megabytes could swell to any size.
        headers = {"Accept-Encoding": "identity"}
        if offset or end:
            headers["Range"] = f"bytes={offset}-{end - 1 if end else ''}"
        if offset and etag:
            headers["If-Range"] = etag
        with explained():
            response = self.session.get(url, headers=headers, stream=True, timeout=self.timeout)
        with response:
            yield _body(response, end, in_part="Range" in headers)

    def size_of(self, url: str) -> int:
        """Bytes of the file at an address, which is not fetched.

        Raises:
            TransportError: the host cannot be reached, says no, or does not tell.
        """
        headers = {"Accept-Encoding": "identity"}
        with explained():
            response = self.session.head(
                url,
                headers=headers,
                allow_redirects=True,
                timeout=self.timeout,
            )
        if not response.ok:
            raise _refusal(response.status_code)
        size = response.headers.get("Content-Length", "")
        if not size.isdecimal():
            raise TransportError("it does not tell the size", transient=False)
        return int(size)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what :mod:`requests` raises into a reason.

    Raises:
        TransportError: instead.
    """
    try:
        yield
    except requests.HTTPError as error:
        raise _refusal(error.response.status_code if error.response is not None else 0) from error
    except requests.TooManyRedirects as error:
        raise TransportError("it redirects in circles", transient=False) from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise TransportError(f"the page broke off ({_brief(error)})", transient=True) from error
    except (requests.ConnectionError, requests.Timeout) as error:
        raise TransportError(f"it cannot be reached ({_brief(error)})", transient=False) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        # OSError: a file of certificates that is configured and not there.
        raise TransportError(_brief(error), transient=False) from error


def host_of(url: str) -> str:
    """The host of an address, without port and credentials."""
    return urlsplit(url).hostname or url


def _body(response: requests.Response, end: int | None, *, in_part: bool) -> Body:
    if response.status_code == _NOT_SATISFIABLE and in_part:
        raise UnsatisfiableRangeError
    if not response.ok:
        raise _refusal(response.status_code)
    coding = response.headers.get("Content-Encoding", "identity")
    if coding != "identity":
        raise TransportError(f"it compresses what it sends ({coding})", transient=False)
    start, total = 0, None
    if response.status_code == _PARTIAL:
        start, last, total = _stretch(response.headers.get("Content-Range", ""))
        if last is not None and last + 1 == total:
            end = None
    else:
        end = None
    etag = response.headers.get("ETag")
    return Body(
        start=start,
        end=end,
        total=total,
        etag=etag if etag and not etag.startswith("W/") else None,
        _raw=response.raw,
    )


def _stretch(content_range: str) -> tuple[int, int | None, int | None]:
    """First and last byte of a part, and the bytes of the whole."""
    match = _CONTENT_RANGE.match(content_range)
    if not match:
        raise TransportError("it does not say which part it sends", transient=True)
    if match["total"] is None:
        return int(match["first"]), None, None
    return int(match["first"]), int(match["last"]), int(match["total"])


def _refusal(status: int) -> TransportError:
    reason = _REASONS.get(status, f"it answers with status {status}")
    return TransportError(reason, transient=False)


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
    return text.rpartition(">: ")[2] or type(error).__name__
