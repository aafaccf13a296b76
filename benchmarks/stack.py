"""Builds a stack and installs it beside the other ways to do so, interleaved.

::

    python -m benchmarks.stack cu124 --work NEW_FOLDER

docs/benchmarks.md says what is compared and what it needs.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.bars import judge_stack
from benchmarks.building import files_below
from benchmarks.builds import Built, build_all
from benchmarks.contest import Contest
from benchmarks.contestants import Kit, contestants, require_tools, search_path, versions
from benchmarks.files import tell, write_figures
from benchmarks.machine import describe_machine
from benchmarks.measuring import first_output, measure
from benchmarks.model import StackFigures
from benchmarks.options import add_places
from benchmarks.picture import draw_contest
from benchmarks.report import stack_report
from benchmarks.stacks import (
    SMALL_STACK,
    Stack,
    fetch_wheels,
    fill_wheelhouse,
    open_stack,
    other_version,
    requirements_of,
)
from builder.fetch import Cache, default_cache_folder

_STARTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for.

    Attributes:
        stack: its name.
        runs: of everything.
        cache: with wheels, or to be filled with them.
        work: an existing folder for all that is made.
        output: where figures go.
    """

    stack: str
    runs: int
    cache: Cache
    work: Path
    output: Path


def compare(asked: Asked) -> StackFigures:
    """Measure everything; after each round what is there is written."""
    machine = describe_machine(asked.work, versions(), search_path())
    stack = open_stack(asked.stack, asked.work / "small")
    built, kit = prepare(stack, asked)
    figures = StackFigures(
        machine=machine,
        command=f"python -m benchmarks.stack {asked.stack} --runs {asked.runs} --work NEW_FOLDER",
        stack=asked.stack,
        wheels=len(stack.lock.wheels),
        wheels_size=sum(path.stat().st_size for path in kit.wheelhouse.iterdir()),
        files=len(files_below(kit.reference)),
        bundles=built.sizes,
        starts=tuple(
            first_output([kit.bundle[0], "--version"], _environment(asked.work))
            for _ in range(_STARTS)
        ),
        builds=built.series,
        contest=(),
    )
    contest = Contest(contestants(kit), kit, asked.work, tell)
    contest.make_artefacts()
    contest.look_at_disk()
    for number in range(asked.runs):
        contest.hold_round(number)
        figures = msgspec.structs.replace(figures, contest=contest.series())
        if asked.stack != SMALL_STACK:
            # The bars are those of a real stack.
            figures = msgspec.structs.replace(figures, verdicts=judge_stack(figures))
        write_figures(figures, asked.output, asked.stack, stack_report(figures))
        draw_contest(figures, asked.output / f"{asked.stack}.svg")
    return figures


def prepare(stack: Stack, asked: Asked) -> tuple[Built, Kit]:
    """Build what is installed, and lay out what the others need."""
    work = asked.work
    fetch_wheels(stack, asked.cache)
    other = other_version(stack, work / "other")
    fetch_wheels(other, asked.cache)
    built = build_all(stack, other, asked.cache, work, asked.runs, tell)
    wheelhouse = fill_wheelhouse(stack, asked.cache, work / "wheelhouse")
    kit = Kit(
        wheelhouse=wheelhouse,
        requirements=requirements_of(wheelhouse),
        bundle=built.bundle,
        other=built.other,
        reference=work / "reference",
        made=work / "made",
    )
    kit.made.mkdir()
    command = [str(kit.bundle[0]), "--target", str(kit.reference), "--silent", "--allow-no-gpu"]
    measure(command, cwd=work, environment=_environment(work))
    return built, kit


def _environment(work: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(work)}


def main(arguments: Sequence[str]) -> None:
    """Measure everything, print the report, write the files."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stack",
        description="Installs a stack in several ways, side by side.",
    )
    parser.add_argument("stack", help=f"a variant such as cu124, or {SMALL_STACK}")
    parser.add_argument("--runs", metavar="N", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument(
        "--cache",
        metavar="DIR",
        type=Path,
        default=default_cache_folder(),
        help="the builder's; wheels are taken from it and fetched into it (default: %(default)s)",
    )
    add_places(parser)
    options = parser.parse_args(arguments)
    require_tools()
    work: Path = options.work.absolute()
    work.mkdir(parents=True)
    try:
        figures = compare(
            Asked(
                stack=options.stack,
                runs=options.runs,
                cache=Cache(options.cache),
                work=work,
                output=options.output,
            )
        )
    finally:
        shutil.rmtree(work)
    print(stack_report(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
