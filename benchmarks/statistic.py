"""Small sums over figures that may be missing."""

import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float | None:
    """None of nothing."""
    return statistics.median(values) if values else None


def ratio(part: float | None, whole: float | None) -> float | None:
    """None where one of them is not known, or the whole is nothing."""
    return None if part is None or not whole else part / whole
