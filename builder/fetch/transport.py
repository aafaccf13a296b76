"""The one module of the builder that opens connections."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from builder import __version__
from builder.pip_settings import configured_certificates

# Seconds to connect, and between two pieces of an answer.
TIMEOUT = (20, 60)
_TRIES = 4
_MOST_REDIRECTS = 5
_MOST_WAITING_SECONDS = 60
_TRANSIENT = (408, 429, 500, 502, 503, 504)
_PARTIAL, _NOT_SATISFIABLE = 206, 416
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
class Body:
    """What a host answers with.

    Attributes:
        start: offset in the whole file of the first byte that comes.
        etag: strong validator of the whole file; None where there is none.
    """

    start: int
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
        backoff: seconds before the second retry; each later one waits twice as long.
    """

    def __init__(self, *, connections: int, backoff: float = 0.5) -> None:
        self.backoff = backoff
        retry = Retry(
            total=_TRIES,
            backoff_factor=backoff,
            status_forcelist=_TRANSIENT,
            retry_after_max=_MOST_WAITING_SECONDS,
            raise_on_status=False,
        )
        adapter = HTTPAdapter(max_retries=retry, pool_maxsize=connections)
        #: For :mod:`pypi_simple`, which asks for pages by itself.
        self.session = _Session()
        self.session.headers["User-Agent"] = f"llmsetup/{__version__}"
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        if certificates := configured_certificates():
            self.session.verify = certificates

    def close(self) -> None:
        """Give the connections back."""
        self.session.close()

    @contextmanager
    def get(self, url: str, *, offset: int, etag: str | None) -> Iterator[Body]:
        """Ask for a file from ``offset`` on; the answer may begin at 0 all the same.

        Args:
            url: its address.
            offset: bytes that are there already.
            etag: of the content that these bytes belong to; if the host has another one
                now, it sends the whole file.

        Raises:
            TransportError: the host cannot be reached, says no, or answers nonsense.
        """
        # Compressed on the way, a file of megabytes could swell to any size.
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if etag:
                headers["If-Range"] = etag
        with explained():
            response = self.session.get(url, headers=headers, stream=True, timeout=TIMEOUT)
        with response:
            yield _body(response, offset)

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
                timeout=TIMEOUT,
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


def _body(response: requests.Response, offset: int) -> Body:
    if response.status_code == _NOT_SATISFIABLE and offset:
        raise UnsatisfiableRangeError
    if not response.ok:
        raise _refusal(response.status_code)
    coding = response.headers.get("Content-Encoding", "identity")
    if coding != "identity":
        raise TransportError(f"it compresses what it sends ({coding})", transient=False)
    etag = response.headers.get("ETag")
    return Body(
        start=_start(response.headers) if response.status_code == _PARTIAL else 0,
        etag=etag if etag and not etag.startswith("W/") else None,
        _raw=response.raw,
    )


def _start(headers: Mapping[str, str]) -> int:
    """First byte of a part (RFC 9110, 14.4: ``bytes 10-99/100``)."""
    unit, _, stretch = headers.get("Content-Range", "").partition(" ")
    first = stretch.partition("-")[0]
    if unit != "bytes" or not first.isdecimal():
        raise TransportError("it does not say which part it sends", transient=True)
    return int(first)


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
