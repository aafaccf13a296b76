"""What an index says of a file is remembered with it; its attestations never stand in the way."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builder.fetch import Cache, Origin, attestation_digests, origins
from tests.hostile.network.play import ready_stage, run_script
from tests.hostile.network.script import (
    CONTENT,
    JSON,
    NAME,
    SECRET,
    SHA256,
    Answer,
    Script,
    html,
    listing,
    page,
    page_answer,
    say,
)
from tests.hostile.network.server import Play, Stage
from tests.support.counting import Counting
from tests.support.fetching import get, wanted

PROVENANCE = json.dumps({"version": 1, "attestation_bundles": [{"attestations": []}]}).encode()
UPLOADED = "2024-05-06T07:08:09.123456Z"
ATTESTED = page_answer(page(listing(**{"upload-time": UPLOADED, "provenance": "@MAIN@/p"})))
FILE = replace(wanted(CONTENT, NAME), index_name="ours")
ORIGIN = Origin(
    index="ours",
    filename=NAME,
    sha256=SHA256,
    upload_time=datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC),
    attestation=PROVENANCE,
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with ready_stage(tmp_path) as opened:
        yield opened


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@contextmanager
def playing(stage: Stage, *pages: Answer, p: tuple[Answer, ...] = ()) -> Iterator[Play]:
    script = Script(name="x", row=0, routes={"page": pages, "p": p})
    with stage.playing(script) as play:
        yield play


def fetched(stage: Stage, play: Play, cache: Cache, server: str = "@MAIN@") -> Origin | None:
    index = stage.fill(f"{server}/index", play)
    assert get(replace(FILE, index=index), cache=cache, progress=Counting()) == [CONTENT]
    return origins(cache, [FILE]).get(SHA256)


def paths(play: Play) -> list[str]:
    return [asked.path for asked in play.asked]


def test_upload_time_and_attestations_are_remembered(stage: Stage, cache: Cache) -> None:
    with playing(stage, ATTESTED, p=(say(200, PROVENANCE),)) as play:
        assert fetched(stage, play, cache) == ORIGIN
        count = len(play.asked)
        assert fetched(stage, play, cache) == ORIGIN
        assert len(play.asked) == count
    assert get(FILE, cache=cache, offline=True) == [CONTENT]
    assert origins(cache, [FILE]) == {SHA256: ORIGIN}


@pytest.mark.parametrize(
    "failing", [say(500), say(404), say(200, b"{}"), say(200, b"\xff"), say(302, Location="x:")]
)
def test_attestations_that_fail_are_tried_again_by_the_next_build(
    stage: Stage, cache: Cache, failing: Answer
) -> None:
    with playing(stage, ATTESTED, p=(failing, say(200, PROVENANCE))) as play:
        assert fetched(stage, play, cache) == replace(ORIGIN, attestation=None)
        assert paths(play).count("p") == 1
        assert fetched(stage, play, cache) == ORIGIN
        assert paths(play).count(f"files/{NAME}") == 1


def test_an_index_that_has_gone_keeps_nobody_from_what_is_cached(
    stage: Stage, cache: Cache
) -> None:
    gone = (say(404), page_answer(page(listing(filename=f"..%2f{NAME}"))), page_answer(b"{"))
    with playing(stage, ATTESTED, *gone, p=(say(500),)) as play:
        for _ in range(4):
            assert fetched(stage, play, cache) == replace(ORIGIN, attestation=None)


def test_an_index_that_says_nothing_leaves_its_name(stage: Stage, cache: Cache) -> None:
    with playing(stage, html(f"../../files/{NAME}")) as play:
        nothing = replace(ORIGIN, upload_time=None, attestation=None)
        assert fetched(stage, play, cache) == nothing


@pytest.mark.parametrize("time", ["yesterday", "2024-05-06", "", "9" * 5000])
def test_what_is_no_time_tells_nothing(stage: Stage, cache: Cache, time: str) -> None:
    with playing(stage, page_answer(page(listing(**{"upload-time": time})), JSON)) as play:
        origin = fetched(stage, play, cache)
        assert origin
        assert origin.upload_time is None


def test_logins_are_not_remembered(stage: Stage, cache: Cache) -> None:
    near = page_answer(page(listing(provenance="../../p")))
    with playing(stage, near, p=(say(500),)) as play:
        assert fetched(stage, play, cache, "@LOGIN@")
        assert [asked for asked in play.asked if "authorization" in asked.headers]
    kept = [path.read_bytes() for path in cache.root.rglob("*") if path.is_file()]
    assert not [content for content in kept if SECRET.encode() in content]


def test_what_did_not_come_from_an_index_has_no_origin(stage: Stage, cache: Cache) -> None:
    with playing(stage) as play:
        file = replace(FILE, url=stage.fill(f"@MAIN@/files/{NAME}", play))
        assert get(file, cache=cache) == [CONTENT]
    assert origins(cache, [file]) == {}


def test_a_spoilt_memory_is_none(stage: Stage, cache: Cache) -> None:
    with playing(stage, ATTESTED, p=(say(200, PROVENANCE),)) as play:
        assert fetched(stage, play, cache)
    (cache.root / "origins" / f"{SHA256}.provenance").write_bytes(b"[")
    assert origins(cache, [FILE]) == {SHA256: replace(ORIGIN, attestation=None)}
    (cache.root / "origins" / f"{SHA256}.json").write_bytes(b"\x00")
    assert origins(cache, [FILE]) == {}


def asked_for(stage: Stage, play: Play, progress: Counting) -> dict[str, str]:
    file = replace(FILE, index=stage.fill("@MAIN@/index", play))
    return attestation_digests([file], progress)


def test_their_hash_can_be_had_without_the_file(stage: Stage) -> None:
    counting = Counting()
    with playing(stage, ATTESTED, p=(say(200, PROVENANCE),)) as play:
        digest = hashlib.sha256(PROVENANCE).hexdigest()
        assert asked_for(stage, play, counting) == {SHA256: digest}
        assert f"files/{NAME}" not in paths(play)
    assert counting.said == []


def test_where_there_are_none_nothing_is_said(stage: Stage) -> None:
    counting = Counting()
    with playing(stage, html(f"../../files/{NAME}")) as play:
        assert asked_for(stage, play, counting) == {}
    assert counting.said == []


@pytest.mark.parametrize("failing", [say(500), say(404), say(200, b"{}")])
def test_that_they_could_not_be_had_is_told(stage: Stage, failing: Answer) -> None:
    counting = Counting()
    with playing(stage, ATTESTED, p=(failing,)) as play:
        assert asked_for(stage, play, counting) == {}
    (told,) = counting.said
    assert NAME in told
    assert "lock --keep" in told


def test_a_host_that_cannot_be_reached_is_asked_once() -> None:
    counting = Counting()
    files = [replace(FILE, sha256=digit * 64, index="http://127.0.0.1:9/simple") for digit in "ab"]
    assert attestation_digests(files, counting, jobs=1) == {}
    assert "2 files" in counting.said[0]


def test_what_was_yanked_is_told_and_taken(stage: Stage, cache: Cache) -> None:
    yanked = page_answer(page(listing(yanked="broken\x1b[2J")))
    counting = Counting()
    with playing(stage, yanked) as play:
        file = replace(FILE, index=stage.fill("@MAIN@/index", play))
        assert get(file, cache=cache, progress=counting) == [CONTENT]
    told = [text for text in counting.said if "yanked" in text]
    assert len(told) == 1
    assert "broken?[2J" in told[0]


def test_origins_of_the_scripts_lie_in_the_cache(stage: Stage, tmp_path: Path) -> None:
    script = Script(name="x", row=0, routes={"page": (ATTESTED,)}, exit=0)
    assert run_script(script, stage, tmp_path) == (0, [])
