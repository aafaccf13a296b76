"""The builder's own figures, and the bundles that the contest needs."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.building import bundle_files, run_builder, size_of
from benchmarks.measuring import CommandFailedError, warm
from benchmarks.model import Run, Series
from benchmarks.stacks import TARGET, Stack, fresh_cache
from builder.fetch import Cache

FIRST = "first build, wheels cached"
SECOND = "second build, nothing changed"
DEFAULT = "default"
SMALL = "small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was built, and how.

    Attributes:
        bundle: the installer and its volumes.
        other: those of the other version.
        sizes: compression to bytes of all files; None where it could not be built.
    """

    series: tuple[Series, ...]
    bundle: tuple[Path, ...]
    other: tuple[Path, ...]
    sizes: dict[str, int | None]


def build_all(
    stack: Stack, other: Stack, source: Cache, work: Path, runs: int, tell: Callable[[str], None]
) -> Built:
    """Build again and again, each time from nothing but wheels, then once more.

    Args:
        stack: what is measured.
        other: with another version of one package; built once.
        source: has all wheels; nothing in it is changed.
        work: where caches and bundles go.
        runs: how often.
        tell: hears what is going on.
    """
    cache, output = work / "cache", work / "dist"
    first, second = list[Run](), list[Run]()
    for number in range(runs):
        for folder in (cache, output):
            shutil.rmtree(folder, ignore_errors=True)
        fresh_cache((stack, other), source, cache)
        for name, runs_of_it in ((FIRST, first), (SECOND, second)):
            warm([cache])
            runs_of_it.append(build(stack, cache, output))
            tell(f"{number + 1}/{runs} {name}: {runs_of_it[-1].seconds:.1f} s")
    sizes: dict[str, int | None] = {DEFAULT: size_of(*bundle_files(output))}
    small, sizes[SMALL] = _build_small(stack, cache, work / "dist-small")
    tell(f"build {SMALL}: {small.failure or f'{small.runs[0].seconds:.1f} s'}")
    build(other, cache, work / "dist-other")
    shutil.rmtree(cache)
    return Built(
        series=(
            Series(name=FIRST, runs=tuple(first)),
            Series(name=SECOND, runs=tuple(second)),
            small,
        ),
        bundle=bundle_files(output),
        other=bundle_files(work / "dist-other"),
        sizes=sizes,
    )


def _build_small(stack: Stack, cache: Path, output: Path) -> tuple[Series, int | None]:
    """Only to know its size; the figures of one run."""
    name = f"build with --compression {SMALL}"
    try:
        run = build(stack, cache, output, "--compression", SMALL)
    except CommandFailedError as error:
        return Series(name=name, runs=(), failure=str(error)), None
    size = size_of(*bundle_files(output))
    shutil.rmtree(output)
    return Series(name=name, runs=(run,)), size


def build(stack: Stack, cache: Path, output: Path, *options: str | Path) -> Run:
    """One build, from what is cached.

    Raises:
        CommandFailedError: it has failed.
    """
    return run_builder(
        *("--cuda", stack.variant, "--target", TARGET.name, "--manifest", stack.manifest_path),
        *("--cache", cache, "--output", output, "--offline", "--json", *options),
        scratch=output.parent,
    )
