"""Finds a file on the index that the manifest names for it, by its name; nowhere else."""

from dataclasses import dataclass

from packaging.utils import canonicalize_name
from pypi_simple import PYPI_SIMPLE_ENDPOINT

from builder.fetch.addresses import linked, with_login
from builder.fetch.failures import TransportError, printable
from builder.fetch.model import WantedFile
from builder.fetch.pages import ACCEPTED, LARGEST_PAGE, ListedFile, read_page
from builder.fetch.transport import Document, Transport
from builder.pip_settings import configured_index

_TRIES = 3
_NOT_FOUND = 404


def source_of(file: WantedFile) -> str:
    """The address of the file itself, or of the index that is to have it."""
    return file.url or file.index or default_index()


def default_index() -> str:
    """Where files are looked for that no index is named for: pip's own."""
    return configured_index() or PYPI_SIMPLE_ENDPOINT


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A file on its index.

    Attributes:
        url: the file's address, with the login that it needs.
        page: the address of the page that lists it.
        listed: what stands there.
    """

    url: str
    page: str
    listed: ListedFile


def locate(file: WantedFile, transport: Transport) -> Located:
    """Find a file on its index.

    Raises:
        TransportError: the index cannot be reached, has no such file, has another one under
            that name, or has it where nobody may be led.
        RefusedContentError: its page names files in a way that leads elsewhere.
    """
    index = source_of(file)
    page = _page(file.project, index, transport)
    listed = _choose(file, read_page(page, file.filename))
    url = with_login(linked(page.url, listed.url), index)
    return Located(url=url, page=page.url, listed=listed)


def _page(project: str, index: str, transport: Transport) -> Document:
    url = f"{index.rstrip('/')}/{canonicalize_name(project)}/"
    for left in reversed(range(_TRIES)):
        try:
            return transport.read(url, accept=ACCEPTED, limit=LARGEST_PAGE)
        except TransportError as error:
            if error.status == _NOT_FOUND:
                raise TransportError(
                    f"it does not know {project} (404)", transient=False
                ) from error
            # What the session retries ends with the headers; a page may break off behind them.
            if not (error.transient and left):
                raise
    raise AssertionError


def _choose(file: WantedFile, named: list[ListedFile]) -> ListedFile:
    if not named:
        raise TransportError(f"its page of {file.project} does not list the file", transient=False)
    for stated in (file.sha256, None):
        if right := next((listed for listed in named if listed.sha256 == stated), None):
            return right
    raise TransportError(
        f"under that name it has another file, with SHA-256 {printable(named[0].sha256 or '')}: "
        "the lock was edited, or the file was replaced there",
        transient=False,
    )
