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
    return (stated_time(environment) or datetime.now(UTC)).date()


def stated_time(environment: Mapping[str, str]) -> datetime | None:
    """What ``SOURCE_DATE_EPOCH`` says, in UTC; None where it says nothing.

    Raises:
        UsageError: the variable holds no number of seconds that is a date.
    """
    stated = environment.get(VARIABLE)
    if not stated:
        return None
    try:
        return datetime.fromtimestamp(int(stated), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"{VARIABLE} is {stated!r}, and not a number of seconds since 1970.",
            remedy="Correct or unset it.",
        ) from error
