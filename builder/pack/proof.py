"""Proves a bundle that was just written: reads it back as an installer would."""

import hashlib
from collections import deque
from collections.abc import Callable
from pathlib import Path

from bootstrap.bundle.model import Entry, Index
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.signature import Judge
from bootstrap.bundle.wheel import BundleWheel
from builder.errors import DamagedBundleError
from builder.launching import Launcher
from builder.processes import NotExecutableError, ProgramError
from builder.progress import Progress

_CHUNK = 1 << 20


def prove(path: Path, progress: Progress, judge: Judge | None = None) -> tuple[Index, str]:
    """Reopen the bundle and check every hash in one pass over the installer and its volumes.

    Args:
        path: of the installer.
        progress: gets a bar.
        judge: as for :meth:`BundleReader.open`.

    Returns:
        The index, and the SHA-256 of the whole installer.

    Raises:
        DamagedBundleError: names the volumes, or the member, or says that it is the program
            around them, that is not what it should be.
        ReportedError: what ``judge`` raises.
    """
    reader = BundleReader.open(path, judge)
    reader.require_volumes()
    reader.verify_rest()
    volumes = reader.index.volumes
    total = path.stat().st_size + sum(volume.size for volume in volumes)
    members = _Members(reader)
    with progress.bar(f"prove {path.name}", total) as bar:
        whole = _hash(path, _ignore if volumes else members.feed, bar.advance)
        if isinstance(whole, OSError):
            raise DamagedBundleError(
                f"{path} cannot be read: {whole.strerror}.", remedy="Copy it again from its source."
            )
        hashes = [
            _hash(reader.volumes.path(volume), members.feed, bar.advance) for volume in volumes
        ]
    reader.volumes.require_hashes(dict(enumerate(hashes)))
    members.require_intact()
    return reader.index, whole


class _Members:
    """Hashes the members of a payload while its bytes come by, from the first to the last."""

    def __init__(self, reader: BundleReader) -> None:
        self._reader = reader
        self._waiting = deque(sorted(reader.index.entries, key=lambda entry: entry.offset))
        self._digest = hashlib.sha256()
        self._damaged: list[Entry] = []
        # Offsets count from the payload's first byte; the program comes before it.
        self._position = -reader.payload_offset

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the file, or files."""
        view, start = memoryview(chunk), self._position
        self._position += len(chunk)
        while self._waiting and self._waiting[0].offset < self._position:
            entry = self._waiting[0]
            end = entry.offset + entry.size
            self._digest.update(view[max(0, entry.offset - start) : end - start])
            if end > self._position:
                return
            self._end_first()

    def require_intact(self) -> None:
        """All bytes have come by: compare.

        Raises:
            DamagedBundleError: names the first member that is not what it should be.
        """
        while self._waiting:
            self._end_first()
        if self._damaged:
            raise self._reader.damage(self._damaged[0])

    def _end_first(self) -> None:
        entry = self._waiting.popleft()
        if self._digest.hexdigest() != entry.sha256:
            self._damaged.append(entry)
        self._digest = hashlib.sha256()


def _ignore(chunk: bytes) -> None:
    del chunk


def _hash(
    path: Path, feed: Callable[[bytes], None], advance: Callable[[int], None]
) -> str | OSError:
    """SHA-256 of a file, or why it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                feed(chunk)
                advance(len(chunk))
    except OSError as error:
        return error
    return digest.hexdigest()


def prove_its_wheels(path: Path) -> None:
    """See that an installer will take each wheel, but for the content of its files.

    Args:
        path: of the bundle.

    Raises:
        DamagedBundleError: what is stored is no archive, or not that of the index.
        RefusedContentError: it breaks a rule of vetting.
    """
    reader = BundleReader.open(path)
    for wheel in reader.index.wheels:
        with BundleWheel(reader, wheel):
            pass


def prove_it_starts(path: Path, index: Index, launcher: Launcher) -> None:
    """Start the bundle with ``--list`` and compare what it lists with the index.

    Args:
        path: of the bundle.
        index: what it must list.
        launcher: starts programs of its platform here.

    Raises:
        NotExecutableError: nothing may be started from its folder.
        ProgramError: it does not start.
        DamagedBundleError: it lists something else.
    """
    try:
        listed = launcher.run(path, "--list")
    except NotExecutableError:
        raise
    except ProgramError as error:
        if not launcher.wrapper:
            error.remedy = (
                "See that the folder for temporary files (TMPDIR) has 40 MB free and that programs "
                "may be started from there, then build again."
            )
        raise
    missing = [wheel.filename for wheel in index.wheels if wheel.filename not in listed]
    if missing:
        raise DamagedBundleError(
            f"{path.name} starts, but does not list {missing[0]}.",
            remedy="Build again; if it stays so, report it with this message.",
        )
