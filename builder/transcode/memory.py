"""A budget of memory that threads borrow from."""

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
