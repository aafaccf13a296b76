"""The order in which contestants take their turns, so that nobody always follows the same one."""

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


def rotated(items: Sequence[_T], number: int) -> list[_T]:
    """All items, beginning ``number`` places further on, around the end."""
    start = number % len(items) if items else 0
    return [*items[start:], *items[:start]]
