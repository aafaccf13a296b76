"""Which day it is, from one place, so that a build can be repeated as of another day."""

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime

from builder.errors import UsageError

VARIABLE = "SOURCE_DATE_EPOCH"


def today(environment: Mapping[str, str] = os.environ) -> date:
    """The day in UTC: that of ``SOURCE_DATE_EPOCH`` where it is set, else the clock's.

    Raises:
        UsageError: the variable holds no number of seconds that is a date.
    """
    stated = environment.get(VARIABLE)
    if not stated:
        return datetime.now(UTC).date()
    try:
        return datetime.fromtimestamp(int(stated), UTC).date()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"{VARIABLE} is {stated!r}, which is no time.",
            remedy="Set it to seconds since 1970 in UTC, or unset it.",
        ) from error
