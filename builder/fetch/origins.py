"""What an index said of the files that came from it, remembered beside the cached files.

::

    origins/<sha256>.json         which index, when uploaded, whether attested
    origins/<sha256>.provenance   the attestations (PEP 740), as the index has them
"""

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event

import msgspec

from builder.errors import RefusedContentError
from builder.fetch.addresses import host_of, linked
from builder.fetch.cache import Cache
from builder.fetch.failures import TransportError
from builder.fetch.indexes import locate, source_of
from builder.fetch.model import WantedFile
from builder.fetch.pages import ListedFile
from builder.fetch.transport import Patience, Transport
from builder.progress import Progress

_ACCEPTED = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5"
_LARGEST_PROVENANCE = 1 << 20
_ASIDE = Patience(
    reaching=0,
    waiting=0,
    connect_seconds=5,
    silent_seconds=10,
    answer_seconds=10,
    least_speed=50_000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a file came from, and what was said of it there.

    Attributes:
        index: the index's name in the manifest; None is pip's own.
        filename: the file's.
        sha256: the file's, hexadecimal.
        upload_time: when it was uploaded there; None where the index does not tell.
        attestation: the index's provenance document of it (PEP 740), JSON, nothing in it was
            verified; None where there is none, or it could not be had.
    """

    index: str | None
    filename: str
    sha256: str
    upload_time: datetime | None
    attestation: bytes | None


class _Remembered(msgspec.Struct, kw_only=True):
    """An origin in the cache. No address: some hold passwords."""

    index: str | None
    filename: str
    upload_time: datetime | None
    attested: bool


class _Provenance(msgspec.Struct):
    """As much of it as tells that it is one."""

    version: int
    attestation_bundles: list[msgspec.Raw]


def origins(cache: Cache, wanted: Iterable[WantedFile]) -> dict[str, Origin]:
    """The origins of files in the cache, by SHA-256.

    Files that came otherwise than from an index have none, nor do those that an earlier version
    has fetched. Nothing is asked.
    """
    found = dict[str, Origin]()
    for file in wanted:
        if remembered := _recall(cache, file):
            found[file.sha256] = Origin(
                index=remembered.index,
                filename=remembered.filename,
                sha256=file.sha256,
                upload_time=remembered.upload_time,
                attestation=_attestation(cache, file) if remembered.attested else None,
            )
    return found


def unattested(cache: Cache, files: Iterable[WantedFile]) -> list[WantedFile]:
    """Those whose index has attestations that could not be had so far."""
    return [
        file
        for file in files
        if (remembered := _recall(cache, file))
        and remembered.attested
        and _attestation(cache, file) is None
    ]


def remember(cache: Cache, file: WantedFile, listed: ListedFile) -> None:
    """Keep what an index says of a file.

    Raises:
        OSError: the cache cannot be written.
    """
    remembered = _Remembered(
        index=file.index_name,
        filename=file.filename,
        upload_time=listed.upload_time,
        attested=listed.provenance is not None,
    )
    _write(_place(cache, file), msgspec.json.encode(remembered))


class Attester:
    """Fetches attestations, aside: what fails is left for the next build.

    Args:
        cache: where they go.
        connections: how many threads will use it.
    """

    def __init__(self, cache: Cache, *, connections: int) -> None:
        self._cache = cache
        self._transport = Transport(connections=connections, patience=_ASIDE)
        # A host that cannot be reached would keep each file waiting.
        self._given_up = Event()

    def attest(self, file: WantedFile, address: str, listed: ListedFile) -> None:
        """Fetch those of a file, where the index has any.

        Args:
            file: a remembered one.
            address: of the page where it is listed.
            listed: what stands there.
        """
        if listed.provenance is None or self._given_up.is_set():
            return
        try:
            document = _read_provenance(self._transport, address, listed.provenance)
            if is_provenance(document):
                _write(_provenance_place(self._cache, file), document)
        except TransportError as error:
            if error.status is None:
                self._given_up.set()
        except OSError:
            self._given_up.set()

    def complete(self, files: Iterable[WantedFile]) -> None:
        """Try once more to get those of files that were cached without."""
        with suppress(TransportError, RefusedContentError):
            for file in files:
                found = locate(file, self._transport)
                self.attest(file, found.page, found.listed)

    def stop(self) -> None:
        """Let no thread wait any longer."""
        self._transport.stop()

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()


def attestation_digests(
    files: Iterable[WantedFile], progress: Progress, *, jobs: int = 8
) -> dict[str, str]:
    """Ask the indexes for what they have of attestations; fetches and keeps nothing.

    Args:
        files: whose.
        progress: hears of files whose index could not be asked.
        jobs: questions at the same time.

    Returns:
        SHA-256 of a file to that of its provenance document (PEP 740), where there is one.

    Raises:
        RefusedContentError: an index names files by paths.
    """
    silent = set[str]()
    with (
        closing(Transport(connections=jobs, patience=_ASIDE)) as transport,
        ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="attestations") as pool,
    ):
        try:
            asked = {file: pool.submit(_digest, file, transport, silent) for file in files}
            wait(asked.values())
        finally:
            # Leaving the pool waits for its threads.
            transport.stop()
            pool.shutdown(cancel_futures=True)
    digests, failed = dict[str, str](), list[str]()
    for file, future in asked.items():
        try:
            if digest := future.result():
                digests[file.sha256] = digest
        except TransportError as error:
            failed.append(f"{file.filename} ({host_of(source_of(file))}: {error})")
    if failed:
        progress.warn(
            f"Whether there are attestations is not known of {len(failed)} files, such as "
            f"{failed[0]}; lock --keep asks again."
        )
    return digests


def _digest(file: WantedFile, transport: Transport, silent: set[str]) -> str | None:
    """SHA-256 of a file's provenance document; None where its index has none.

    Args:
        file: which.
        transport: asks.
        silent: hosts that could not be reached; each would keep every file waiting.

    Raises:
        TransportError: it cannot be told.
        RefusedContentError: the index names files by paths.
    """
    host = host_of(source_of(file))
    if host in silent:
        raise TransportError("it was not asked any more", transient=True)
    try:
        found = locate(file, transport)
        if found.listed.provenance is None:
            return None
        document = _read_provenance(transport, found.page, found.listed.provenance)
    except TransportError as error:
        if error.status is None:
            silent.add(host)
        raise
    if not is_provenance(document):
        raise TransportError("what it gives is no provenance document", transient=False)
    return hashlib.sha256(document).hexdigest()


def _read_provenance(transport: Transport, page: str, link: str) -> bytes | bytearray:
    """What an index has at the link of a page.

    Raises:
        TransportError: it does not give it.
    """
    document = transport.read(linked(page, link), accept=_ACCEPTED, limit=_LARGEST_PROVENANCE)
    return document.content


def _recall(cache: Cache, file: WantedFile) -> _Remembered | None:
    try:
        return msgspec.json.decode(_place(cache, file).read_bytes(), type=_Remembered)
    except (OSError, msgspec.MsgspecError, ValueError):
        return None


def _attestation(cache: Cache, file: WantedFile) -> bytes | None:
    try:
        content = _provenance_place(cache, file).read_bytes()
    except OSError:
        return None
    return content if is_provenance(content) else None


def is_provenance(content: bytes | bytearray) -> bool:
    """Whether a document is a provenance object of PEP 740; nothing in it is verified."""
    try:
        return bool(msgspec.json.decode(content, type=_Provenance).attestation_bundles)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def _place(cache: Cache, file: WantedFile) -> Path:
    return cache.root / "origins" / f"{file.sha256}.json"


def _provenance_place(cache: Cache, file: WantedFile) -> Path:
    return _place(cache, file).with_suffix(".provenance")


def _write(path: Path, content: bytes | bytearray) -> None:
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(f"{path.suffix}.{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(path)
