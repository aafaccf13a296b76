"""The same for many, several at a time, however many there are."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from bootstrap.interrupts import HEARING_SECONDS

# So many are begun before the first result is waited for.
_AHEAD = 1024

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def side_by_side(
    do: Callable[[_Item], _Result], items: Iterable[_Item], *, threads: int | None = None
) -> Iterator[tuple[_Item, _Result]]:
    """Each item with its result, in order; unlike ``Executor.map`` it never holds them all.

    Args:
        do: called by several threads.
        items: taken one by one, by the caller's thread.
        threads: how many; None takes one for each core.

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
            pool.shutdown(wait=False, cancel_futures=True)


def _ended(item: _Item, future: Future[_Result]) -> tuple[_Item, _Result]:
    while not future.done():
        with suppress(TimeoutError):
            future.exception(HEARING_SECONDS)
    return item, future.result()
