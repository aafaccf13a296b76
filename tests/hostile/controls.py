"""Servers, wheels and the ordinary, as campaigns like all others."""

import shutil
from pathlib import Path

from tests.hostile import ordinary
from tests.hostile.figures import Figures, Work
from tests.hostile.network import run_scripts
from tests.hostile.wheels import all_cases
from tests.hostile.wheels.trial import count_wheels


def servers(work: Work) -> Figures:
    """Every script of a server, against the real fetcher."""
    found = run_scripts(_empty(work, "servers"))
    fine = found.by_exit.get(0, 0)
    rows = ", ".join(f"{row}: {count}" for row, count in found.by_row.items() if row)
    return Figures(
        tried=found.scripts,
        refused=found.scripts - fine,
        broken=found.failures,
        notes=f"With {fine} the file could be had all the same, and was the right one. By row of "
        f"the fault matrix: {rows}; the others are of no row",
    )


def wheels(work: Work) -> Figures:
    """Every hostile wheel, on the builder's side and on the installer's."""
    found = count_wheels(all_cases(), _empty(work, "wheels"))
    wrong = {
        "not refused by the builder for their rule": found.tried - found.refused_by_builder,
        "neither refused by the installer nor harmless": found.tried
        - found.refused_by_installer
        - found.harmless,
        "wrote a file elsewhere": found.escaped,
        "were run": found.ran,
    }
    return Figures(
        tried=found.tried,
        refused=found.refused_by_builder,
        broken=tuple(f"{count} {what}" for what, count in wrong.items() if count),
        notes=f"An installer, given them in a bundle around the builder, refuses "
        f"{found.refused_by_installer:,} and takes {found.harmless:,} that only other programs "
        f"have to be afraid of; {found.escaped} files elsewhere, {found.ran} canaries run",
    )


def ordinary_wheels(work: Work) -> Figures:
    """Wheels of much-used projects, to the last byte; without a folder for them, none."""
    if work.ordinary is None:
        return Figures(tried=0, refused=0, notes="none were asked for")
    work.ordinary.mkdir(parents=True, exist_ok=True)
    have = {path.name for path in work.ordinary.iterdir()}
    if not have:
        ordinary.fetch(ordinary.wanted(), work.ordinary)
    found = ordinary.count_ordinary(ordinary.at_hand([work.ordinary]))
    return Figures(
        tried=found.vetted,
        refused=len(found.startup) + len(found.broken),
        broken=tuple(f"{name}: {why}" for name, why in found.refused.items()),
        notes=f"Of {found.asked:,} on the list. {len(found.startup)} bring code that runs at "
        "every start of Python, which needs an allowance by design; "
        f"{len(found.broken)} cannot be installed by anybody who compares hashes",
    )


def _empty(work: Work, name: str) -> Path:
    folder = work.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
