"""What was tried, how often, and what was broken by it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tests.faults.bundles import Bundles
from tests.faults.campaigns import Campaign
from tests.faults.place import Case, Place, in_memory
from tests.faults.power import Power, choose_cuts, copy_image
from tests.faults.races import in_use, race, stale
from tests.faults.scenarios import FRESH, SCENARIOS, UPGRADE, Scenario
from tests.faults.trials import attempt_all
from tests.support.dangers import DANGERS, run

# What is told of each, for whoever waits.
Tell = Callable[[str], None]
Broken = tuple[str, tuple[str, ...]]
_CARELESS = "tests.faults.careless"
_SEED = 20261125
# Of so many images, one is given to the next run; for that takes longest.
_AGAIN_EACH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the table.

    Attributes:
        what: was done.
        tried: how often.
        broken: name, by which it can be tried again, and what was wrong.
        breaking: it shall break, to show that this would be noticed.
    """

    what: str
    tried: int
    broken: tuple[Broken, ...]
    breaking: bool = False

    @property
    def passed(self) -> bool:
        """Whether it is as it should be."""
        return self.tried > 0 and bool(self.broken) == self.breaking


def of_campaign(campaign: Campaign, places: Sequence[Place], count: int, tell: Tell) -> Figure:
    """So many of its faults, in all of the places."""
    trials = attempt_all(
        places,
        # All at once, since the place is needed for each.
        list(campaign.choose(places[0], count)),
        lambda trial: tell(f"{trial.name}: {'; '.join(trial.problems) or trial.code}"),
    )
    return Figure(
        what=campaign.what,
        tried=sum(trial.code is not None or bool(trial.problems) for trial in trials),
        broken=tuple((trial.name, trial.problems) for trial in trials if trial.problems),
    )


def of_power(work: Path, bundles: Bundles, count: int, jobs: int, tell: Tell) -> Figure:
    """So many power cuts; images that broke are kept in ``work / "broken"``."""

    def cut(scenario: Scenario) -> list[Broken]:
        return list(_cut(work, bundles, scenario, -(-count // len(SCENARIOS)), tell))

    with ThreadPoolExecutor(jobs) as pool:
        judged = [one for some in pool.map(cut, SCENARIOS) for one in some]
    return _figure("power cut", judged)


def of_carelessness(work: Path, bundles: Bundles, count: int, tell: Tell) -> Figure:
    """So many power cuts of an installer that waits for no disk."""
    # What is not on the disk does harm only when the new one is live, at the end.
    judged = list(_cut(work, bundles, UPGRADE, count, tell, program=_CARELESS, late=True))
    figure = _figure("power cut, with the barriers taken out", judged)
    return replace(figure, breaking=True)


def _cut(
    work: Path,
    bundles: Bundles,
    scenario: Scenario,
    count: int,
    tell: Tell,
    program: str = "bootstrap",
    *,
    late: bool = False,
) -> Iterator[Broken]:
    with in_memory(work / f"power-{scenario.name}") as folder:
        power = Power(folder, bundles, scenario, program)
        events = power.record()
        cuts = choose_cuts(events, count, _SEED, late=late)
        for number, (cut, image) in enumerate(power.images(events, cuts)):
            kept = work / "broken" / f"{scenario.name}-{cut.number}-{cut.seed}.img"
            name = f"{scenario.name} power {kept}"
            spare = image.with_name("spare.img")
            copy_image(image, spare)
            problems = tuple(power.judge(image, again=number % _AGAIN_EACH == 0))
            if problems and program != _CARELESS:
                kept.parent.mkdir(exist_ok=True)
                copy_image(spare, kept)
            tell(f"{name}: {'; '.join(problems) or 'fine'}")
            yield name, problems


def judge_image(work: Path, bundles: Bundles, scenario: Scenario, image: Path) -> tuple[str, ...]:
    """What is wrong with an image that was kept."""
    with in_memory(work / f"power-{scenario.name}") as folder:
        power = Power(folder, bundles, scenario)
        copy_image(image, folder / "crashed.img")
        return tuple(power.judge(folder / "crashed.img", again=True))


def of_races(place: Place, rounds: int, tell: Tell) -> Figure:
    """So many rounds of eight installers at once, by turns into nothing and over another."""
    judged = []
    for number in range(rounds):
        scenario = (FRESH, UPGRADE)[number % 2]
        name = f"{scenario.name} race"
        problems = tuple(race(place, place.case(scenario)))
        tell(f"{name}: {'; '.join(problems) or 'fine'}")
        judged.append((name, problems))
    return _figure("round of eight installers at once", judged)


def of_dangers(folder: Path) -> Figure:
    """Each way that is known to make a deletion go astray, in an empty folder of its own."""
    judged: list[Broken] = []
    for number, danger in enumerate(DANGERS):
        base = folder / str(number)
        base.mkdir(parents=True)
        try:
            run(danger, base)
        except AssertionError as error:
            judged.append((danger.name, (str(error),)))
        else:
            judged.append((danger.name, ()))
    return _figure("dangerous folder to delete", judged)


def of_use(place: Place) -> Figure:
    """A program runs in the old environment, whatever is done to that."""
    scenarios = [scenario for scenario in SCENARIOS if scenario.before]
    judged = _judged(place, scenarios, "use", in_use)
    return _figure("old environment in use", judged)


def of_stale_locks(place: Place) -> Figure:
    """Locks of processes that have ended, or are somebody else's."""
    judged = _judged(place, (FRESH, UPGRADE), "stale", stale)
    figure = _figure("lock of a dead process, or of a number used again", judged)
    # Three kinds in each.
    return replace(figure, tried=3 * figure.tried)


def _judged(
    place: Place,
    scenarios: Iterable[Scenario],
    trial: str,
    judge: Callable[[Place, Case], Iterable[str]],
) -> list[Broken]:
    """What is wrong in each scenario, by the name that it is tried again by."""
    return [
        (f"{scenario.name} {trial}", tuple(judge(place, place.case(scenario))))
        for scenario in scenarios
    ]


def _figure(what: str, judged: Sequence[Broken]) -> Figure:
    return Figure(what=what, tried=len(judged), broken=tuple(one for one in judged if one[1]))
