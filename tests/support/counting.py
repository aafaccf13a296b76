"""A listener of builds that remembers what it heard."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from builder.progress import Bar, Progress


class Counting(Progress):
    """Remembers bars by label, and what was said."""

    def __init__(self) -> None:
        self.bars: dict[str, int] = {}
        self.said: list[str] = []
        self._lock = threading.Lock()

    def note(self, message: str) -> None:
        self.said.append(message)

    def warn(self, message: str) -> None:
        self.said.append(message)

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Bar]:
        del total
        counting = self

        class Counter(Bar):
            def advance(self, count: int) -> None:
                with counting._lock:
                    counting.bars[label] = counting.bars.get(label, 0) + count

        yield Counter()
