"""A fair share of all faults; ``python -m tests.faults`` tries them all."""

from pathlib import Path

import pytest

from tests.faults.bundles import Bundles
from tests.faults.campaigns import CAMPAIGNS, Campaign
from tests.faults.figures import (
    Figure,
    of_campaign,
    of_carelessness,
    of_power,
    of_races,
    of_stale_locks,
    of_use,
)
from tests.faults.place import Place

pytestmark = pytest.mark.slow

_COUNTS = {
    "kills": 40,
    "enospc": 20,
    "filled": 12,
    "errors": 12,
    "renames": 10,
    "limits": 12,
    "signals": 12,
}


def require_passed(figure: Figure) -> None:
    again = "python -m tests.faults --point"
    listed = [f"{'; '.join(wrong)}\n  {again} '{name}'" for name, wrong in figure.broken]
    assert figure.passed, "\n".join([f"{figure.what}: {len(listed)} of {figure.tried}", *listed])


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda campaign: campaign.name)
def test_the_old_one_is_live_or_the_new_one(places: list[Place], campaign: Campaign) -> None:
    count = _COUNTS[campaign.name]
    figure = of_campaign(campaign, places, count, print)
    require_passed(figure)
    # Nearly all of them must have struck, or nothing is shown.
    assert figure.tried > 0.7 * count


def test_power_cuts(bundles: Bundles, tmp_path: Path) -> None:
    require_passed(of_power(tmp_path, bundles, 24, 2, print))


def test_power_cuts_would_break_what_has_no_barriers(bundles: Bundles, tmp_path: Path) -> None:
    require_passed(of_carelessness(tmp_path, bundles, 10, print))


def test_of_eight_at_once_those_that_lose_say_to_whom(places: list[Place]) -> None:
    require_passed(of_races(places[0], 6, print))


def test_who_works_in_the_old_one_goes_on(places: list[Place]) -> None:
    require_passed(of_use(places[0]))


def test_nobody_waits_for_the_dead(places: list[Place]) -> None:
    require_passed(of_stale_locks(places[0]))
