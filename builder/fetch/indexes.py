"""Finds a file on the index that the manifest names for it, by its name; nowhere else."""

from urllib.parse import unquote, urlsplit, urlunsplit

from pypi_simple import (
    PYPI_SIMPLE_ENDPOINT,
    DistributionPackage,
    NoSuchProjectError,
    ProjectPage,
    PyPISimple,
    UnsupportedContentTypeError,
    UnsupportedRepoVersionError,
)

from builder.fetch.model import WantedFile
from builder.fetch.transport import Transport, TransportError, explained
from builder.pip_settings import configured_index

_TRIES = 3


def source_of(file: WantedFile) -> str:
    """The address of the file itself, or of the index that is to have it."""
    return file.url or file.index or default_index()


def default_index() -> str:
    """Where files are looked for that no index is named for: pip's own."""
    return configured_index() or PYPI_SIMPLE_ENDPOINT


def locate(file: WantedFile, transport: Transport) -> str:
    """The file's address.

    Raises:
        TransportError: the index cannot be reached, has no such file, or has another one
            under that name.
    """
    if file.url:
        return file.url
    index = source_of(file)
    package = _find(file, _page(file.project, index, transport))
    stated = package.digests.get("sha256")
    if stated and stated != file.sha256:
        raise TransportError(
            f"under that name it has another file, with SHA-256 {stated}: the lock was edited, or "
            "the file was replaced there",
            transient=False,
        )
    return with_login(package.url, index)


def _page(project: str, index: str, transport: Transport) -> ProjectPage:
    client = PyPISimple(index, session=transport.session)
    for _ in range(_TRIES - 1):
        try:
            return _ask(client, project, transport)
        except TransportError as error:
            # What the session retries ends with the headers; a page may break off behind them.
            if not error.transient:
                raise
    return _ask(client, project, transport)


def _ask(client: PyPISimple, project: str, transport: Transport) -> ProjectPage:
    try:
        with explained():
            return client.get_project_page(project, timeout=transport.timeout)
    except NoSuchProjectError as error:
        raise TransportError(f"it does not know {project} (404)", transient=False) from error
    except (UnsupportedContentTypeError, UnsupportedRepoVersionError, ValueError) as error:
        raise TransportError(f"its page is no package index ({error})", transient=False) from error


def _find(file: WantedFile, page: ProjectPage) -> DistributionPackage:
    for package in page.packages:
        # The file's name is the last part of its address (PEP 503); "+" may be "%2B" there.
        if file.filename == unquote(urlsplit(package.url).path.rpartition("/")[2]):
            return package
    raise TransportError(f"its page of {file.project} does not list the file", transient=False)


def with_login(url: str, index: str) -> str:
    """The address with the index's credentials, as pip has it: for the same host only."""
    file, page = urlsplit(url), urlsplit(index)
    login = page.netloc.rpartition("@")[0]
    if login and (file.scheme, file.netloc) == (page.scheme, page.netloc.rpartition("@")[2]):
        return urlunsplit(file._replace(netloc=page.netloc))
    return url
