"""Builds and installs more and more, and larger and larger wheels.

::

    python -m benchmarks.scaling --work NEW_FOLDER

docs/benchmarks.md says what this shows and what it needs.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.bars import judge_scaling
from benchmarks.building import bundle_files, run_builder, size_of
from benchmarks.builds import build
from benchmarks.contestants import search_path
from benchmarks.files import tell, write_figures
from benchmarks.machine import describe_machine
from benchmarks.measuring import measure, warm
from benchmarks.model import Point, Run, ScalingFigures, Series
from benchmarks.options import add_places
from benchmarks.picture import draw_scaling
from benchmarks.report import scaling_report
from benchmarks.rounds import rotated
from benchmarks.synthetic import Work, make_stack, write_manifest

_WHEELS = (10, 100, 1_000, 10_000)
_GIGABYTES = (1, 3, 10)
_GB = 10**9
# A member of a quarter of ten gigabytes is larger than any in the largest wheels of torch.
_LARGE_WHEELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for.

    Attributes:
        wheels: how many small wheels, for each point.
        gigabytes: sum of the large ones, for each point.
        work: an existing folder for all that is made.
    """

    wheels: tuple[int, ...]
    gigabytes: tuple[int, ...]
    runs: int
    work: Path
    output: Path


@dataclass(slots=True, kw_only=True)
class _Measured:
    """What is known of one amount of work; grows with each round."""

    work: Work
    payload: int = 0
    bundle: int = 0
    builds: list[Run] = field(default_factory=list)
    installs: list[Run] = field(default_factory=list)

    def point(self) -> Point:
        return Point(
            wheels=self.work.wheels,
            files=self.work.files,
            payload=self.payload,
            bundle=self.bundle,
            build=Series(name="build", runs=tuple(self.builds)),
            install=Series(name="install", runs=tuple(self.installs)),
        )


def scale(asked: Asked) -> ScalingFigures:
    """Measure everything; after each round what is there is written."""
    machine = describe_machine(asked.work, {}, search_path())
    stub = _freeze(asked.work)
    by_wheels = [_Measured(work=Work(wheels=count)) for count in asked.wheels]
    by_payload = [
        _Measured(work=Work(wheels=_LARGE_WHEELS, large=size * _GB // _LARGE_WHEELS))
        for size in asked.gigabytes
    ]
    figures = ScalingFigures(machine=machine, command=_command(asked), by_wheels=(), by_payload=())
    for number in range(asked.runs):
        for measured in rotated([*by_wheels, *by_payload], number):
            _measure(measured, stub, asked.work / "point")
            tell(
                f"round {number + 1}, {measured.work.wheels:,} wheels, "
                f"{measured.payload / _GB:.1f} GB: built in {measured.builds[-1].seconds:.1f} s, "
                f"installed in {measured.installs[-1].seconds:.1f} s"
            )
        figures = msgspec.structs.replace(
            figures,
            by_wheels=tuple(measured.point() for measured in by_wheels),
            by_payload=tuple(measured.point() for measured in by_payload),
        )
        figures = msgspec.structs.replace(figures, verdicts=judge_scaling(figures))
        write_figures(figures, asked.output, "scaling", scaling_report(figures))
        draw_scaling(figures, asked.output / "scaling.svg")
    return figures


def _command(asked: Asked) -> str:
    wheels, gigabytes = (" ".join(map(str, some)) for some in (asked.wheels, asked.gigabytes))
    return (
        f"python -m benchmarks.scaling --runs {asked.runs} --wheels {wheels} "
        f"--gigabytes {gigabytes} --work NEW_FOLDER"
    )


def _freeze(work: Path) -> Path:
    """The same stub for all, since freezing is the same for all."""
    folder = work / "stub"
    folder.mkdir()
    manifest = write_manifest(folder)
    stub = folder / "stub.run"
    cache = folder / "cache"
    run_builder(
        *("freeze", "--manifest", manifest, "--cache", cache, "--output", stub), scratch=folder
    )
    return stub


def _measure(measured: _Measured, stub: Path, folder: Path) -> None:
    """Make the wheels, build, install, and leave nothing."""
    with _emptied(folder):
        cache, output, target = folder / "cache", folder / "dist", folder / "target"
        stack = make_stack(measured.work, folder, cache)
        measured.payload = size_of(cache / "files")
        warm([cache])
        measured.builds.append(build(stack, cache, output, "--runtime", "host", "--stub", stub))
        # The disk need not hold it all at the same time.
        shutil.rmtree(cache)
        files = bundle_files(output)
        measured.bundle = size_of(*files)
        warm(files)
        command = [str(files[0]), "--target", str(target), "--json"]
        environment = {**os.environ, "TMPDIR": str(folder)}
        measured.installs.append(measure(command, cwd=folder, environment=environment))


@contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    folder.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(folder)


def main(arguments: Sequence[str]) -> None:
    """Measure everything, print the report, write the files."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling",
        description="Builds and installs made-up wheels, more and more of them.",
    )
    parser.add_argument("--runs", metavar="N", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument(
        "--wheels",
        metavar="N",
        type=int,
        nargs="*",
        default=_WHEELS,
        help="how many small ones (default: 10 to 10,000)",
    )
    parser.add_argument(
        "--gigabytes",
        metavar="N",
        type=int,
        nargs="*",
        default=_GIGABYTES,
        help=f"sum of {_LARGE_WHEELS} large ones (default: 1 3 10)",
    )
    add_places(parser)
    options = parser.parse_args(arguments)
    work: Path = options.work.absolute()
    work.mkdir(parents=True)
    try:
        figures = scale(
            Asked(
                wheels=tuple(options.wheels),
                gigabytes=tuple(options.gigabytes),
                runs=options.runs,
                work=work,
                output=options.output,
            )
        )
    finally:
        shutil.rmtree(work)
    print(scaling_report(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
