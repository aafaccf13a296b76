"""Downloads what is not in the cache, several files at a time, each resumed where it broke off."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from builder.disk import require_room
from builder.errors import DownloadError
from builder.fetch.addresses import host_of, with_login
from builder.fetch.cache import Cache, PartialFile, sync
from builder.fetch.failures import TransportError, UnusablePartError, printable
from builder.fetch.indexes import default_index, locate, source_of
from builder.fetch.model import WantedFile
from builder.fetch.origins import Attester, remember, unattested
from builder.fetch.pages import ListedFile
from builder.fetch.ranges import Lookahead, Source
from builder.fetch.transfer import StoppedError, Transfer
from builder.fetch.transport import PATIENT, Patience, Transport
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
    pending = [] if offline else unattested(cache, (files[sha256] for sha256 in found))
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
    if pending:
        with closing(Attester(cache, connections=1)) as attester:
            attester.complete(pending)
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
        closing(Attester(cache, connections=jobs)) as attester,
        Lookahead(transport.stopped) if jobs > 1 else nullcontext() as lookahead,
        progress.bar(f"fetch {len(files)} files", total) as bar,
        ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="fetch") as pool,
    ):
        downloads = _Downloads(cache, transport, attester, lookahead, progress, bar)

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
            attester.stop()
        if error := next((error for future in done if (error := future.exception())), None):
            raise error
    return [future.result() for future in futures]


class _Downloads:
    """What all threads of one fetch share."""

    def __init__(
        self,
        cache: Cache,
        transport: Transport,
        attester: Attester,
        lookahead: Lookahead | None,
        progress: Progress,
        total: Bar,
    ) -> None:
        self._cache = cache
        self._attester = attester
        self._transport = transport
        self._lookahead = lookahead
        self._progress = progress
        self._total = total

    def get(self, file: WantedFile) -> Path | _Absence:
        """One file, or why not."""
        host = host_of(source_of(file))
        try:
            if self._transport.stopped.is_set():
                raise StoppedError
            with self._cache.open_partial(file) as part:
                if path := self._cache.find(file):
                    # Another build has fetched it while we waited.
                    return path
                if file.url:
                    return self._download(file, file.url, part)
                found = locate(file, self._transport)
                host = host_of(found.url)
                path = self._download(file, found.url, part)
                self._tell_if_yanked(file, found.listed)
                remember(self._cache, file, found.listed)
                self._attester.attest(file, found.page, found.listed)
                return path
        except TransportError as error:
            return _Absence(file=file, host=host, reason=str(error))

    def _tell_if_yanked(self, file: WantedFile, listed: ListedFile) -> None:
        if listed.yanked is not None:
            reason = f": {printable(listed.yanked)}" if listed.yanked else ""
            self._progress.warn(
                f"{file.filename} was withdrawn from its index (yanked){reason}. It is taken all "
                "the same, since the lock names it."
            )

    def _download(self, file: WantedFile, url: str, part: PartialFile) -> Path:
        with ExitStack() as stack:
            bars, lookahead = [self._total], None
            if _most_bytes(file) >= _LARGE:
                bars.append(stack.enter_context(self._progress.bar(file.filename, file.size or 0)))
                lookahead = self._lookahead
            transfer = Transfer(
                file, part, limit=_most_bytes(file), bars=bars, stop=self._transport.stopped
            )
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
                except UnusablePartError:
                    # Only a request for a part gets here, so it cannot happen again at once.
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
