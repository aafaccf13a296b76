"""How long a fetch waits for a host that is silent, busy or away."""

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builder.fetch import HASTY, PATIENT, Cache, MissingFilesError, Patience, WantedFile
from tests.support.fetching import NAME, get, wanted
from tests.support.index_server import Indexes, Request
from tests.support.stretches import CONTENT, PATH, STRETCH, At, stretch_index


@pytest.fixture
def indexes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    with stretch_index(monkeypatch) as made:
        yield made


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


class Silence:
    """Sends so much and then nothing, until it is told to give up."""

    def __init__(self, code: int, **headers: str) -> None:
        self._code = code
        self._headers = headers
        self.begun = threading.Event()
        self.over = threading.Event()
        self.was_told = list[bool]()

    def __call__(self, request: Request, content: bytes) -> None:
        if self._code:
            request.answer(self._code, content[:10], **self._headers)
        self.begun.set()
        self.was_told.append(self.over.wait(30))
        request.close_connection = True


@pytest.mark.parametrize(
    ("first", "silence"),
    [
        (0, Silence(0)),
        (0, Silence(206, Content_Range="bytes 0-299999/2000000", Content_Length="300000")),
        (0, Silence(200, Content_Length="2000000", Connection="close")),
        (STRETCH, Silence(0)),
        (STRETCH, Silence(206, Content_Range="bytes 300000-599999/2000000")),
        (0, Silence(503, Retry_After="30")),
    ],
    ids=["no answer", "part", "whole", "no stretch", "stretch", "busy"],
)
def test_an_interrupted_fetch_waits_for_no_host(
    indexes: Indexes, cache: Cache, first: int, silence: Silence
) -> None:
    indexes.rules[NAME] = At(first, silence, times=99)

    def interrupt() -> None:
        assert silence.begun.wait(30)
        threading.Event().wait(0.3)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        get(wanted(CONTENT), cache=cache, patience=PATIENT)
    other.join()
    names = [thread.name for thread in threading.enumerate()]
    silence.over.set()
    assert not [name for name in names if name.startswith(("fetch", "ahead"))]
    assert False not in silence.was_told


def test_a_hasty_fetch_tries_once_to_reach_a_host(indexes: Indexes, cache: Cache) -> None:
    def hang_up(request: Request, _: bytes) -> None:
        request.close_connection = True

    indexes.rules[NAME] = hang_up
    file = WantedFile(
        project="demo",
        filename=NAME,
        sha256="0" * 64,
        size=10,
        index=None,
        url=f"{indexes.address}{PATH}",
    )
    for patience, tries in ((replace(HASTY, backoff=0.001), 1), (Patience(backoff=0.001), 5)):
        indexes.asked.clear()
        with pytest.raises(MissingFilesError, match="it cannot be reached"):
            get(file, cache=cache, patience=patience)
        assert len(indexes.asked) == tries
