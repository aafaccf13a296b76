"""Transcodes wheels in the background, on all cores and in bounded memory."""

import os
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from threading import Event, Lock
from types import TracebackType
from typing import Self

from builder.fetch import Cache, require_intact
from builder.progress import Bar
from builder.transcode.memory import MemoryBudget, return_freed_memory
from builder.transcode.recipe import Recipe
from builder.transcode.shelf import Shelf
from builder.transcode.wheel import Transcoding, transcode
from builder.wheels import StoredWheel

# Leaves the rest of the builder as much again, below the 300 MB that it promises.
_MEMORY = 160 << 20
# Each needs some megabytes besides; more would only wait for the memory of large members.
_MOST_THREADS = 8


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class _Job:
    """An original; the largest is the first in order."""

    negative_size: int
    sha256: str
    filename: str = field(compare=False)
    path: Path = field(compare=False)


class Transcoder:
    """Takes originals while they come, the largest of those that wait first; a context.

    Leaving the context stops what still runs, within moments.

    Args:
        cache: where the results are kept, and found again.
        recipe: what to do.
        bar: hears how many bytes of originals are done.
        threads: None takes one for each core.
    """

    def __init__(
        self, cache: Cache, recipe: Recipe, bar: Bar, *, threads: int | None = None
    ) -> None:
        return_freed_memory()
        self._shelf = Shelf(cache, recipe)
        self._stop = Event()
        self._by = Transcoding(
            recipe=recipe,
            memory=MemoryBudget(_MEMORY),
            advance=bar.advance,
            stopped=self._stop.is_set,
        )
        self._pool = ThreadPoolExecutor(
            max_workers=threads or min(_MOST_THREADS, os.cpu_count() or 1),
            thread_name_prefix="transcode",
        )
        self._guard = Lock()
        self._waiting: list[_Job] = []
        self._futures: list[Future[None]] = []
        self._results: dict[str, StoredWheel] = {}
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)

    def add(self, path: Path, filename: str, sha256: str) -> None:
        """Begin with a wheel, unless it was done by an earlier build; from any thread.

        Args:
            path: of the original.
            filename: its proper name, for messages.
            sha256: what it must have; compared before it is used.

        Raises:
            ReportedError: what has gone wrong with an earlier one.
        """
        self._raise_first_error()
        if found := self._shelf.find(sha256):
            self._results[sha256] = found
            return
        job = _Job(negative_size=-path.stat().st_size, sha256=sha256, filename=filename, path=path)
        with self._guard:
            heappush(self._waiting, job)
            self._futures.append(self._pool.submit(self._do_largest))

    def results(self) -> dict[str, StoredWheel]:
        """Wait for all that were added: SHA-256 of the original to what is stored of it.

        Raises:
            DamagedBundleError: an original is not what it was when it was fetched.
            RefusedContentError: one cannot be unpacked.
            NoSpaceError: the cache's disk is full.
            NotWritableError: the cache cannot be written.
        """
        wait(self._futures, return_when=FIRST_EXCEPTION)
        self._raise_first_error()
        return dict(self._results)

    def _do_largest(self) -> None:
        with self._guard:
            job = heappop(self._waiting)
        try:
            self._results[job.sha256] = self._get(job)
        except BaseException as error:
            self._error = self._error or error
            raise

    def _get(self, job: _Job) -> StoredWheel:
        def make(target: Path) -> None:
            require_intact(job.path, job.filename, job.sha256)
            transcode(job.path, job.filename, target, self._by)

        return self._shelf.get(job.sha256, make, self._stop.is_set)

    def _raise_first_error(self) -> None:
        if self._error:
            raise self._error
