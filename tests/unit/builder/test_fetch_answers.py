"""What an answer must look like."""

import pytest

from builder.fetch.answers import Extent, judge_file, judge_transfer
from builder.fetch.failures import TransportError, UnusablePartError, printable


def test_the_whole() -> None:
    headers = {"Content-Length": "10", "ETag": '"x"'}
    whole = Extent(start=0, end=None, total=10, etag='"x"')
    assert judge_file(200, headers, in_part=False, end=None) == whole
    assert judge_file(200, headers, in_part=True, end=5) == whole


@pytest.mark.parametrize(
    ("content_range", "extent"),
    [
        ("bytes 2-4/10", (2, 5, 10)),
        ("bytes 2-9/10", (2, None, 10)),
        ("bytes 2-4/*", (2, 5, None)),
    ],
)
def test_a_part(content_range: str, extent: tuple[int, int | None, int | None]) -> None:
    found = judge_file(206, {"Content-Range": content_range}, in_part=True, end=5)
    assert (found.start, found.end, found.total) == extent


@pytest.mark.parametrize("content_range", ["", "bytes 4-2/10", "bytes 2-10/10", "bytes */10"])
def test_parts_that_cannot_be(content_range: str) -> None:
    with pytest.raises(UnusablePartError):
        judge_file(206, {"Content-Range": content_range}, in_part=True, end=None)


@pytest.mark.parametrize("status", [100, 204, 304, 404, 416, 503])
def test_statuses_that_bring_no_file(status: int) -> None:
    with pytest.raises(TransportError, match=str(status)) as caught:
        judge_file(status, {}, in_part=False, end=None)
    assert not isinstance(caught.value, UnusablePartError)


@pytest.mark.parametrize("etag", ["", "x", 'W/"x"', '"x', '"a"b"', '"a b"', '"\r\n"', '"é"' * 600])
def test_validators_that_are_not_strong(etag: str) -> None:
    assert judge_file(200, {"ETag": etag}, in_part=False, end=None).etag is None


def test_lengths() -> None:
    assert judge_transfer({}) is None
    assert judge_transfer({"Content-Length": "7", "Transfer-Encoding": "Chunked"}) is None
    assert judge_transfer({"Content-Length": "7", "Content-Encoding": "Identity"}) == 7


def test_what_strangers_write_fits_a_line() -> None:
    assert printable("a\r\n\x1b[2J\u202eb") == "a???[2J?b"
    assert len(printable("x" * 10_000)) == 201
