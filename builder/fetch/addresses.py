"""Which addresses may be asked and followed. Nothing is asked here.

The first address is the user's, the manifest's or a pin's. What others make of it, by a redirect or
by a link on a page, may lead to https only; on this machine itself, also to http. It may not bring
a login along, and gets none.
"""

from ipaddress import ip_address
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from builder.fetch.failures import TransportError, printable

_PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """The host of an address, without port and credentials."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return printable(url.rpartition("@")[2])


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by its name or address alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def redirected(source: str, location: str) -> str:
    """The address that a redirect leads to.

    Args:
        source: where it came from.
        location: what it says, possibly relative.

    Raises:
        TransportError: nobody may be led there.
    """
    before, after = _split(source), _split(_joined(source, location))
    if after.scheme != "https" or not (before.scheme == "https" or _is_here(before)):
        _require_here(before, after, f"it redirects from {before.scheme} to {after.scheme or '?'}")
    _require_no_login(before, after, "it redirects to an address with a login")
    return urlunsplit(after)


def linked(page: str, link: str) -> str:
    """The address that a page of an index gives a file.

    An index that is asked by http, because the user says so, may have its own files there as well.

    Args:
        page: the page's address.
        link: what stands on it, possibly relative.

    Raises:
        TransportError: nobody may be led there.
    """
    before, after = _split(page), _split(_joined(page, link))
    if after.scheme != "https" and not (after.scheme == "http" and _are_one(before, after)):
        what = f"its page has the file at an address that begins with {after.scheme or '?'}:"
        _require_here(before, after, what)
    _require_no_login(before, after, "its page has the file at an address with a login")
    return urlunsplit(after)


def with_login(url: str, index: str) -> str:
    """The address with the index's credentials, as pip has it: for the same host only."""
    file, page = urlsplit(url), urlsplit(index)
    login = page.netloc.rpartition("@")[0]
    if login and (file.scheme, file.netloc) == (page.scheme, page.netloc.rpartition("@")[2]):
        return urlunsplit(file._replace(netloc=page.netloc))
    return url


def _joined(source: str, target: str) -> str:
    try:
        return urljoin(source, target)
    except ValueError as error:
        raise _unreadable(target) from error


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        # Asking for the port finds those that are none.
        is_whole = parts.scheme not in _PORTS or (parts.hostname and parts.port != 0)
    except ValueError as error:
        raise _unreadable(url) from error
    # Some take a backslash for a slash, so it hides where the host ends.
    if not is_whole or "\\" in parts.netloc or not url.isprintable():
        raise _unreadable(url)
    return parts


def _unreadable(url: str) -> TransportError:
    address = printable(url.rpartition("@")[2])
    return TransportError(f"it leads to {address!r}, which is no address", transient=False)


def _require_here(before: SplitResult, after: SplitResult, what: str) -> None:
    """From http to http on this machine, where nobody listens in between."""
    plain = before.scheme == after.scheme == "http"
    if not (plain and _is_here(before) and _is_here(after)):
        raise TransportError(f"{printable(what)}, which is not followed", transient=False)


def _require_no_login(before: SplitResult, after: SplitResult, what: str) -> None:
    """A relative address keeps the login of the one before, and may."""
    if "@" in after.netloc and after.netloc != before.netloc:
        raise TransportError(f"{what}, which is not followed", transient=False)


def _is_here(parts: SplitResult) -> bool:
    return is_loopback(parts.hostname or "")


def _are_one(one: SplitResult, other: SplitResult) -> bool:
    return _origin(one) == _origin(other)


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
