"""All that is hostile, and the page that tells of it. As root, on Linux::

python -m tests.hostile --output docs/security.md
python -m tests.hostile --mutation "fast 1238"
"""

import argparse
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.limits import listen_as_usual
from tests.hostile.campaigns import CAMPAIGNS
from tests.hostile.figures import Campaign, Figures, Work
from tests.hostile.mutations import campaign as mutations
from tests.hostile.mutations import installed
from tests.hostile.report import with_figures


def main() -> int:
    """Try everything, tell, and say by the exit code whether all was well."""
    listen_as_usual()
    # Asked to stop, it leaves nothing mounted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = _parse()
    work = Work(
        folder=options.work.absolute(),
        mutations=options.mutations,
        installed=options.installed,
        ordinary=options.ordinary_in,
        jobs=options.jobs,
        tell=_say,
    )
    work.folder.mkdir(parents=True, exist_ok=True)
    if options.mutation:
        problems = _again(work, options.mutation)
        _say("\n".join(problems) or "fine")
        return 1 if problems else 0
    names = options.only or [c.name for c in CAMPAIGNS if work.ordinary or c.name != "ordinary"]
    done = list(_all(names, work))
    if options.output:
        page = options.output.read_text(encoding="utf-8")
        command = shlex.join(["python", "-m", "tests.hostile", *sys.argv[1:]])
        options.output.write_text(with_figures(page, done, command), encoding="utf-8")
    return 0 if all(campaign.passed(figures) for campaign, figures in done) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.hostile", description="Tries what hostile people would."
    )
    parser.add_argument(
        "--mutations", metavar="N", type=int, default=10_000, help="bundles to damage"
    )
    parser.add_argument(
        "--installed", metavar="N", type=int, default=300, help="of them to install for real"
    )
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="trials side by side")
    parser.add_argument(
        "--only",
        metavar="NAME",
        nargs="+",
        choices=[campaign.name for campaign in CAMPAIGNS],
        help=f"some of {', '.join(campaign.name for campaign in CAMPAIGNS)} only",
    )
    parser.add_argument(
        "--ordinary-in",
        metavar="DIR",
        type=Path,
        help="folder of ordinary wheels, which are fetched into it if they are not there",
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="page that the figures are put into"
    )
    parser.add_argument(
        "--work",
        metavar="DIR",
        type=Path,
        default=Path(tempfile.gettempdir()) / "llmsetup-hostile",
        help="for bundles, which are built once, and for all else",
    )
    parser.add_argument("--mutation", metavar="NAME", help="only this one, as it was printed")
    return parser.parse_args()


def _all(names: list[str], work: Work) -> Iterator[tuple[Campaign, Figures]]:
    for campaign in CAMPAIGNS:
        if campaign.name not in names:
            continue
        _say(f"{campaign.what} …")
        figures = campaign.run(work)
        _say(
            f"{campaign.what}: {figures.tried:,} tried, {figures.refused:,} refused, "
            f"{len(figures.broken):,} broken. {figures.notes}"
        )
        if not campaign.passed(figures):
            _say("\n".join(f"  {broken}" for broken in figures.broken))
        yield campaign, figures


def _again(work: Work, name: str) -> list[str]:
    """Try one mutant once more."""
    if name.split(maxsplit=1)[0] in installed.KINDS:
        kind, number = name.split()
        case = installed.Case(kind=kind, number=int(number))
        return [problem for one in installed.judge_all([case], work) for problem in one.problems]
    mutations.prepare(work.folder / "mutations")
    judged = mutations.judge_case(mutations.Case.parse(name), work.folder / "mutations")
    _say(f"{judged.told}: refused in {judged.refused} of {judged.modes} modes")
    return list(judged.problems)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
