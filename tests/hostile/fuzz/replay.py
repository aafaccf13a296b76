"""Tries once more what fuzzing has kept."""

from collections.abc import Iterator
from pathlib import Path

from tests.hostile.figures import Figures, Work
from tests.hostile.fuzz.targets import TARGETS, FuzzTarget, find_target
from tests.support.commands import ROOT

CORPUS = Path(__file__).parents[1] / "corpus"


def saved(target: FuzzTarget) -> list[Path]:
    """The corpus of a target."""
    return sorted((CORPUS / target.name).glob("*"))


def all_saved() -> Iterator[Path]:
    """The corpus of all."""
    for target in TARGETS:
        yield from saved(target)


def try_again(path: Path) -> tuple[str, bool]:
    """What is wrong with what becomes of a saved input, empty if nothing; and was it refused?"""
    try:
        refused = find_target(path.parent.name).check(path.read_bytes())
    except Exception as error:  # noqa: BLE001 (that is what is looked for)
        return f"{type(error).__name__}: {error}", False
    return "", refused


def run(work: Work) -> Figures:
    """All of them."""
    del work
    tried, all_refused, broken = 0, 0, []
    for path in all_saved():
        tried += 1
        wrong, refused = try_again(path)
        all_refused += refused
        if wrong:
            again = f"python -m tests.hostile.fuzz --input {path.relative_to(ROOT)}"
            broken.append(f"{path.parent.name}/{path.name}: {wrong}\n  again: {again}")
    return Figures(
        tried=tried,
        refused=all_refused,
        broken=tuple(broken),
        notes=f"{tried - all_refused - len(broken):,} were understood, since nothing is wrong "
        "with them",
    )
