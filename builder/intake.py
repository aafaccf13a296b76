"""Wheels as they come: each is vetted at once, and compressed while others are still fetched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path

from packaging.utils import NormalizedName

from bootstrap.bundle.model import Compression
from bootstrap.bundle.policy import Allowance, allowance_for
from builder.disk import require_room
from builder.errors import RefusedContentError
from builder.fetch import Cache, WantedFile, require_intact
from builder.lock.model import Lock
from builder.progress import Bar, Progress
from builder.transcode import RECIPES, Shelf, Transcoder
from builder.vetted import VettedContents
from builder.wheels import StoredWheel, WheelFacts, read_each, read_wheel


class Intake:
    """The wheels of one lock.

    Args:
        lock: which ones.
        transcoder: compresses them; None stores the originals.
        vetter: vets them.
    """

    def __init__(self, lock: Lock, transcoder: Transcoder | None, vetter: "Vetter") -> None:
        self._lock = lock
        self._vetter = vetter
        self._transcoder = transcoder
        self._facts: dict[str, WheelFacts] = {}

    def take(self, file: WantedFile, path: Path) -> None:
        """One has come; may be called from any thread.

        Raises:
            DamagedBundleError: it went bad in the cache.
            RefusedContentError: it did not, and breaks rules of vetting.
            ReportedError: what has gone wrong with one that came earlier.
        """
        self._facts[file.sha256] = self._vetter.read(path, file.filename, file.sha256)
        if self._transcoder:
            self._transcoder.add(path, file.filename, file.sha256)

    @property
    def wheels(self) -> tuple[WheelFacts, ...]:
        """The facts of all that have come, in the lock's order."""
        return tuple(self._facts[w.sha256] for w in self._lock.wheels if w.sha256 in self._facts)

    def stored(self) -> dict[NormalizedName, StoredWheel]:
        """What to pack of each; waits until it is there.

        Raises:
            DamagedBundleError: an original is not what it was when it was fetched.
            RefusedContentError: one cannot be unpacked.
            NoSpaceError: the cache's disk is full.
            NotWritableError: the cache cannot be written.
        """
        if self._transcoder:
            stored = self._transcoder.results()
        else:
            stored = {
                sha256: StoredWheel(path=facts.path, sha256=sha256)
                for sha256, facts in self._facts.items()
            }
        return {wheel.name: stored[wheel.sha256] for wheel in self._lock.wheels}


@contextmanager
def open_intake(
    lock: Lock, compression: Compression, cache: Cache, progress: Progress, vetter: "Vetter"
) -> Iterator[Intake]:
    """Ready to take the wheels of a lock; what still runs when the context ends is stopped.

    Raises:
        NoSpaceError: the cache's disk has no room for compressed wheels.
    """
    if compression == "store":
        yield Intake(lock, None, vetter)
        return
    recipe = RECIPES[compression]
    shelf = Shelf(cache, recipe)
    new = [wheel for wheel in lock.wheels if shelf.find(wheel.sha256) is None]
    size = sum(wheel.size or 0 for wheel in new)
    require_room(cache.root, size, option="--cache")
    showing = progress.bar(f"compress {len(new)} wheels", size) if new else nullcontext(Bar())
    with (
        showing as bar,
        Transcoder(cache, recipe, bar) as transcoder,
    ):
        yield Intake(lock, transcoder, vetter)


def read_wheels(lock: Lock, files: dict[str, Path], vetter: "Vetter") -> tuple[WheelFacts, ...]:
    """The facts of those locked wheels whose files (by SHA-256) are there.

    Raises:
        DamagedBundleError: a file in the cache went bad.
        RefusedContentError: some did not, and break rules of vetting; tells of all.
    """
    return read_each(
        partial(vetter.read, files[wheel.sha256], wheel.filename, wheel.sha256)
        for wheel in lock.wheels
        if wheel.sha256 in files
    )


def read_witnesses(lock: Lock, files: dict[str, Path], vetter: "Vetter") -> tuple[WheelFacts, ...]:
    """The same of those that can be read: they serve to tell who pulled what in.

    One that is of no use itself is left out. It is told of when the rest is in order.

    Raises:
        DamagedBundleError: a file in the cache went bad.
    """
    facts = []
    for wheel in lock.wheels:
        with suppress(RefusedContentError):
            if wheel.sha256 in files:
                facts.append(vetter.read(files[wheel.sha256], wheel.filename, wheel.sha256))
    return tuple(facts)


class Vetter:
    """Reads wheels by the rules of vetting.

    Args:
        allowances: what some of them may do all the same.
        contents: which contents have been compared before; None leaves contents alone.
    """

    def __init__(
        self, allowances: Sequence[Allowance], contents: VettedContents | None = None
    ) -> None:
        self._allowances = allowances
        self._contents = contents

    def read(self, path: Path, filename: str, sha256: str) -> WheelFacts:
        """The facts of a wheel in the cache.

        Raises:
            DamagedBundleError: it went bad there.
            RefusedContentError: it did not, and breaks rules.
        """
        allowance = allowance_for(filename, sha256, self._allowances)
        new = self._contents is not None and not self._contents.knows(sha256, allowance)
        try:
            facts = read_wheel(
                path, filename, depth="contents" if new else "headers", allowance=allowance
            )
        except RefusedContentError:
            require_intact(path, filename, sha256)
            raise
        if self._contents and new:
            self._contents.note(sha256, allowance)
        return facts


@contextmanager
def blaming_cache(lock: Lock, files: dict[str, Path]) -> Iterator[None]:
    """What is refused may only have gone bad in the cache; then that is what must be said."""
    try:
        yield
    except RefusedContentError:
        for wheel in lock.wheels:
            if wheel.sha256 in files:
                require_intact(files[wheel.sha256], wheel.filename, wheel.sha256)
        raise
