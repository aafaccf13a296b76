"""Clears away what was measured without deleting it yet.

ext4 keeps the numbers of deleted files from being given out again for minutes, and looks through
them, one by one, for every new file. Whoever deletes 27,000 files makes whoever comes next pay:
making as many again was measured to take 19 s of system time instead of 8. So files give back
their blocks at once, and their names at the end.
"""

import os
import stat
from collections import Counter
from pathlib import Path


class Attic:
    """Where folders go whose files are empty now.

    Args:
        folder: on the same file system; made when it is needed, and removed by somebody else.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def take(self, folder: Path) -> None:
        """Empty every file in a folder that has no name elsewhere, and move the folder here."""
        for path in _only_here(folder):
            os.truncate(path, 0)
        self._folder.mkdir(exist_ok=True)
        self._count += 1
        folder.rename(self._folder / str(self._count))


def _only_here(folder: Path) -> list[Path]:
    """Files all of whose names lie below the folder; of several names the last."""
    paths = dict[tuple[int, int], Path]()
    names, links = Counter[tuple[int, int]](), dict[tuple[int, int], int]()
    for where, _, found in os.walk(folder):
        for name in found:
            path = Path(where, name)
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_size:
                inode = status.st_dev, status.st_ino
                paths[inode], links[inode] = path, status.st_nlink
                names[inode] += 1
    return [path for inode, path in paths.items() if names[inode] == links[inode]]
