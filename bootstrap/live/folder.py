"""The real folder, where the file system has no links: it changes places with its successor.

An environment lies in its generation until it goes live, and again afterwards. Moving it is
two renames; which environment lies where can be told at any time from the environments
themselves, so whatever was interrupted can be undone.
"""

from pathlib import Path

from bootstrap.files import is_link, move_folder
from bootstrap.generation import LINK_NAME, home_of


def works_in(folder: Path) -> bool:
    """Everywhere."""
    del folder
    return True


def made(link: Path) -> bool:
    """Whether it is an environment of one of our generations."""
    return not is_link(link) and _owner(link) is not None


def leads_to(target: Path) -> str | None:
    """The generation whose environment it is."""
    return _owner(target / LINK_NAME)


def lead(target: Path, name: str) -> None:
    """Put the old one back into its generation, and take the new one out of its own."""
    if leads_to(target) == name:
        return
    clear(target)
    own = target / "generations" / name / "venv"
    # Where somebody has deleted it, there is nothing to bring back.
    if own.is_dir():
        move_folder(own, target / LINK_NAME)


def clear(target: Path) -> None:
    """Put it back into its generation."""
    name = leads_to(target)
    if name is None:
        return
    generation = target / "generations" / name
    generation.mkdir(parents=True, exist_ok=True)
    move_folder(target / LINK_NAME, generation / "venv")


def _owner(venv: Path) -> str | None:
    # By its last parts only: the whole target may have been moved.
    parts = (home_of(venv) or Path()).parts
    for place in range(len(parts) - 1, 1, -1):
        if parts[place] == "python" and parts[place - 2] == "generations":
            return parts[place - 1]
    return None
