"""Large files come in parallel stretches where a server sends parts, and else as ever."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builder.fetch import Cache, MissingFilesError, Patience
from tests.support.counting import Counting
from tests.support.fetching import NAME, get, left_over, offer, wanted
from tests.support.index_server import Fault, Indexes, Request
from tests.support.stretches import (
    CHANGED,
    CONTENT,
    PATH,
    STARTS,
    STRETCH,
    At,
    cut,
    send,
    shifted,
    starts,
    stretch_index,
)


@pytest.fixture
def indexes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    with stretch_index(monkeypatch) as made:
        yield made


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_stretches_are_asked_for_at_once_and_each_of_them_once(
    indexes: Indexes, cache: Cache
) -> None:
    together = threading.Barrier(3)

    def wait_for_others(request: Request, content: bytes) -> None:
        if request.first in STARTS[1:4]:
            together.wait(20)
        request.send_file(content)

    indexes.rules[NAME] = wait_for_others
    counting = Counting()
    assert get(wanted(CONTENT), cache=cache, progress=counting) == [CONTENT]
    assert not together.broken
    assert starts(indexes) == STARTS
    assert counting.bars == {"fetch 1 files": len(CONTENT), NAME: len(CONTENT)}
    assert left_over(cache) == []


def test_later_stretches_that_come_first_wait_for_their_turn(
    indexes: Indexes, cache: Cache
) -> None:
    later = threading.Semaphore(0)

    def come_last(request: Request, content: bytes) -> None:
        assert later.acquire(timeout=20)
        assert later.acquire(timeout=20)
        request.send_file(content)

    def come_first(request: Request, content: bytes) -> None:
        request.send_file(content)
        later.release()

    indexes.rules[NAME] = At(STRETCH, come_last, rest=come_first)
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert starts(indexes) == STARTS


def test_several_files_at_once(indexes: Indexes, cache: Cache) -> None:
    files = {f"demo-{n}.0-py3-none-any.whl": CONTENT[n:] + CHANGED for n in range(5)}
    for name, content in files.items():
        offer(indexes, content, name)
    found = get(*(wanted(content, name) for name, content in files.items()), cache=cache)
    assert found == list(files.values())


def test_small_files_and_single_downloads_come_as_a_whole(indexes: Indexes, cache: Cache) -> None:
    small = "small-1.0-py3-none-any.whl"
    offer(indexes, CONTENT[:900_000], small)
    get(wanted(CONTENT[:900_000], small), cache=cache)
    assert get(wanted(CONTENT), cache=cache, jobs=1) == [CONTENT]
    assert len([path for _, path, _ in indexes.asked if "/files/" in path]) == 2


def test_a_host_that_sends_no_parts_is_asked_once(indexes: Indexes, cache: Cache) -> None:
    indexes.rules[NAME] = lambda request, content: request.answer(200, content)
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert starts(indexes) == [0]


def test_a_host_that_sends_more_than_a_part_is_asked_once(indexes: Indexes, cache: Cache) -> None:
    def all_the_rest(request: Request, content: bytes) -> None:
        stretch = f"bytes {request.first}-{len(content) - 1}/{len(content)}"
        request.answer(206, content[request.first :], Content_Range=stretch)

    indexes.rules[NAME] = all_the_rest
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert starts(indexes) == [0]


def test_a_host_that_does_not_tell_the_size_is_asked_for_all_the_rest(
    indexes: Indexes, cache: Cache
) -> None:
    def of_unknown(request: Request, content: bytes) -> None:
        part = content[request.first : request.end]
        stretch = f"bytes {request.first}-{request.first + len(part) - 1}/*"
        request.answer(206, part, Content_Range=stretch)

    indexes.rules[NAME] = of_unknown
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert starts(indexes) == [0, STRETCH]


@pytest.mark.parametrize("first", STARTS[1:3])
def test_a_host_that_sends_no_more_parts(indexes: Indexes, cache: Cache, first: int) -> None:
    def whole(request: Request, content: bytes) -> None:
        request.answer(200, content)

    def until_then(request: Request, content: bytes) -> None:
        (whole if request.first >= first else send)(request, content)

    indexes.rules[NAME] = until_then
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]


def test_a_host_that_fails_but_for_the_whole(indexes: Indexes, cache: Cache) -> None:
    def nothing_in_parts(request: Request, content: bytes) -> None:
        request.answer(*((416, b"") if "Range" in request.headers else (200, content)))

    indexes.rules[NAME] = nothing_in_parts
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert starts(indexes) == [0, 0]


def test_a_wrong_part_is_not_taken(indexes: Indexes, cache: Cache) -> None:
    indexes.rules[NAME] = At(STARTS[2], shifted)
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert starts(indexes) == sorted([*STARTS, STARTS[2]])


@pytest.mark.parametrize("first", [0, STARTS[2]])
def test_a_host_that_always_sends_a_wrong_part(indexes: Indexes, cache: Cache, first: int) -> None:
    def wrong(request: Request, content: bytes) -> None:
        (shifted if "Range" in request.headers else send)(request, content)

    indexes.rules[NAME] = At(first, wrong, times=999)
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert starts(indexes).count(0) == 2


def test_a_stretch_that_breaks_off_goes_on_where_it_ended(indexes: Indexes, cache: Cache) -> None:
    indexes.rules[NAME] = At(STARTS[2], cut)
    counting = Counting()
    assert get(wanted(CONTENT), cache=cache, progress=counting) == [CONTENT]
    # The others are not asked for again.
    assert starts(indexes) == sorted([*STARTS, STARTS[2] + 100_000])
    assert counting.bars[NAME] == len(CONTENT)


def test_what_came_before_a_stretch_that_fails_is_kept(indexes: Indexes, cache: Cache) -> None:
    refuse: Fault = lambda request, _: request.answer(404, b"")  # noqa: E731
    indexes.rules[NAME] = At(STARTS[2], refuse, times=999)
    with pytest.raises(MissingFilesError, match=r"no such file \(404\)"):
        get(wanted(CONTENT), cache=cache)
    part = cache.root / "partial" / wanted(CONTENT).sha256
    assert part.read_bytes() == CONTENT[: STARTS[2]]
    indexes.rules.clear()
    indexes.asked.clear()
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert starts(indexes) == STARTS[2:]


def test_a_host_that_refuses_several_connections(indexes: Indexes, cache: Cache) -> None:
    """It gets fewer in the end, and nothing that it refuses fails the download."""
    alone = threading.Lock()
    refused = list[int]()

    def one_at_a_time(request: Request, content: bytes) -> None:
        if alone.acquire(blocking=False):
            try:
                request.send_file(content)
            finally:
                alone.release()
        else:
            refused.append(request.first)
            request.answer(429, b"")

    indexes.rules[NAME] = one_at_a_time
    assert get(wanted(CONTENT), cache=cache, patience=Patience(backoff=0.1)) == [CONTENT]
    assert refused


@pytest.mark.parametrize("named", [True, False], ids=["named", "nameless"])
@pytest.mark.parametrize("count", range(1, len(STARTS)))
def test_a_file_that_changes_meanwhile(
    indexes: Indexes, cache: Cache, count: int, *, named: bool
) -> None:
    """After so many requests; a version may have an ETag or none."""
    lock = threading.Lock()
    left = count

    def change(request: Request, content: bytes) -> None:
        nonlocal left
        with lock:
            left -= 1
            now = content if left >= 0 else CHANGED
        request.send_file(now, "" if named else None)

    indexes.rules[NAME] = change
    file = replace(wanted(CHANGED), url=f"{indexes.address}{PATH}")
    assert get(file, cache=cache) == [CHANGED]
    assert left_over(cache) == []


def test_two_hosts_behind_one_name(indexes: Indexes, cache: Cache) -> None:
    """They have the same file, and each its own ETag for it."""
    turn = iter(range(999))

    def either(request: Request, content: bytes) -> None:
        request.send_file(content, f'"{next(turn) % 2}"')

    indexes.rules[NAME] = either
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]


def test_parts_that_do_not_belong_together(indexes: Indexes, cache: Cache) -> None:
    """And have no ETag that would tell: only the whole is what it should be."""
    turn = iter(range(999))

    def either(request: Request, content: bytes) -> None:
        changed = "Range" in request.headers and next(turn) % 2
        request.send_file(CHANGED if changed else content, None)

    indexes.rules[NAME] = either
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert starts(indexes).count(0) == 2


def test_another_run_goes_on_in_stretches(indexes: Indexes, cache: Cache) -> None:
    (cache.root / "partial").mkdir(parents=True)
    (cache.root / "partial" / wanted(CONTENT).sha256).write_bytes(CONTENT[:500_000])
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert starts(indexes) == list(range(500_000, len(CONTENT), STRETCH))


def test_a_bad_beginning_is_dropped(indexes: Indexes, cache: Cache) -> None:
    (cache.root / "partial").mkdir(parents=True)
    (cache.root / "partial" / wanted(CONTENT).sha256).write_bytes(CHANGED[:500_000])
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert indexes.asked[-1] == ("GET", PATH, 0)


@pytest.mark.parametrize("size", [None, 1_700_000, 2_300_000])
def test_sizes_other_than_stated(indexes: Indexes, cache: Cache, size: int | None) -> None:
    """What has another size than locked is not read."""
    content = (CONTENT + CHANGED)[: size or len(CONTENT)]
    file = replace(wanted(content), size=size, url=f"{indexes.address}{PATH}")
    if size is None:
        assert get(file, cache=cache) == [content]
        assert starts(indexes) == STARTS
    else:
        with pytest.raises(MissingFilesError, match=f"states 2,000,000 bytes, and {size:,} are"):
            get(file, cache=cache)


def test_an_unstated_size_has_a_limit(
    indexes: Indexes, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.fetch.download._LARGEST_UNSTATED", 1_500_000)
    indexes.rules[NAME] = send
    with pytest.raises(MissingFilesError, match="states 2,000,000 bytes, more than 1,500,000"):
        get(replace(wanted(CONTENT), size=None), cache=cache)
    assert left_over(cache) == []


def test_stretches_are_not_compressed_either(indexes: Indexes, cache: Cache) -> None:
    def pack(request: Request, content: bytes) -> None:
        assert request.headers["Accept-Encoding"] == "identity"
        part = content[request.first : request.end]
        stretch = f"bytes {request.first}-{request.first + len(part) - 1}/{len(content)}"
        request.answer(206, part, Content_Encoding="gzip", Content_Range=stretch)

    indexes.rules[NAME] = At(STARTS[2], pack, times=999)
    with pytest.raises(MissingFilesError, match=r"compresses what it sends \(gzip\)"):
        get(wanted(CONTENT), cache=cache)


def test_addresses_that_are_good_for_one_request(indexes: Indexes, cache: Cache) -> None:
    """As signed ones are for some minutes: each stretch asks where it is now."""
    tickets = iter(range(999))
    used = set[str]()

    def signed(request: Request, content: bytes) -> None:
        ticket = request.path.partition("?")[2]
        if not ticket:
            request.answer(302, b"", Location=f"{PATH}?{next(tickets)}")
        elif ticket in used:
            request.answer(403, b"")
        else:
            used.add(ticket)
            request.send_file(content)

    indexes.rules[NAME] = signed
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert len(used) == len(STARTS)


def test_credentials_go_with_each_stretch(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, CONTENT, index="private")
    login = indexes.address.replace("//", "//user:secret@") + "/private"
    assert get(wanted(CONTENT, index=login), cache=cache) == [CONTENT]
    asked = [first for _, path, first in indexes.asked if path.startswith("/private/files")]
    assert sorted(asked) == STARTS


def test_a_host_that_refuses_each_stretch_is_soon_asked_for_all_the_rest(
    indexes: Indexes, cache: Cache
) -> None:
    refused = list[int]()

    def refuse_once(request: Request, content: bytes) -> None:
        if request.first and request.first not in refused and len(refused) < 5:
            refused.append(request.first)
            request.answer(503, b"")
        else:
            request.send_file(content)

    indexes.rules[NAME] = refuse_once
    assert get(wanted(CONTENT), cache=cache) == [CONTENT]
    assert sorted(refused) == STARTS[1:5]
    assert starts(indexes)[-1] == STARTS[4]
