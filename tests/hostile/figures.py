"""What was tried, and what became of it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a campaign has found.

    Attributes:
        tried: cases.
        refused: those of them that ended with the right code, and did no harm.
        broken: each that went wrong, with the command that tries it again.
        notes: what else there is to say, a sentence or two.
    """

    tried: int
    refused: int
    broken: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What whoever starts the campaigns has asked for.

    Attributes:
        folder: for whatever is made; it stays.
        mutations: how many damaged bundles are tried in all.
        installed: how many are really installed.
        ordinary: folder for ordinary wheels, which are fetched once; None leaves them out.
        jobs: how many trials go on side by side.
        tell: hears of progress.
    """

    folder: Path
    mutations: int
    installed: int
    ordinary: Path | None
    jobs: int
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One row of the table.

    Attributes:
        name: on the command line.
        what: was tried, for people.
        entry: ``module:function`` of what gets a :class:`Work` and returns :class:`Figures`; it
            is imported when its turn comes.
        breaking: it shall break, to show that this would be noticed.
    """

    name: str
    what: str
    entry: str
    breaking: bool = False

    def run(self, work: Work) -> Figures:
        """Try all of it."""
        module, _, function = self.entry.partition(":")
        found: Figures = getattr(importlib.import_module(module), function)(work)
        return found

    def passed(self, figures: Figures) -> bool:
        """Whether it is as it should be."""
        return figures.tried > 0 and bool(figures.broken) == self.breaking
