"""Files come by hash, from a server that behaves and from one that does not."""

import dataclasses
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.errors import ExitCode, NoSpaceError
from builder.fetch import Cache, MissingFilesError, WantedFile, size_at
from tests.support.counting import Counting
from tests.support.fetching import LARGE, NAME, Cut, get, left_over, offer, pip_index, wanted
from tests.support.index_server import Indexes, Request

TORCH = "torch-2.6.0+cu118-cp311-cp311-linux_x86_64.whl"


@pytest.fixture
def indexes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    with pip_index(monkeypatch) as made:
        yield made


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_a_file_is_fetched_once(indexes: Indexes, cache: Cache) -> None:
    content = indexes.add("json", NAME)
    assert get(wanted(content), cache=cache) == [content]
    count = len(indexes.asked)
    assert get(wanted(content), cache=cache) == [content]
    assert len(indexes.asked) == count
    assert left_over(cache) == []


def test_an_index_as_pytorchs_is(indexes: Indexes, cache: Cache) -> None:
    content = indexes.add("html", TORCH)
    assert get(wanted(content, TORCH, f"{indexes.address}/html"), cache=cache) == [content]
    assert ("GET", f"/html/files/{TORCH.replace('+', '%2B')}", 0) in indexes.asked


def test_a_file_comes_from_its_own_index_only(indexes: Indexes, cache: Cache) -> None:
    content = indexes.add("json", TORCH)
    with pytest.raises(MissingFilesError, match=r"says no \(403\)"):
        get(wanted(content, TORCH, f"{indexes.address}/html"), cache=cache)
    assert not [path for _, path, _ in indexes.asked if path.startswith("/json")]


def test_all_that_is_missing_is_told_and_the_rest_is_kept(indexes: Indexes, cache: Cache) -> None:
    content = indexes.add("json", NAME)
    html = f"{indexes.address}/html"
    absent = [
        wanted(mark, f"absent{n}-1.0-py3-none-any.whl", html)
        for n, mark in enumerate([b"a", b"bc"])
    ]
    with pytest.raises(MissingFilesError) as caught:
        get(*absent, wanted(content), cache=cache)
    error = caught.value
    assert error.exit_code is ExitCode.DOWNLOAD_FAILED
    assert error.message.startswith("2 of 3 files could not be had:")
    for file in absent:
        assert f"{file.filename} ({file.size} bytes, SHA-256 {file.sha256})" in error.message
    assert "127.0.0.1: it says no (403)" in error.message
    assert "--wheels DIR" in error.remedy
    assert cache.find(wanted(content))


def test_a_host_that_is_not_there_is_named(cache: Cache) -> None:
    file = wanted(b"x", index="https://wheels.invalid/whl")
    with pytest.raises(
        MissingFilesError, match=r"wheels\.invalid: it cannot be reached \(.*not known"
    ):
        get(file, cache=cache)


def test_offline_opens_no_connection(indexes: Indexes, cache: Cache) -> None:
    content = indexes.add("json", NAME)
    with pytest.raises(MissingFilesError, match=r"127\.0\.0\.1: not asked, --offline") as caught:
        get(wanted(content), cache=cache, offline=True)
    assert "Leave --offline out" in caught.value.remedy
    assert indexes.asked == []
    get(wanted(content), cache=cache)
    assert get(wanted(content), cache=cache, offline=True) == [content]


def test_another_file_under_the_same_name_is_not_even_fetched(
    indexes: Indexes, cache: Cache
) -> None:
    indexes.add("json", NAME, mark="another")
    with pytest.raises(MissingFilesError, match="it has another file, with SHA-256"):
        get(wanted(b"the locked one"), cache=cache)
    assert not [path for _, path, _ in indexes.asked if "files" in path]


def test_other_bytes_than_locked_are_not_kept(indexes: Indexes, cache: Cache) -> None:
    good = indexes.add("html", NAME)
    forged = good[:-1] + bytes([good[-1] ^ 1])
    indexes.files["html"][NAME] = forged
    indexes.unhashed.add(NAME)
    got = hashlib.sha256(forged).hexdigest()
    file = wanted(good, index=f"{indexes.address}/html")
    with pytest.raises(MissingFilesError, match=f"sends has SHA-256 {got}, not {file.sha256}"):
        get(file, cache=cache)
    assert left_over(cache) == []
    assert cache.find(file) is None


def test_a_broken_transfer_goes_on_where_it_ended(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE)
    indexes.faults[NAME] = [Cut(2_000_000), Cut(1_000_000), Cut(len(LARGE))]
    assert get(wanted(LARGE), cache=cache) == [LARGE]
    starts = [first for _, path, first in indexes.asked if "files" in path]
    assert starts == [0, 2_000_000, 3_000_000]


