"""What an answer must look like, judged by its status and headers alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from builder.fetch.failures import TransportError, UnusablePartError, printable, refusal

_WHOLE, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416
# RFC 9110, 14.4: "bytes 10-99/100". How large the whole is may be unknown: "*".
_CONTENT_RANGE = re.compile(
    r"bytes (?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})/(?:(?P<total>[0-9]{1,18})|\*)"
)
_LENGTH = re.compile(r"[0-9]{1,18}")
# RFC 9110, 8.8.3. It is sent back, so it holds nothing that could be taken for something else.
_STRONG_ETAG = re.compile(r'"[!#-~\x80-\xff]{0,1000}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Which bytes of a file come.

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


def judge_file(
    status: int, headers: Mapping[str, str], *, in_part: bool, end: int | None
) -> Extent:
    """What an answer says it brings of a file.

    Args:
        status: of HTTP.
        headers: whatever the case of their names.
        in_part: a part was asked for.
        end: offset behind the last byte that was asked for; None for all the rest.

    Raises:
        UnusablePartError: it brings no part that could be used.
        TransportError: it brings no file.
    """
    if status == _NOT_SATISFIABLE and in_part:
        raise UnusablePartError("it has less than was already there (416)")
    if status not in (_WHOLE, _PARTIAL):
        raise refusal(status)
    length = judge_transfer(headers)
    etag = headers.get("ETag", "")
    strong = etag if _STRONG_ETAG.fullmatch(etag) else None
    if status == _WHOLE:
        return Extent(start=0, end=None, total=length, etag=strong)
    if not in_part:
        raise TransportError("it sends a part (206) where all was asked for", transient=True)
    start, last, total = _stretch(headers)
    return Extent(start=start, end=None if last + 1 == total else end, total=total, etag=strong)


def judge_transfer(headers: Mapping[str, str]) -> int | None:
    """The length that an answer states; None where it states none.

    Raises:
        TransportError: the transfer is compressed, or its length makes no sense.
    """
    # Compressed on the way, a file of megabytes could swell to any size.
    for name, usual in (("Content-Encoding", "identity"), ("Transfer-Encoding", "chunked")):
        coding = headers.get(name, "").strip().lower()
        if coding not in ("", "identity", usual):
            raise TransportError(
                f"it compresses what it sends ({printable(coding)})", transient=False
            )
    stated = headers.get("Content-Length")
    if stated is None or headers.get("Transfer-Encoding", "").strip().lower() == "chunked":
        return None
    if not _LENGTH.fullmatch(stated.strip()):
        raise TransportError(
            f"it states a length of {printable(stated)!r}, which is none", transient=False
        )
    return int(stated)


def _stretch(headers: Mapping[str, str]) -> tuple[int, int, int | None]:
    """First and last byte of a part, and the bytes of the whole."""
    match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if not match and headers.get("Content-Type", "").startswith("multipart/"):
        raise UnusablePartError("it sends several parts at once")
    if not match:
        raise UnusablePartError("it does not say which part it sends")
    first, last = int(match["first"]), int(match["last"])
    total = int(match["total"]) if match["total"] else None
    if last < first or (total is not None and last >= total):
        raise UnusablePartError(f"it sends a part that cannot be ({match[0]})")
    return first, last, total
