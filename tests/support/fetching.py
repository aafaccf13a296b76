"""What the tests of fetching share: files to fetch, and how."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from builder.fetch import Cache, Patience, WantedFile, fetch
from builder.progress import Progress
from tests.support.index_server import Indexes, Request, serve

NAME = "demo-1.0-py3-none-any.whl"
LARGE = bytes(range(256)) * 20_000
# As patient as ever, but in less time.
QUICK = Patience(backoff=0.001)


@contextmanager
def pip_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    """Indexes on this machine, of which ``json`` is pip's own."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(Indexes()) as made:
        monkeypatch.setenv("PIP_INDEX_URL", f"{made.address}/json")
        yield made


def wanted(content: bytes, filename: str = NAME, index: str | None = None) -> WantedFile:
    return WantedFile(
        project=filename.partition("-")[0],
        filename=filename,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        index=index,
    )


def get(
    *files: WantedFile,
    cache: Cache,
    offline: bool = False,
    progress: Progress | None = None,
    jobs: int = 3,
    patience: Patience = QUICK,
) -> list[bytes]:
    """Fetch files; their contents."""
    found = fetch(
        files,
        cache,
        offline=offline,
        jobs=jobs,
        progress=progress or Progress(),
        patience=patience,
    )
    return [found[file.sha256].read_bytes() for file in files]


def offer(indexes: Indexes, content: bytes, filename: str = NAME, index: str = "json") -> None:
    indexes.files.setdefault(index, {})[filename] = content


def left_over(cache: Cache) -> list[str]:
    return [path.name for path in (cache.root / "partial").iterdir() if path.suffix != ".lock"]


class Cut:
    """Promises everything that is asked for and hangs up after ``count`` bytes of it."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(self, request: Request, content: bytes) -> None:
        part = content[request.first :]
        stretch = f"bytes {request.first}-{len(content) - 1}/{len(content)}"
        code = 206 if request.first else 200
        request.send_response(code)
        request.send_header("Content-Length", str(len(part)))
        request.send_header("Content-Range", stretch)
        request.send_header("ETag", '"same"')
        request.end_headers()
        request.wfile.write(part[: self._count])
        request.close_connection = True
