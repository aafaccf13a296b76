"""Downloads what is not in the cache, several files at a time, each resumed where it broke off."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from builder.disk import require_room
from builder.errors import DownloadError
from builder.fetch.cache import Cache, PartialFile, sync
from builder.fetch.indexes import default_index, locate, source_of, with_login
from builder.fetch.model import WantedFile
from builder.fetch.ranges import Lookahead, Source, Stretch
from builder.fetch.transport import (
    PATIENT,
    Body,
    Patience,
    Transport,
    TransportError,
    UnsatisfiableRangeError,
    host_of,
)
from builder.progress import Bar, Progress

_CHUNK = 1 << 20
# From here on a file has a bar of its own, and comes over several connections.
_LARGE = 50_000_000
# For files whose size nobody has stated. Zip archives without 64-bit extensions, and files on
# FAT32, end here; the largest wheel of torch so far, 2.8.0+cu128 for Windows, has 3.46 GB.
_LARGEST_UNSTATED = 1 << 32
# In a row, without as much as a chunk between them.
_MOST_FAILURES = 4


class MissingFilesError(DownloadError):
    """Some files could not be had. Those that could are in the cache all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Absence:
    """A file that could not be had, from which host, and why."""

    file: WantedFile
    host: str
    reason: str

    def __str__(self) -> str:
        size = f"{self.file.size:,} bytes" if self.file.size is not None else "size not stated"
        source = self.file.url or self.host
        return (
            f"{self.file.filename} ({size}, SHA-256 {self.file.sha256})\n"
            f"    {source}: {self.reason}"
        )


class _StoppedError(Exception):
    """The whole fetch is to end."""


def fetch(
    wanted: Iterable[WantedFile],
    cache: Cache,
    *,
    offline: bool,
    jobs: int,
    progress: Progress,
    arrived: Callable[[WantedFile, Path], None] = lambda _file, _path: None,
    patience: Patience = PATIENT,
) -> dict[str, Path]:
    """Have every wanted file in the cache.

    Args:
        wanted: what; each only from the index or address that it names.
        cache: where it is looked for first, and put.
        offline: open no connection.
        jobs: downloads at the same time; with 1, all comes over one connection.
        progress: hears of bytes.
        arrived: called with each file as soon as it is in the cache, from any thread, those
            that were there first; what it raises ends the fetch.
        patience: with the hosts.

    Returns:
        SHA-256 to path.

    Raises:
        MissingFilesError: lists every file that could not be had, its host and the reason.
        NoSpaceError: the cache's disk has no room for them.
        NotWritableError: the cache cannot be written.
    """
    files = {file.sha256: file for file in wanted}
    found = cache.at_hand(files.values())
    missing = [file for sha256, file in files.items() if sha256 not in found]
    absences = [_offline(file) for file in missing]
    if not (missing and offline):
        for sha256, path in found.items():
            arrived(files[sha256], path)
    if missing and not offline:
        need = sum(max(0, (file.size or 0) - cache.size_of_partial(file)) for file in missing)
        require_room(cache.root, need, option="--cache")
        # The largest first, so that the last thread does not end long after the others.
        missing.sort(key=_most_bytes, reverse=True)
        results = _download_all(missing, cache, jobs, progress, arrived, patience)
        absences = [result for result in results if isinstance(result, _Absence)]
        for file, result in zip(missing, results, strict=True):
            if isinstance(result, Path):
                found[file.sha256] = result
    if absences:
        raise _missing(absences, len(files), offline=offline)
    return found


def size_at(url: str, index: str | None) -> int:
    """Ask a host for the bytes of the file at an address, without fetching it.

    Args:
        url: the address, as a page of the index has it.
        index: that index, whose credentials are used on its own host; None is pip's own.

    Raises:
        DownloadError: it cannot be reached, says no, or does not tell.
    """
    try:
        with closing(Transport(connections=1)) as transport:
            return transport.size_of(with_login(url, index or default_index()))
    except TransportError as error:
        raise DownloadError(
            f"The size of {urlsplit(url).path.rpartition('/')[2]} is not known, {host_of(url)}: "
            f"{error}.",
            remedy="Check the connection and the proxy, then run lock again.",
        ) from error


def _most_bytes(file: WantedFile) -> int:
    return _LARGEST_UNSTATED if file.size is None else file.size


def _offline(file: WantedFile) -> _Absence:
    return _Absence(file=file, host=host_of(source_of(file)), reason="not asked, --offline")


def _missing(absences: Sequence[_Absence], count: int, *, offline: bool) -> MissingFilesError:
    listed = "".join(f"\n  {absence}" for absence in absences)
    remedy = (
        "Fetch them on a machine that can, from the index that is named, and give their folder "
        "with --wheels DIR; what counts is the hash."
    )
    online = (
        "Leave --offline out, or: " if offline else "Check connection and proxy and try again, or: "
    )
    return MissingFilesError(
        f"{len(absences)} of {count} files could not be had:{listed}", remedy=online + remedy
    )


def _download_all(
    files: Sequence[WantedFile],
    cache: Cache,
    jobs: int,
    progress: Progress,
    arrived: Callable[[WantedFile, Path], None],
    patience: Patience,
) -> list[Path | _Absence]:
    total = sum(file.size or 0 for file in files)
    with (
        closing(Transport(connections=jobs, patience=patience)) as transport,
        Lookahead(transport.stopped) if jobs > 1 else nullcontext() as lookahead,
        progress.bar(f"fetch {len(files)} files", total) as bar,
        ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="fetch") as pool,
    ):
        downloads = _Downloads(cache, transport, lookahead, progress, bar)

        def deliver(file: WantedFile) -> Path | _Absence:
            result = downloads.get(file)
            if isinstance(result, Path):
                arrived(file, result)
            return result

        try:
            futures = [pool.submit(deliver, file) for file in files]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            # Leaving the pool waits for its threads.
            transport.stop()
        if error := next((error for future in done if (error := future.exception())), None):
            raise error
    return [future.result() for future in futures]


