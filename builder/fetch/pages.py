"""What a package index says of a project's files: its page, read within bounds.

JSON as PEP 691 and PEP 700 have it, or HTML as PEP 503 has it. Nothing is asked here.
"""

import re
from codecs import getincrementaldecoder
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import msgspec
from pypi_simple import DistributionPackage, Link

from builder.errors import RefusedContentError
from builder.fetch.addresses import host_of
from builder.fetch.failures import TransportError, printable
from builder.fetch.transport import Document

#: What an index is asked for, JSON first, since HTML tells less.
ACCEPTED = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.1"
)
#: Bytes; the largest page of pip's own index has a third of that.
LARGEST_PAGE = 32 << 20
_MOST_FILES = 100_000
_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html", "")
_CHARSETS = ("utf-8", "us-ascii", "iso-8859-1")
# So much HTML at a time, since its parser looks again and again at what does not end.
_PIECE = 1 << 14
_LONGEST_TAG = 1 << 16
_LONGEST_NAME = 255
_STILL_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """What an index says of one file.

    Attributes:
        filename: its name, which is a name only.
        url: its address, as the page has it, relative ones joined to the page's.
        sha256: hexadecimal; None where the page does not tell.
        yanked: why it was withdrawn, possibly empty; None where it was not.
        upload_time: when it was uploaded; None where the page does not tell.
        provenance: the address of its attestations (PEP 740); None where it has none.
    """

    filename: str
    url: str
    sha256: str | None
    yanked: str | None
    upload_time: datetime | None
    provenance: str | None


def read_page(page: Document, filename: str) -> list[ListedFile]:
    """What a page says of a file, once for each time that it lists it.

    Raises:
        TransportError: it is no page of an index.
        RefusedContentError: it names this or another file in a way that leads elsewhere.
    """
    header = Message()
    header["Content-Type"] = page.kind or "text/html"
    kind = header.get_content_type() if page.kind else ""
    try:
        if kind == _JSON:
            return _read_json(page, filename)
        if kind in _HTML:
            return _read_html(page, filename, header.get_content_charset("utf-8"))
        what = f"it is {kind}"
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        what = str(error)
    raise TransportError(f"its page is no package index ({printable(what)})", transient=False)


class _Hashes(msgspec.Struct):
    sha256: str | None = None


class _File(msgspec.Struct, rename="kebab"):
    filename: str
    url: str
    hashes: _Hashes
    yanked: bool | str = False
    upload_time: str | None = None
    provenance: str | None = None


class _Meta(msgspec.Struct, rename="kebab"):
    api_version: str


class _Page(msgspec.Struct):
    meta: _Meta
    files: list[_File]


def _read_json(page: Document, filename: str) -> list[ListedFile]:
    _require_few(page.content.count(b'"filename"'))
    read = msgspec.json.decode(page.content, type=_Page)
    _require_version(read.meta.api_version)
    _require_few(len(read.files))
    for file in read.files:
        for name in (file.filename, _name_in(_joined(page.url, file.url))):
            _require_mere_name(name, page)
    return [_described(file, page) for file in read.files if file.filename == filename]


def _described(file: _File, page: Document) -> ListedFile:
    return ListedFile(
        filename=file.filename,
        url=_joined(page.url, file.url),
        sha256=_lower(file.hashes.sha256),
        yanked=_reason(file.yanked),
        upload_time=_time(file.upload_time),
        provenance=file.provenance,
    )


def _read_html(page: Document, filename: str, charset: str) -> list[ListedFile]:
    if charset not in _CHARSETS:
        raise ValueError(f"its characters are {charset}")
    anchors = _Anchors(page.url)
    # All of it as text would be as much again.
    decoder = getincrementaldecoder(charset)(errors="replace")
    for start in range(0, len(page.content), _PIECE):
        anchors.feed(decoder.decode(page.content[start : start + _PIECE]))
        if len(anchors.rawdata) > _LONGEST_TAG:
            raise ValueError("it has a tag without an end")
        _require_few(len(anchors.links))
    anchors.close()
    # The file's name is the last part of its address (PEP 503); "+" may be "%2B" there.
    names = [_name_in(link.url) for link in anchors.links]
    for name in names:
        if name:
            _require_mere_name(name, page)
    return [
        _linked_file(link, filename)
        for link, name in zip(anchors.links, names, strict=True)
        if name == filename
    ]


class _Anchors(HTMLParser):
    """Collects the links of a page.

    Attributes:
        links: so far; their text is of no interest.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.links = list[Link]()
        self._base = url
        self._base_seen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "base" and "href" in named and not self._base_seen:
            self._base, self._base_seen = _joined(self._base, named["href"]), True
        elif tag == "a" and "href" in named:
            self.links.append(
                Link(text="", url=_joined(self._base, named["href"]), attrs={**named})
            )
        elif tag == "meta" and named.get("name") == "pypi:repository-version":
            _require_version(named.get("content", ""))


def _linked_file(link: Link, filename: str) -> ListedFile:
    package = DistributionPackage.from_link(link)
    return ListedFile(
        filename=filename,
        url=package.url,
        sha256=_lower(package.digests.get("sha256")),
        yanked=(package.yanked_reason or "") if package.is_yanked else None,
        upload_time=None,
        provenance=package.provenance_url,
    )


def _name_in(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _joined(base: str, url: str) -> str:
    url = url.strip()
    if not url.isprintable():
        # What the parser of addresses would silently leave out may be there to hide something.
        url = "".join(f"%{ord(c):02X}" if c < " " else c for c in url)
    return urljoin(base, url)


def _require_mere_name(name: str, page: Document) -> None:
    """No program may take it for a path, decoded once more or not."""
    if (
        name in (".", "..")
        or "/" in name
        or "\\" in name
        or not name.isprintable()
        or _STILL_ENCODED.search(name)
        or _DRIVE.match(name)
        or len(name) > _LONGEST_NAME
    ):
        raise RefusedContentError(
            f"A page of {host_of(page.url)}, {printable(urlsplit(page.url).path)}, names a file "
            f"{printable(repr(name))}: that is no name but a path, or hides one.",
            remedy="Do not build from this index until whoever runs it has explained that; files "
            "fetched elsewhere are taken by hash with --wheels DIR.",
        )


def _require_version(stated: str) -> None:
    if stated.partition(".")[0] != "1":
        raise ValueError(f"it has version {stated!r} of the interface, only 1 is known")


def _require_few(count: int) -> None:
    if count > _MOST_FILES:
        raise ValueError(f"it lists more than {_MOST_FILES:,} files")


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None


def _reason(yanked: bool | str) -> str | None:  # noqa: FBT001 (as PEP 691 has it)
    if isinstance(yanked, str):
        return yanked
    return "" if yanked else None


def _time(text: str | None) -> datetime | None:
    """PEP 700 wants UTC; what is no time of that kind tells nothing."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else None
