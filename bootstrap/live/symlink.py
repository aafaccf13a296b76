"""A symbolic link, replaced in one step; relative, for disks that are mounted elsewhere."""

from pathlib import Path

from bootstrap.files import part_of, remove_file, replace_link
from bootstrap.generation import LINK_NAME


def works_in(folder: Path) -> bool:
    """Wherever the runtime itself could be unpacked, which holds such links."""
    del folder
    return True


def made(link: Path) -> bool:
    """Whether it is a symbolic link."""
    return link.is_symlink()


def leads_to(target: Path) -> str | None:
    """The generation that the link names."""
    name = (target / LINK_NAME).readlink().parent.name
    return name if (target / LINK_NAME).readlink() == _goal(name) else None


def lead(target: Path, name: str) -> None:
    """Turn the link."""
    replace_link(target / LINK_NAME, _goal(name))


def clear(target: Path) -> None:
    """Remove the link, and one that was never finished."""
    for link in (target / LINK_NAME, part_of(target / LINK_NAME)):
        if made(link):
            remove_file(link)


def _goal(name: str) -> Path:
    return Path("generations") / name / "venv"
