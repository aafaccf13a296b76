"""Threads that share a list of tasks, the most urgent first; a task may add others."""

import heapq
import itertools
import threading
from collections.abc import Callable

from bootstrap.interrupts import HEARING_SECONDS, held

Task = Callable[[], None]


class Crew:
    """Works until no task is left, or one has failed.

    Args:
        size: count of threads.

    Attributes:
        stop: set when what is being done is not wanted any more; tasks look at it.
    """

    def __init__(self, size: int) -> None:
        self.stop = threading.Event()
        self._size = size
        self._tasks: list[tuple[int, int, Task]] = []
        self._numbers = itertools.count()
        self._busy = 0
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def add(self, task: Task, urgency: int) -> None:
        """Have it done; what has the smaller ``urgency``, then what came first, goes first."""
        with self._changed:
            heapq.heappush(self._tasks, (urgency, next(self._numbers), task))
            self._changed.notify()

    def work(self, watch: Callable[[], None]) -> None:
        """Do everything.

        Args:
            watch: called by this thread some times in a second.

        Raises:
            BaseException: of the first task that failed; nothing is being done any more.
        """
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._size)]
        try:
            with held():
                for thread in threads:
                    thread.start()
            for thread in threads:
                while thread.is_alive():
                    watch()
                    thread.join(HEARING_SECONDS)
        finally:
            # Also on Ctrl-C: whoever clears up afterwards must be alone.
            with held():
                self._end()
                for thread in threads:
                    thread.join()
        if self._error:
            raise self._error

    def _end(self) -> None:
        with self._changed:
            self.stop.set()
            self._changed.notify_all()

    def _work(self) -> None:
        while task := self._next():
            try:
                task()
            except BaseException as error:  # noqa: BLE001 (raised again by work)
                with self._changed:
                    self._error = self._error or error
                self._end()
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _next(self) -> Task | None:
        with self._changed:
            while not self.stop.is_set():
                if self._tasks:
                    self._busy += 1
                    return heapq.heappop(self._tasks)[-1]
                if self._busy == 0:
                    return None
                self._changed.wait()
            return None
