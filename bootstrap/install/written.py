"""What was written so far, by whichever thread; of a million files, few lie in memory."""

import csv
import heapq
import os
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TextIO

from bootstrap import inventory
from bootstrap.errors import InstallError
from bootstrap.generation import Generation

# Of these many the rows are sorted and, if more come, put into a temporary file.
_MOST = 1 << 15


class WrittenFiles:
    """Iterates over path in the inventory, and hash, of every file; in the inventory's order.

    Args:
        generation: that is being built.
    """

    def __init__(self, generation: Generation) -> None:
        self._root = generation.root
        self._prefix = f"{generation.folder}{os.sep}"
        self._rows: list[tuple[str, str]] = []
        self._sorted: list[TextIO] = []
        self._met = dict[tuple[str, str], str]()
        self._lock = threading.Lock()
        self._open = ExitStack()
        weakref.finalize(self, self._open.close)

    def add(self, full: str, record_hash: str) -> None:
        """A file was written.

        Args:
            full: its absolute path.
            record_hash: ``algorithm=value``, compared with the content.
        """
        path = full.removeprefix(self._prefix).replace(os.sep, "/")
        with self._lock:
            self._rows.append((path, record_hash))
            if len(self._rows) == _MOST:
                self._put_down()

    def meet(self, full: str, record_hash: str, path: str) -> None:
        """A file was not written, since something is there already.

        Args:
            full: its absolute path.
            record_hash: ``algorithm=value``, what its content should be.
            path: as its wheel has it, for messages.
        """
        self._met[full, record_hash] = path

    def require_alike(self) -> None:
        """Nothing is being written any more: compare what wheels have brought together.

        Raises:
            InstallError: some bring different files under the same path.
        """
        for (full, record_hash), path in self._met.items():
            if not inventory.has_hash(full, record_hash):
                raise InstallError(
                    f"Two wheels bring {path} with different content.",
                    remedy="Tell whoever made this bundle; its builder should have refused it.",
                )

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for file in self._sorted:
            file.seek(0)
        self._rows.sort(key=_order)
        parts: list[Iterable[Sequence[str]]] = [self._rows, *map(csv.reader, self._sorted)]
        return ((path, record_hash) for path, record_hash in heapq.merge(*parts, key=_order))

    def _put_down(self) -> None:
        # Beside the generation, all of whose files the inventory will have.
        file = tempfile.TemporaryFile(  # noqa: SIM115 (closed with this object)
            "w+",
            dir=self._root,
            encoding="utf-8",
            errors="surrogateescape",
            newline="",
        )
        self._open.enter_context(file)
        self._rows.sort(key=_order)
        csv.writer(file).writerows(self._rows)
        self._sorted.append(file)
        self._rows.clear()


def _order(row: Sequence[str]) -> str:
    return inventory.order(row[0])
