"""Files that an earlier generation has already: taken from there instead of from the bundle.

Nothing is believed of them. Path and size only say which are worth a look; what counts is the
hash over the bytes that now lie under the new name, compared with the wheel's RECORD.
"""

import os
import stat
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
    """What the generation has that will go when the new one is live.

    Attributes:
        places: where its files lie: prefix of their path in the inventory to folder; none where
            there is no such generation.
        folder: of the new generation.
    """

    places: Mapping[str, Path]
    folder: Path
    lender: Lender = field(default_factory=Lender)

    @classmethod
    def none(cls) -> Self:
        """There is no earlier generation."""
        return cls(places={}, folder=Path())

    @classmethod
    def of(cls, earlier: Generation, folder: Path) -> Self:
        """Of a live generation.

        Args:
            earlier: the generation.
            folder: of the new one.
        """
        return cls(places=earlier.places, folder=folder)

    def give(self, full: str, record_hash: str, size: int, *, executable: bool) -> bool:
        """Put a file in its place, if the generation has the very same one there.

        The file is shared with the earlier generation, or is a copy of it.

        Args:
            full: its absolute path in the new generation.
            record_hash: ``algorithm=value`` as in RECORD.
            size: bytes.
            executable: whether it must be.

        Returns:
            Whether it is there now and is right.

        Raises:
            FileExistsError: something is there already; it stays.
            OSError: the disk is full.
        """
        if not self.places:
            return False
        path = full.removeprefix(f"{self.folder}{os.sep}").replace(os.sep, "/")
        source = inventory.locate(self.places, path)
        if not _is_like(source, size, executable=executable):
            return False
        if not self.lender.lend(source, full, executable=executable):
            return False
        if inventory.has_hash(full, record_hash):
            return True
        with suppress(FileNotFoundError):
            os.unlink(full)  # noqa: PTH108
        return False


def _is_like(path: str, size: int, *, executable: bool) -> bool:
    """A file, not a link, of that size, and one that is executable or not as it should be."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    # A shared file has one mode, and Windows tells no more than the name's ending does.
    fits = os.name == "nt" or bool(status.st_mode & stat.S_IXUSR) == executable
    return stat.S_ISREG(status.st_mode) and status.st_size == size and fits
