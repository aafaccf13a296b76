"""Where transcoded wheels are kept: in the cache, for every later build.

::

    transcoded/<recipe>/<SHA-256 of the original>/<SHA-256 of this file>.whl

A file gets its name when it is whole and on the disk. Since the name holds its hash, whoever
reads it later sees whether it is still what it was.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from builder.disk import storing
from builder.fetch import Cache, hash_file, sync
from builder.transcode.recipe import Recipe
from builder.transcode.wheel import StoppedError
from builder.wheels import StoredWheel

_POLL_SECONDS = 0.2


class Shelf:
    """The wheels that one recipe has made.

    Args:
        cache: they lie in ``transcoded`` below it.
        recipe: whose they are.
    """

    def __init__(self, cache: Cache, recipe: Recipe) -> None:
        self._cache = cache
        self._folder = cache.root / "transcoded" / recipe.identity

    def find(self, sha256: str) -> StoredWheel | None:
        """What was made of the original with this SHA-256; None if nothing was.

        Its own hash is not compared here, but by whoever reads all of it.
        """
        for path in self._folder_of(sha256).glob("*.whl"):
            return StoredWheel(path=path, sha256=path.stem)
        return None

    def get(
        self, sha256: str, make: Callable[[Path], None], stopped: Callable[[], bool]
    ) -> StoredWheel:
        """Find it, or have it made; while another build makes the same, wait for that.

        Args:
            sha256: of the original.
            make: writes it to a new file.
            stopped: whether nobody wants it any more; asked while waiting.

        Raises:
            StoppedError: as wanted.
            NoSpaceError: the cache's disk is full.
            NotWritableError: the cache cannot be written.
        """
        with storing(self._cache.root, option="--cache"):
            self._folder_of(sha256).mkdir(parents=True, exist_ok=True)
            with self._turn(sha256, stopped):
                return self.find(sha256) or self._put(sha256, make)

    def _put(self, sha256: str, make: Callable[[Path], None]) -> StoredWheel:
        part = self._folder_of(sha256) / "wheel.part"
        try:
            make(part)
            sync(part)
            own = hash_file(part)
            path = part.replace(part.with_name(f"{own}.whl"))
        finally:
            part.unlink(missing_ok=True)
        return StoredWheel(path=path, sha256=own)

    def _folder_of(self, sha256: str) -> Path:
        # Each has its own, so that finding one takes as long among 10,000 as alone.
        return self._folder / sha256

    @contextmanager
    def _turn(self, sha256: str, stopped: Callable[[], bool]) -> Iterator[None]:
        lock = FileLock(self._folder_of(sha256) / "wheel.lock")
        while not stopped():
            try:
                lock.acquire(timeout=_POLL_SECONDS)
            except Timeout:
                continue
            try:
                yield
            finally:
                lock.release()
            return
        raise StoppedError