def test_another_run_goes_on_where_the_last_one_ended(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE)
    indexes.faults[NAME] = [Cut(2_000_000), *[Cut(0)] * 5]
    with pytest.raises(MissingFilesError, match="broke off"):
        get(wanted(LARGE), cache=cache)
    assert wanted(LARGE).sha256 in left_over(cache)
    indexes.faults[NAME] = [Cut(len(LARGE))]
    counting = Counting()
    assert get(wanted(LARGE), cache=cache, progress=counting) == [LARGE]
    assert indexes.asked[-1] == ("GET", f"/json/files/{NAME}", 2_000_000)
    assert counting.bars == {"fetch 1 files": len(LARGE)}
    assert left_over(cache) == []


def test_a_file_that_changed_meanwhile_is_fetched_anew(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE)
    indexes.faults[NAME] = [Cut(2_000_000)]
    # The rest is served by the well-behaved part, which has another ETag and so sends all.
    assert get(wanted(LARGE), cache=cache) == [LARGE]
    assert [first for _, path, first in indexes.asked if "files" in path] == [0, 2_000_000]


def test_a_host_that_knows_no_parts(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE)
    indexes.faults[NAME] = [Cut(2_000_000), lambda request, content: request.answer(200, content)]
    assert get(wanted(LARGE), cache=cache) == [LARGE]


def test_a_wrong_part_is_not_taken(indexes: Indexes, cache: Cache) -> None:
    def shifted(request: Request, content: bytes) -> None:
        stretch = f"bytes {request.first + 5}-{len(content) - 1}/{len(content)}"
        request.answer(206, content[request.first + 5 :], Content_Range=stretch)

    offer(indexes, LARGE)
    indexes.faults[NAME] = [Cut(2_000_000), shifted]
    assert get(wanted(LARGE), cache=cache) == [LARGE]


@pytest.mark.parametrize("rest", [b"rubbish", b"", b"x" * (len(LARGE) + 7)], ids=len)
def test_a_bad_beginning_is_dropped(indexes: Indexes, cache: Cache, rest: bytes) -> None:
    offer(indexes, LARGE)
    file = wanted(LARGE)
    (cache.root / "partial").mkdir(parents=True)
    (cache.root / "partial" / file.sha256).write_bytes(rest)
    assert get(file, cache=cache) == [LARGE]


def test_a_beginning_that_is_all_of_it_needs_no_more_bytes(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE)
    file = wanted(LARGE)
    (cache.root / "partial").mkdir(parents=True)
    (cache.root / "partial" / file.sha256).write_bytes(LARGE)
    assert get(file, cache=cache) == [LARGE]
    assert not [path for _, path, _ in indexes.asked if "files" in path]


def test_a_busy_host_is_asked_again(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE)
    busy = [lambda request, _, code=code: request.answer(code, b"") for code in (503, 429, 500)]
    indexes.faults[NAME] = [*busy]
    assert get(wanted(LARGE), cache=cache) == [LARGE]


def test_a_host_that_stays_busy_is_given_up(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE)
    indexes.faults[NAME] = [lambda request, _: request.answer(503, b"")] * 99
    with pytest.raises(MissingFilesError, match="answers with status 503"):
        get(wanted(LARGE), cache=cache)
    assert len(indexes.faults[NAME]) == 99 - 5


def test_more_than_the_lock_says_is_not_read(indexes: Indexes, cache: Cache) -> None:
    def endless(request: Request, content: bytes) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(content + b"more" * 1_000_000)
        request.close_connection = True

    offer(indexes, LARGE)
    indexes.rules[NAME] = endless
    counting = Counting()
    assert get(wanted(LARGE), cache=cache, progress=counting) == [LARGE]
    assert counting.bars == {"fetch 1 files": len(LARGE)}


def test_a_host_that_states_another_size_is_not_read(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE + b"more", index="html")
    indexes.unhashed.add(NAME)
    counting = Counting()
    with pytest.raises(MissingFilesError, match="states 5,120,004 bytes, and 5,120,000 are locked"):
        get(wanted(LARGE, index=f"{indexes.address}/html"), cache=cache, progress=counting)
    assert counting.bars == {}


def test_compressed_transfers_are_refused(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE)
    indexes.faults[NAME] = [
        lambda request, content: request.answer(200, content, Content_Encoding="gzip")
    ]
    with pytest.raises(MissingFilesError, match=r"compresses what it sends \(gzip\)"):
        get(wanted(LARGE), cache=cache)


