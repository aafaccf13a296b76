"""A server that sends a file in parts, well or badly, and a file that is large enough."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.fetching import NAME, offer, pip_index
from tests.support.index_server import Fault, Indexes, Request, etag_of

STRETCH = 300_000
# No two parts of it are alike, as those of two versions must not be.
CONTENT, CHANGED = (random.Random(seed).randbytes(2_000_000) for seed in (1, 2))  # noqa: S311
STARTS = list(range(0, len(CONTENT), STRETCH))
PATH = f"/json/files/{NAME}"


@contextmanager
def stretch_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    """pip's index with that file, and a builder that takes it for a large one."""
    monkeypatch.setattr("builder.fetch.download._LARGE", 1_000_000)
    monkeypatch.setattr("builder.fetch.ranges._STRETCH", STRETCH)
    monkeypatch.setattr("builder.fetch.ranges._CHUNK", 100_000)
    # Or else this machine's own speed would decide.
    monkeypatch.setattr("builder.fetch.ranges._FAST", float("inf"))
    with pip_index(monkeypatch) as made:
        offer(made, CONTENT)
        yield made


def starts(indexes: Indexes) -> list[int]:
    return sorted(first for _, path, first in indexes.asked if path.startswith(PATH))


def send(request: Request, content: bytes) -> None:
    request.send_file(content)


class At:
    """Does one thing to the first requests for a part, and another to all the rest."""

    def __init__(self, first: int, fault: Fault, *, times: int = 1, rest: Fault = send) -> None:
        self._first = first
        self._fault = fault
        self._rest = rest
        self._left = times
        self._lock = threading.Lock()

    def __call__(self, request: Request, content: bytes) -> None:
        with self._lock:
            hit = request.first == self._first and self._left > 0
            self._left -= hit
        (self._fault if hit else self._rest)(request, content)


def cut(request: Request, content: bytes) -> None:
    """Hang up in the middle of a part."""
    part = content[request.first : request.end]
    stretch = f"bytes {request.first}-{request.first + len(part) - 1}/{len(content)}"
    headers = {"Content_Range": stretch, "Content_Length": str(len(part))}
    request.answer(206, part[:100_000], ETag=etag_of(content), **headers)
    request.close_connection = True


def shifted(request: Request, content: bytes) -> None:
    """Say, and send, something else than was asked for."""
    first, end = request.first + 5, (request.end or len(content)) + 5
    part = content[first:end]
    stretch = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
    request.answer(206, part, ETag=etag_of(content), Content_Range=stretch)
