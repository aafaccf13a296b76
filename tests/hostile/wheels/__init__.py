"""Hostile wheels, generated: each trick in each place where it could work."""

from tests.hostile.wheels import bombs, forgeries, metadata, names, records, startup
from tests.hostile.wheels.case import Case


def all_cases() -> list[Case]:
    """Every case; names are unique."""
    kinds = (names, forgeries, records, metadata, startup, bombs)
    return [case for kind in kinds for case in kind.cases()]