def test_redirects_in_circles_end(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE)
    indexes.faults[NAME] = [lambda request, _: request.answer(302, b"", Location=request.path)] * 20
    with pytest.raises(MissingFilesError, match="redirects in circles"):
        get(wanted(LARGE), cache=cache)


def test_credentials_of_the_index_go_to_its_files_and_into_no_message(
    indexes: Indexes, cache: Cache
) -> None:
    content = indexes.add("private", NAME)
    login = indexes.address.replace("//", "//user:secret@") + "/private"
    assert get(wanted(content, index=login), cache=cache) == [content]
    indexes.login = "another"
    with pytest.raises(MissingFilesError, match="wants a login") as caught:
        get(wanted(b"y", "other-1.0-py3-none-any.whl", login), cache=cache)
    assert "secret" not in caught.value.message + caught.value.remedy


def test_a_size_is_asked_for(indexes: Indexes) -> None:
    offer(indexes, LARGE)
    assert size_at(f"{indexes.address}/json/files/{NAME}", None) == len(LARGE)
    assert indexes.asked == [("HEAD", f"/json/files/{NAME}", 0)]


def test_large_files_have_a_bar_of_their_own(
    indexes: Indexes, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.fetch.download._LARGE", 1_000_000)
    small = indexes.add("json", TORCH)
    offer(indexes, LARGE)
    counting = Counting()
    get(wanted(small, TORCH), wanted(LARGE), cache=cache, progress=counting)
    assert counting.bars == {"fetch 2 files": len(LARGE) + len(small), NAME: len(LARGE)}


def test_a_page_that_breaks_off_is_asked_for_again(indexes: Indexes, cache: Cache) -> None:
    content = indexes.add("json", NAME)
    indexes.broken_pages = 2
    assert get(wanted(content), cache=cache) == [content]
    assert [path for _, path, _ in indexes.asked].count("/json/demo/") == 3


UNSTATED = dataclasses.replace(wanted(LARGE), size=None)


def test_a_file_of_unstated_size(indexes: Indexes, cache: Cache) -> None:
    """As some runtimes are; killed between its last byte and its name, it is whole all the same."""
    offer(indexes, LARGE)
    (cache.root / "partial").mkdir(parents=True)
    (cache.root / "partial" / UNSTATED.sha256).write_bytes(LARGE)
    assert get(UNSTATED, cache=cache) == [LARGE]
    assert not [path for _, path, _ in indexes.asked if "files" in path]


def test_rubbish_as_long_as_a_file_of_unstated_size(indexes: Indexes, cache: Cache) -> None:
    offer(indexes, LARGE)
    (cache.root / "partial").mkdir(parents=True)
    (cache.root / "partial" / UNSTATED.sha256).write_bytes(b"x" * len(LARGE))
    assert get(UNSTATED, cache=cache) == [LARGE]


def test_an_unstated_size_has_a_limit(
    indexes: Indexes, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.fetch.download._LARGEST_UNSTATED", 1_000_000)
    offer(indexes, LARGE)
    with pytest.raises(MissingFilesError, match="states 5,120,000 bytes, more than 1,000,000"):
        get(UNSTATED, cache=cache)
    assert left_over(cache) == []


def test_what_is_there_already_needs_no_room(
    indexes: Indexes, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(indexes, LARGE)
    (cache.root / "partial").mkdir(parents=True)
    (cache.root / "partial" / wanted(LARGE).sha256).write_bytes(LARGE[:-1000])
    usage = shutil.disk_usage(cache.root)._replace(free=2000)
    monkeypatch.setattr("builder.disk.shutil.disk_usage", lambda _: usage)
    assert get(wanted(LARGE), cache=cache) == [LARGE]


def test_certificates_that_are_not_there(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "absent.pem"))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with pytest.raises(MissingFilesError, match=r"absent\.pem"):
        get(wanted(b"x", index="https://127.0.0.1:1/"), cache=cache)


def test_credentials_of_the_index_serve_to_ask_for_sizes(indexes: Indexes) -> None:
    offer(indexes, LARGE, index="private")
    login = indexes.address.replace("//", "//user:secret@") + "/private"
    assert size_at(f"{indexes.address}/private/files/{NAME}", login) == len(LARGE)


def test_no_room_is_told_before_anything_is_fetched(indexes: Indexes, cache: Cache) -> None:
    file = WantedFile(project="demo", filename=NAME, sha256="0" * 64, size=1 << 60, index=None)
    with pytest.raises(NoSpaceError, match=r"1152921504\.61 GB are needed"):
        get(file, cache=cache)
    assert indexes.asked == []
