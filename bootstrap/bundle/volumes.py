"""The files that a payload was split into: what lies where, and what is wrong with them."""

import hashlib
import stat
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate
from pathlib import Path

from bootstrap.bundle import layout
from bootstrap.bundle.errors import DamagedBundleError
from bootstrap.bundle.model import Volume
from bootstrap.bundle.sections import Stretch

_CHUNK = 1 << 20
_MISSING = "is missing"


class VolumeSet:
    """The volumes of one installer, which lie beside it. There may be none.

    Places count from 0, the numbers that people read from 1.

    Args:
        installer: path of the installer.
        volumes: from its index.
    """

    def __init__(self, installer: Path, volumes: tuple[Volume, ...]) -> None:
        self._installer = installer
        self._volumes = volumes
        self._starts = list(accumulate((volume.size for volume in volumes), initial=0))

    @property
    def size(self) -> int:
        """Bytes of all together."""
        return self._starts[-1]

    def path(self, volume: Volume) -> Path:
        """Where it should lie."""
        return self._installer.parent / volume.name

    def holding(self, offset: int, size: int) -> range:
        """Places of the volumes with these bytes, ``offset`` from the first byte of all."""
        first = bisect_right(self._starts, offset) - 1
        behind = bisect_left(self._starts, offset + size)
        return range(first, min(behind, len(self._volumes)))

    def stretches(self, offset: int, size: int) -> list[Stretch]:
        """The same bytes, as parts of files."""
        found = []
        for place in self.holding(offset, size):
            start, volume = self._starts[place], self._volumes[place]
            first = max(0, offset - start)
            last = min(volume.size, offset + size - start)
            found.append(Stretch(path=self.path(volume), offset=first, size=last - first))
        return found

    def describe(self, places: range) -> str:
        """``volume 3 of 5``, ``volumes 3 to 4 of 5``."""
        total = len(self._volumes)
        if len(places) > 1:
            return f"volumes {places.start + 1} to {places.stop} of {total}"
        return f"volume {places.start + 1} of {total}"

    def require_present(self) -> None:
        """Check that every volume is there, has its size, and begins as it should; quick.

        Raises:
            DamagedBundleError: names all that do not.
        """
        self._complain(enumerate(map(self._glance, self._volumes)))

    def require_intact(
        self,
        places: Iterable[int],
        *,
        begin: Callable[[str], None] = lambda _: None,
        progress: Callable[[int], None],
        because: str = "",
    ) -> None:
        """Read these volumes whole and compare their hashes.

        Args:
            places: which.
            begin: hears the name of each before it is read.
            progress: hears how many bytes were read.
            because: a clause on why it matters, for the message.

        Raises:
            DamagedBundleError: names all that are not what the index says.
        """
        faults = []
        for place in places:
            begin(self._volumes[place].name)
            faults.append((place, self._read(self._volumes[place], progress)))
        self._complain(faults, because)

    def require_hashes(self, hashes: Mapping[int, str | OSError]) -> None:
        """Compare the volumes' hashes, which somebody else has taken.

        Args:
            hashes: place to SHA-256, or to why it could not be taken.

        Raises:
            DamagedBundleError: names all that are not what the index says.
        """
        faults = []
        for place, found in hashes.items():
            volume = self._volumes[place]
            if isinstance(found, OSError):
                faults.append((place, _unreadable(found)))
            elif found != volume.sha256:
                faults.append((place, self._glance(volume) or "is damaged"))
        self._complain(faults)

    def _glance(self, volume: Volume) -> str | None:
        path = self.path(volume)
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return "is no ordinary file"
            if status.st_size != volume.size:
                return _wrong_size(status.st_size, volume.size)
            with path.open("rb") as file:
                head = layout.sha256_hex(file.read(layout.VOLUME_HEAD_SIZE))
        except OSError as error:
            return _unreadable(error)
        return None if head == volume.head_sha256 else self._stranger(head)

    def _stranger(self, head: str) -> str:
        for number, volume in enumerate(self._volumes, start=1):
            if volume.head_sha256 == head:
                return f"has the content of volume {number}: they were swapped"
        return "begins with other bytes than it should: it is from another bundle, or damaged"

    def _read(self, volume: Volume, progress: Callable[[int], None]) -> str | None:
        if fault := self._glance(volume):
            return fault
        digest = hashlib.sha256()
        try:
            with self.path(volume).open("rb", buffering=0) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    progress(len(chunk))
        except OSError as error:
            return _unreadable(error)
        return None if digest.hexdigest() == volume.sha256 else "is damaged"

    def _complain(self, findings: Iterable[tuple[int, str | None]], because: str = "") -> None:
        faults = {place: fault for place, fault in findings if fault}
        if not faults:
            return
        total = len(self._volumes)
        beside = f"beside {self._installer}"
        if total > 1 and list(faults.values()) == [_MISSING] * total:
            raise DamagedBundleError(
                f"{self._installer.name} needs its {total} volumes, {self._volumes[0].name} to "
                f"{self._volumes[-1].name}, and none of them lies beside it.",
                remedy=f"Copy all of them {beside}.",
            )
        told = "; ".join(
            f"volume {place + 1} of {total} ({self._volumes[place].name}) {fault}"
            for place, fault in faults.items()
        )
        which = "that file" if len(faults) == 1 else "these files"
        raise DamagedBundleError(
            f"{self._installer.name}: {told}{because}.",
            remedy=f"Copy only {which} again, {beside}.",
        )


def _wrong_size(actual: int, wanted: int) -> str:
    what = "is cut off" if actual < wanted else "is too long"
    return f"{what} (has {actual:,} of {wanted:,} bytes)"


def _unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return _MISSING
    return f"cannot be read ({error.strerror})"
