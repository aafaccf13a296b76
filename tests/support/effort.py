"""How much work something is, in steps and bytes, so that no clock and no load matter."""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import TraceFunction


def steps(work: Callable[[], object]) -> int:
    """How many lines of Python run in this thread; each turn of a loop counts, also in one line."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> "TraceFunction":
        nonlocal count
        del frame, event, argument
        count += 1
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def highest_memory(work: Callable[[], object]) -> int:
    """Bytes of Python's memory that ``work`` takes at the highest, more than before."""
    return _traced(work)[1]


def lasting_memory(work: Callable[[], object]) -> int:
    """Bytes of Python's memory that the result of ``work`` takes, and what else it leaves."""
    return _traced(work)[0]


def _traced(work: Callable[[], object]) -> tuple[int, int]:
    gc.collect()
    tracemalloc.start()
    try:
        result = work()
        _, highest = tracemalloc.get_traced_memory()
        gc.collect()
        lasting, _ = tracemalloc.get_traced_memory()
        del result
    finally:
        tracemalloc.stop()
    return lasting, highest
