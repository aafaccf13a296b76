"""What is fetched ahead is as good as what was asked for, and memory for it is limited."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from builder.fetch.ranges import Lookahead, Source, Stretch, Version
from builder.fetch.transport import Transport
from tests.support.fetching import NAME
from tests.support.index_server import Fault, Indexes, Request, etag_of
from tests.support.stretches import (
    CONTENT,
    PATH,
    STARTS,
    STRETCH,
    At,
    cut,
    send,
    shifted,
    stretch_index,
)

VERSION = Version(etag=etag_of(CONTENT), total=len(CONTENT))


@pytest.fixture
def indexes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    with stretch_index(monkeypatch) as made:
        yield made


def of_another_version(request: Request, content: bytes) -> None:
    part = content[request.first : request.end]
    stretch = f"bytes {request.first}-{request.first + len(part) - 1}/{len(content)}"
    request.answer(206, part, Content_Range=stretch, ETag='"another"')


def of_another_size(request: Request, content: bytes) -> None:
    part = content[request.first : request.end]
    stretch = f"bytes {request.first}-{request.first + len(part) - 1}/{len(content) + 1}"
    request.answer(206, part, Content_Range=stretch, ETag=etag_of(content))


def as_a_whole(request: Request, content: bytes) -> None:
    request.answer(200, content, ETag=etag_of(content))


@pytest.mark.parametrize(
    ("fault", "begins"),
    [
        (send, True),
        (cut, True),
        (shifted, False),
        (of_another_version, False),
        (of_another_size, False),
        (as_a_whole, False),
    ],
)
def test_what_is_good_enough_to_be_fetched_ahead(
    indexes: Indexes, fault: Fault, *, begins: bool
) -> None:
    indexes.rules[NAME] = fault
    with Lookahead(threading.Event()) as ahead:
        stretch = ahead.begin(
            f"{indexes.address}{PATH}", start=STRETCH, end=2 * STRETCH, version=VERSION
        )
        assert stretch
        assert stretch.has_begun() is begins
        stretch.drop()


def test_what_was_fetched_ahead_of_another_version_is_forgotten(indexes: Indexes) -> None:
    def hang_up(request: Request, _: bytes) -> None:
        request.close_connection = True

    def change(request: Request, content: bytes) -> None:
        (of_another_version if request.first == STRETCH else send)(request, content)

    indexes.rules[NAME] = At(STRETCH, hang_up, rest=change)
    url = f"{indexes.address}{PATH}"
    with closing(Transport(connections=1)) as transport, Lookahead(transport.stopped) as ahead:
        source = Source(url, limit=len(CONTENT), transport=transport, lookahead=ahead)
        with source.ask(0, None) as first:
            assert first.etag == VERSION.etag
        with source.ask(STRETCH, first.etag) as second:
            assert second.etag == '"another"'
        with source.ask(2 * STRETCH, second.etag) as third:
            assert not isinstance(third, Stretch)
        source.close()


def test_the_last_part_is_all_the_rest(indexes: Indexes) -> None:
    with closing(Transport(connections=1)) as transport:
        for end, told in ((STRETCH, STRETCH), (len(CONTENT), None), (9_000_000, None)):
            with transport.get(f"{indexes.address}{PATH}", offset=1, etag=None, end=end) as body:
                assert (body.start, body.end, body.total) == (1, told, len(CONTENT))


def test_memory_for_what_is_ahead_is_limited(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.fetch.ranges._MOST_AHEAD", 2)
    version = VERSION
    url = f"{indexes.address}{PATH}"
    with Lookahead(threading.Event()) as ahead:
        first, second, third = (
            ahead.begin(url, start=start, end=start + STRETCH, version=version)
            for start in STARTS[:3]
        )
        assert first
        assert second
        assert third is None
        got = b""
        while chunk := first.read(70_000):
            got += chunk
        assert got == CONTENT[:STRETCH]
        first.drop()
        third = ahead.begin(url, start=0, end=STRETCH, version=version)
        assert third
        assert ahead.begin(url, start=0, end=STRETCH, version=version) is None
        assert third.has_begun()
        second.drop()
        third.drop()


def test_there_is_no_room_for_more_until_the_thread_of_what_was_dropped_has_seen_it(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.fetch.ranges._MOST_AHEAD", 1)
    over = threading.Event()

    def slow(request: Request, content: bytes) -> None:
        over.wait(30)
        request.send_file(content)

    indexes.rules[NAME] = slow
    url = f"{indexes.address}{PATH}"
    with Lookahead(threading.Event()) as ahead:
        first = ahead.begin(url, start=0, end=STRETCH, version=VERSION)
        assert first
        first.drop()
        assert ahead.begin(url, start=0, end=STRETCH, version=VERSION) is None
        over.set()
        for _ in range(300):
            if again := ahead.begin(url, start=0, end=STRETCH, version=VERSION):
                break
            threading.Event().wait(0.1)
        assert again
        again.drop()


@pytest.mark.parametrize(("fast", "needed"), [(0, False), (float("inf"), True)])
def test_nothing_is_fetched_ahead_where_all_comes_fast(
    indexes: Indexes, monkeypatch: pytest.MonkeyPatch, fast: float, *, needed: bool
) -> None:
    monkeypatch.setattr("builder.fetch.ranges._WINDOW_SECONDS", 0)
    monkeypatch.setattr("builder.fetch.ranges._FAST", fast)
    url = f"{indexes.address}{PATH}"
    with closing(Transport(connections=1)) as transport, Lookahead(transport.stopped) as ahead:
        source = Source(url, limit=len(CONTENT), transport=transport, lookahead=ahead)
        for offset in STARTS[:6]:
            with source.ask(offset, None) as body:
                pass
        assert isinstance(body, Stretch) is needed
        source.close()
