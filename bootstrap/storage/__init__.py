"""What the file system is asked for beyond reading and writing: room, and certainty."""

import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bootstrap.errors import DISK_FULL
from bootstrap.interrupts import HEARING_SECONDS
from bootstrap.stopping import pieces

if sys.platform == "win32":
    from bootstrap.storage.windows import (
        MEANWHILE,
        allocate,
        clone,
        is_as_new,
        write_out,
        write_out_rest,
    )
else:
    from bootstrap.storage.linux import (
        MEANWHILE,
        allocate,
        clone,
        is_as_new,
        write_out,
        write_out_rest,
    )

__all__ = ["Lender", "allocate", "bring_to_disk", "brought_to_disk"]


class Lender:
    """Makes files that have the content of others, at the least cost the disk offers.

    They share their blocks (XFS, Btrfs), else are the same file under a second name, else are
    copies. To be made while no other thread makes files.

    Args:
        links: second names will do; else, whoever changes one file would change the other.
    """

    def __init__(self, *, links: bool = True) -> None:
        self._links = links
        self._can_clone = True
        # It cannot be asked for without being set.
        self._umask = os.umask(0o077)
        os.umask(self._umask)

    def lend(
        self, source: str, to: str, *, executable: bool, stop: threading.Event | None = None
    ) -> bool:
        """Make ``to`` a file with the content of ``source``.

        Args:
            source: a plain file.
            to: its new path.
            executable: whether it is to be.
            stop: set when it is not wanted any more.

        Returns:
            Whether it was possible; if not, nothing lies at ``to``.

        Raises:
            FileExistsError: something was there before.
            OSError: the disk is full.
            StoppedError: ``stop`` was set meanwhile; nothing lies at ``to``.
        """
        try:
            if not self.share(source, to, executable=executable):
                _copy(source, to, stop)
                _allow_to_run(to, executable=executable)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno in DISK_FULL:
                raise
            return False
        return True

    def share(self, source: str, to: str, *, executable: bool) -> bool:
        """The same without copying.

        Raises:
            FileExistsError: something was there before.
            OSError: ``source`` cannot be read, or the disk is full.
        """
        # The first answer holds for all: they lie on one file system.
        self._can_clone = self._can_clone and clone(source, to)
        if self._can_clone:
            _allow_to_run(to, executable=executable)
            return True
        return self._links and self._link(source, to, executable=executable)

    def _link(self, source: str, to: str, *, executable: bool) -> bool:
        try:
            # Owner, mode and further names would be the new one's, too; a third name may be a
            # backup of the user's, or of a cache that installed it.
            status = os.lstat(source)
            mode = 0o755 if executable else 0o666 & ~self._umask
            if status.st_nlink > 1 or not is_as_new(status, mode):
                return False
            os.link(source, to)
        except FileExistsError:
            raise
        except OSError:
            # FAT has none, and another's file may be protected.
            return False
        return True


def _allow_to_run(path: str, *, executable: bool) -> None:
    if executable:
        os.chmod(path, 0o755)  # noqa: PTH101, S103 (plain strings: there are 27,000)


def _copy(source: str, to: str, stop: threading.Event | None) -> None:
    # Two may want to make the same file; then only one must.
    with open(to, "xb") as new:  # noqa: PTH123
        try:
            with open(source, "rb", buffering=0) as old:  # noqa: PTH123
                new.writelines(pieces(old, stop))
            new.flush()
        except BaseException:
            os.unlink(to)  # noqa: PTH108
            raise


@contextmanager
def brought_to_disk(folder: Path, announce: Callable[[], None]) -> Iterator[None]:
    """When the context is left, all below ``folder`` is on the disk, come a power cut or not.

    Most of it gets there meanwhile or, where that would be in the way, before; so what remains
    at the end takes a moment.

    Args:
        folder: whatever lies in it when the context is left.
        announce: called when the rest begins.

    Raises:
        OSError: the disk failed.
    """
    begun = time.time()
    ahead = _Writing(partial(write_out, folder))
    try:
        if not MEANWHILE:
            ahead.wait()
        yield
        announce()
        missed = ahead.finish()
    finally:
        ahead.stop.set()
    _Writing(partial(write_out_rest, folder, missed, since=begun)).finish()


def bring_to_disk(folder: Path) -> None:
    """Wait until all below ``folder`` is on the disk; Ctrl-C is heard.

    Raises:
        OSError: the disk failed.
    """
    _Writing(partial(write_out, folder)).finish()


class _Writing(threading.Thread):
    """Waits for the disk, so that the main thread need not, which hears Ctrl-C.

    Args:
        write: gets an event that is set when nobody waits any more; returns files that it had
            to leave out.
    """

    def __init__(self, write: Callable[[threading.Event], Collection[str]]) -> None:
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self._write = write
        self._error: OSError | None = None
        self._missed: Collection[str] = ()
        self.start()

    def wait(self) -> None:
        """Until it is done."""
        while self.is_alive():
            self.join(HEARING_SECONDS)

    def finish(self) -> Collection[str]:
        """Wait for what it returns, or raise what it did."""
        try:
            self.wait()
        finally:
            self.stop.set()
        if self._error:
            raise self._error
        return self._missed

    def run(self) -> None:
        try:
            self._missed = self._write(self.stop)
        except OSError as error:
            self._error = error
