"""What the file system is asked for beyond reading and writing: room, and certainty."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    from bootstrap.storage.windows import allocate, write_out, write_out_rest
else:
    from bootstrap.storage.linux import allocate, write_out, write_out_rest

__all__ = ["allocate", "brought_to_disk"]


@contextmanager
def brought_to_disk(folder: Path, announce: Callable[[], None]) -> Iterator[None]:
    """When the context is left, all below ``folder`` is on the disk, come a power cut or not.

    Most of it gets there meanwhile, so what remains at the end takes a moment.

    Args:
        folder: its files; in the context new ones come by
            :func:`bootstrap.files.replace_file` only.
        announce: called when the rest begins.

    Raises:
        OSError: the disk failed.
    """
    ahead = _Ahead(folder)
    try:
        yield
        announce()
        ahead.join()
    finally:
        ahead.stop.set()
    if ahead.error:
        raise ahead.error
    write_out_rest(folder)


class _Ahead(threading.Thread):
    """Writes out what is there when it starts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self.error: OSError | None = None
        self._folder = folder
        self.start()

    def run(self) -> None:
        try:
            write_out(self._folder, self.stop)
        except OSError as error:
            self.error = error