class _Downloads:
    """What all threads of one fetch share."""

    def __init__(
        self,
        cache: Cache,
        transport: Transport,
        lookahead: Lookahead | None,
        progress: Progress,
        total: Bar,
    ) -> None:
        self._cache = cache
        self._transport = transport
        self._lookahead = lookahead
        self._progress = progress
        self._total = total

    def get(self, file: WantedFile) -> Path | _Absence:
        """One file, or why not."""
        host = host_of(source_of(file))
        try:
            if self._transport.stopped.is_set():
                raise _StoppedError
            with self._cache.open_partial(file) as part:
                if path := self._cache.find(file):
                    # Another build has fetched it while we waited.
                    return path
                url = locate(file, self._transport)
                host = host_of(url)
                return self._download(file, url, part)
        except TransportError as error:
            return _Absence(file=file, host=host, reason=str(error))

    def _download(self, file: WantedFile, url: str, part: PartialFile) -> Path:
        with ExitStack() as stack:
            bars, lookahead = [self._total], None
            if _most_bytes(file) >= _LARGE:
                bars.append(stack.enter_context(self._progress.bar(file.filename, file.size or 0)))
                lookahead = self._lookahead
            transfer = _Transfer(file, part, bars, self._transport.stopped)
            source = Source(
                url, limit=_most_bytes(file), transport=self._transport, lookahead=lookahead
            )
            stack.enter_context(closing(source))
            failures = last = 0
            while not transfer.is_whole():
                if transfer.is_suspicious:
                    source.close()
                try:
                    with source.ask(transfer.size, part.etag) as body:
                        transfer.take(body)
                except UnsatisfiableRangeError:
                    transfer.restart()
                    source.close()
                except TransportError as error:
                    failures = 0 if transfer.size >= last + _CHUNK else failures + 1
                    last = transfer.size
                    if not error.transient or failures > _MOST_FAILURES:
                        raise
                    self._transport.stopped.wait(
                        self._transport.patience.backoff * 2 ** (failures - 1)
                    )
        sync(part.path)
        return part.finish()


class _Transfer:
    """One file on its way: how much of it is there, and the hash of that.

    Attributes:
        size: bytes that are there.
        is_suspicious: it is fetched once more, since its pieces made up another file.
    """

    def __init__(
        self, file: WantedFile, part: PartialFile, bars: Sequence[Bar], stop: Event
    ) -> None:
        self._file = file
        self._part = part
        self._bars = bars
        self._stop = stop
        self._limit = _most_bytes(file)
        self._ended = False
        self.is_suspicious = False
        self._reset()
        if part.size > self._limit:
            part.drop()
        elif part.size:
            self._is_pieced = True
            self._count_what_is_there()

    def is_whole(self) -> bool:
        """Whether all of it is there, and right.

        Raises:
            TransportError: all of it is there, and it is something else.
        """
        actual = self._digest.hexdigest()
        if actual == self._file.sha256:
            return True
        if self.size != self._file.size and not self._ended:
            return False
        # What an earlier run left, or a change of the file meanwhile, may be to blame: then once
        # more, from the beginning.
        was_pieced = self._is_pieced
        self.restart()
        if was_pieced and not self.is_suspicious:
            self.is_suspicious = True
            return False
        raise TransportError(
            f"what it sends has SHA-256 {actual}, not {self._file.sha256}", transient=False
        )

    def take(self, body: Body | Stretch) -> None:
        """Append what comes.

        Raises:
            TransportError: it broke off, or is not the part that was asked for.
        """
        if body.start != self.size:
            self.restart()
            if body.start:
                raise TransportError("it sends another part than asked for", transient=True)
        # Parts with the same strong validator belong together; others may not.
        if body.start and (body.etag is None or body.etag != self._part.etag):
            self._is_pieced = True
        self._part.note_etag(body.etag)
        self._ended = False
        end = min(body.end or self._limit, self._limit)
        if self._append(body, end):
            if self._file.size is None and self.size == self._limit:
                self._part.drop()
                raise TransportError(f"it sends more than {self._limit:,} bytes", transient=False)
        elif self._file.size is None and body.end is None:
            self._ended = True
        else:
            size = self._file.size or end
            raise TransportError(f"it sent {self.size:,} bytes of {size:,}", transient=True)

    def _append(self, body: Body | Stretch, end: int) -> bool:
        """Write what comes up to ``end``; False if it ends before."""
        with self._part.path.open("ab") as file:
            while self.size < end:
                chunk = body.read(min(_CHUNK, end - self.size))
                # Looked at after reading: what a stopped connection gives is of no use.
                if self._stop.is_set():
                    raise _StoppedError
                if not chunk:
                    return False
                file.write(chunk)
                self._count(chunk)
        return True

    def _count_what_is_there(self) -> None:
        with self._part.path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                self._count(chunk)

    def _count(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self.size += len(chunk)
        for bar in self._bars:
            bar.advance(len(chunk))

    def restart(self) -> None:
        """What is there is of no use: begin anew."""
        self._part.drop()
        for bar in self._bars:
            bar.advance(-self.size)
        self._reset()

    def _reset(self) -> None:
        self._digest = hashlib.sha256()
        self.size = 0
        self._is_pieced = False
