"""One file on its way: what is there of it is hashed while it comes."""

import hashlib
from collections.abc import Sequence
from threading import Event

from builder.fetch.cache import PartialFile
from builder.fetch.failures import TransportError
from builder.fetch.model import WantedFile
from builder.fetch.ranges import Stretch
from builder.fetch.transport import FileBody
from builder.progress import Bar

_CHUNK = 1 << 20
# In all: what comes meanwhile is no progress then.
_MOST_BEGINNINGS = 10


class StoppedError(Exception):
    """The whole fetch is to end."""


class Transfer:
    """How much of a file is there, and the hash of that.

    Args:
        file: which.
        part: what an earlier run has left of it, and where the rest is written.
        limit: bytes that it may have.
        bars: hear of bytes.
        stop: set when the whole fetch is to end.

    Attributes:
        size: bytes that are there.
        is_suspicious: it is fetched once more, since its pieces made up another file.
    """

    def __init__(
        self,
        file: WantedFile,
        part: PartialFile,
        *,
        limit: int,
        bars: Sequence[Bar],
        stop: Event,
    ) -> None:
        self._file = file
        self._part = part
        self._bars = bars
        self._stop = stop
        self._limit = limit
        self._ended = False
        self._beginnings = 0
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

    def take(self, body: FileBody | Stretch) -> None:
        """Append what comes.

        Raises:
            TransportError: it broke off, or is not the part that was asked for.
        """
        self._require_size(body)
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

    def _require_size(self, body: FileBody | Stretch) -> None:
        """What has another size than locked is another file, or the host lies; nobody reads on."""
        total = body.total
        if total is None:
            return
        if self._file.size is not None and total != self._file.size:
            raise TransportError(
                f"it states {total:,} bytes, and {self._file.size:,} are locked", transient=True
            )
        if total > self._limit:
            raise TransportError(
                f"it states {total:,} bytes, more than {self._limit:,}", transient=False
            )

    def _append(self, body: FileBody | Stretch, end: int) -> bool:
        """Write what comes up to ``end``; False if it ends before."""
        with self._part.path.open("ab") as file:
            while self.size < end:
                chunk = body.read(min(_CHUNK, end - self.size))
                # Looked at after reading: what a stopped connection gives is of no use.
                if self._stop.is_set():
                    raise StoppedError
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
        """What is there is of no use: begin anew.

        Raises:
            TransportError: that has been done too often.
        """
        self._beginnings += 1
        if self._beginnings > _MOST_BEGINNINGS:
            raise TransportError("it sends one part after the other anew", transient=False)
        self._part.drop()
        for bar in self._bars:
            bar.advance(-self.size)
        self._reset()

    def _reset(self) -> None:
        self._digest = hashlib.sha256()
        self.size = 0
        self._is_pieced = False
