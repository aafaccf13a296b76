"""The same for many, several at a time, however many there are."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from bootstrap.interrupts import HEARING_SECONDS

# So many are begun before the first result is waited for.
_AHEAD = 1024

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def side_by_side(
    do: Callable[[_Item], _Result],
    items: Iterable[_Item],
    *,
    threads: int | None = None,
    stop: threading.Event | None = None,
) -> Generator[tuple[_Item, _Result], None, None]:
    """Each item with its result, in order; unlike ``Executor.map`` it never holds them all.

    Args:
        do: called by several threads.
        items: taken one by one, by the caller's thread.
        threads: how many; None takes one for each core.
        stop: is set when the rest is not wanted, so that what takes long can look at it: what
            has begun is waited for.

    Raises:
        Exception: what ``do`` raised first, in the order of the items.
    """
    begun = deque[tuple[_Item, Future[_Result]]]()
    with ThreadPoolExecutor(max_workers=threads or os.cpu_count() or 1) as pool:
        try:
            for item in items:
                begun.append((item, pool.submit(do, item)))
                if len(begun) == _AHEAD:
                    yield _ended(*begun.popleft())
            while begun:
                yield _ended(*begun.popleft())
        finally:
            # Whoever does not want the rest need not wait for it.
            if stop:
                stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _ended(item: _Item, future: Future[_Result]) -> tuple[_Item, _Result]:
    while not future.done():
        with suppress(TimeoutError):
            future.exception(HEARING_SECONDS)
    return item, future.result()
