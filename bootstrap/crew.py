"""Threads that share some tasks; a task may add others, which go first."""

import threading
from collections import deque
from collections.abc import Callable, Iterable

from bootstrap.interrupts import HEARING_SECONDS, held

Task = Callable[[], object]


class Crew:
    """Works until no task is left, or one has failed.

    Args:
        size: count of threads.
        tasks: to be done in this order; each is asked for when somebody has time for it.

    Attributes:
        stop: set when what is being done is not wanted any more; tasks look at it.
    """

    def __init__(self, size: int, tasks: Iterable[Task]) -> None:
        self.stop = threading.Event()
        self._size = size
        self._tasks = iter(tasks)
        self._first = deque[Task]()
        self._busy = 0
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def add(self, task: Task) -> None:
        """Have it done before any that the crew was given in the beginning."""
        with self._changed:
            self._first.append(task)
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
                task = self._first.popleft() if self._first else next(self._tasks, None)
                if task:
                    self._busy += 1
                    return task
                if self._busy == 0:
                    return None
                self._changed.wait()
            return None
