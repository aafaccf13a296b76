"""A budget of memory that threads borrow from, and that goes back to the system."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class MemoryBudget:
    """So many bytes and no more, however many threads there are.

    Args:
        size: bytes.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._changed = Condition()

    @contextmanager
    def lend(self, amount: int) -> Iterator[None]:
        """Wait until ``amount`` bytes are free; they are taken as long as the context lives.

        Who wants more than there is gets all of it, alone.
        """
        amount = min(amount, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= amount)
            self._left -= amount
        try:
            yield
        finally:
            with self._changed:
                self._left += amount
                self._changed.notify_all()


# Of glibc's malloc.h; blocks of this size and larger are asked of the system, and given back.
_M_MMAP_THRESHOLD = -3
_LARGE = 128 << 10


def return_freed_memory() -> None:
    """Have freed memory returned to the system, once for the process.

    Else glibc learns from the first large blocks that are freed to keep later ones: up to 64 MB
    in each thread, which were measured to add up to 80 MB (mallopt(3)). Others do not do that.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt:
            mallopt(_M_MMAP_THRESHOLD, _LARGE)
