"""Files that an earlier generation has already: taken from there instead of from the bundle.

Nothing is believed of them. Path and size only say which are worth a look; what counts is the
hash over the bytes that now lie under the new name, compared with the wheel's RECORD.
"""

import os
import stat
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from bootstrap import inventory
from bootstrap.generation import Generation
from bootstrap.storage import Lender


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """What the generation has that is live while a new one is built.

    Attributes:
        places: where its files lie, no link on the way: prefix of their path in the inventory to
            folder; none where there is no such generation.
        folder: of the new generation.
    """

    places: Mapping[str, Path]
    folder: Path
    lender: Lender = field(default_factory=Lender)
    _own_folders: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def none(cls) -> Self:
        """There is no earlier generation."""
        return cls(places={}, folder=Path())

    @classmethod
    def of(cls, earlier: Generation, folder: Path, *, stays: bool) -> Self:
        """Of a live generation.

        Args:
            earlier: the generation.
            folder: of the new one.
            stays: it is kept, so that no file may belong to both.
        """
        places = {prefix: place.resolve() for prefix, place in earlier.places.items()}
        return cls(places=places, folder=folder, lender=Lender(links=not stays))

    def give(
        self,
        full: str,
        record_hash: str,
        size: int,
        *,
        executable: bool,
        stop: threading.Event | None = None,
    ) -> bool:
        """Put a file in its place, if the generation has the very same one there.

        The file is shared with the earlier generation, or is a copy of it.

        Args:
            full: its absolute path in the new generation.
            record_hash: ``algorithm=value`` as in RECORD.
            size: bytes.
            executable: whether it must be.
            stop: set when it is not wanted any more.

        Returns:
            Whether it is there now and is right.

        Raises:
            FileExistsError: something is there already; it stays.
            OSError: the disk is full.
            StoppedError: ``stop`` was set meanwhile; what is there now is no good.
        """
        if not self.places:
            return False
        path = full.removeprefix(f"{self.folder}{os.sep}").replace(os.sep, "/")
        source = inventory.locate(self.places, path)
        if not (_is_like(source, size, executable=executable) and self._is_own(source)):
            return False
        if not self.lender.lend(source, full, executable=executable, stop=stop):
            return False
        if inventory.has_hash(full, record_hash, stop):
            return True
        with suppress(FileNotFoundError):
            os.unlink(full)  # noqa: PTH108
        return False

    def _is_own(self, source: str) -> bool:
        """Whether no folder on the way is a link, which leads to files of somebody else."""
        folder = os.path.dirname(source)  # noqa: PTH120 (as all here, plain strings)
        own = self._own_folders.get(folder)
        if own is None:
            own = self._own_folders[folder] = os.path.realpath(folder) == folder
        return own


def _is_like(path: str, size: int, *, executable: bool) -> bool:
    """A file, not a link, of that size, and one that is executable or not as it should be."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    # A shared file has one mode, and Windows tells no more than the name's ending does.
    fits = os.name == "nt" or bool(status.st_mode & stat.S_IXUSR) == executable
    return stat.S_ISREG(status.st_mode) and status.st_size == size and fits
