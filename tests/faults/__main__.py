"""All the faults, and the page that tells of them. As root, on Linux::

python -m tests.faults --output docs/reliability.md
python -m tests.faults --point "upgrade inject signal=KILL - source rename 1 .install.json.part"
"""

import argparse
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.faults import figures
from tests.faults.bundles import Bundles, build_bundles
from tests.faults.campaigns import CAMPAIGNS
from tests.faults.figures import Figure
from tests.faults.limits import listen_as_usual
from tests.faults.place import Place, in_memory
from tests.faults.races import in_use, race, stale
from tests.faults.report import write_report
from tests.faults.scenarios import find
from tests.faults.trials import Attempt, attempt

_CARELESS_IMAGES = 20
_BY_NAME = {"race": race, "stale": stale, "use": in_use}


def main() -> int:
    """Try everything, tell, and say by the exit code whether all was well."""
    listen_as_usual()
    # Asked to stop, it leaves nothing mounted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = _parse()
    work = options.work.absolute()
    bundles = build_bundles(work / "bundles")
    if options.point:
        problems = _again(work, bundles, options.point)
        _say("\n".join(problems) or "fine")
        return 1 if problems else 0
    done = list(_all(options, work, bundles))
    for figure in done:
        _say(f"{figure.what}: {figure.tried} tried, {len(figure.broken)} broken")
        if not figure.passed:
            for name, wrong in figure.broken:
                _say(f"  {'; '.join(wrong)}\n    again: {_command('--point', name)}")
    if options.output:
        page = write_report(done, _command(*sys.argv[1:]))
        options.output.write_text(page, encoding="utf-8")
    return 0 if all(figure.passed for figure in done) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults", description="Tries faults on real installations."
    )
    for campaign in CAMPAIGNS:
        parser.add_argument(
            f"--{campaign.name}",
            metavar="N",
            type=int,
            default=campaign.count,
            help=f"{campaign.what} (default: {campaign.count})",
        )
    parser.add_argument("--images", metavar="N", type=int, default=210, help="power cuts")
    parser.add_argument("--races", metavar="N", type=int, default=100, help="rounds of 8 at once")
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="trials side by side")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the page")
    parser.add_argument(
        "--work",
        metavar="DIR",
        type=Path,
        default=Path(tempfile.gettempdir()) / "llmsetup-faults",
        help="for bundles, which are built once, and for all else",
    )
    parser.add_argument("--point", metavar="NAME", help="only this one, as it was printed")
    return parser.parse_args()


def _all(options: argparse.Namespace, work: Path, bundles: Bundles) -> Iterator[Figure]:
    with ExitStack() as opened:
        places = [
            Place(opened.enter_context(in_memory(work / f"place-{number}")), bundles)
            for number in range(options.jobs)
        ]
        for campaign in CAMPAIGNS:
            if count := getattr(options, campaign.name):
                yield figures.of_campaign(campaign, places, count, _say)
        if options.races:
            yield figures.of_races(places[0], options.races, _say)
            yield figures.of_stale_locks(places[0])
            yield figures.of_use(places[0])
    with in_memory(work / "dangers") as folder:
        yield figures.of_dangers(folder)
    if options.images:
        yield figures.of_power(work, bundles, options.images, options.jobs, _say)
        yield figures.of_carelessness(work, bundles, _CARELESS_IMAGES, _say)


def _again(work: Path, bundles: Bundles, name: str) -> list[str]:
    """Try one of them once more."""
    scenario, kind, rest = (*name.split(" ", 2), "")[:3]
    if kind == "power":
        return list(figures.judge_image(work, bundles, find(scenario), Path(rest)))
    with in_memory(work / "place-0") as folder:
        place = Place(folder, bundles)
        if kind in _BY_NAME:
            return _BY_NAME[kind](place, place.case(find(scenario)))
        trial = attempt(place, Attempt.parse(name))
        _say(f"it ended with {trial.code}")
        return list(trial.problems)


def _command(*arguments: str) -> str:
    return shlex.join(["python", "-m", "tests.faults", *arguments])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
