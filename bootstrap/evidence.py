"""The evidence on the target: written with an environment, shown beside it.

It belongs to a generation and goes with that; ``<target>/evidence`` shows the live one's. Where
an environment goes live by a symbolic link, so does its evidence: the link leads through
``.venv`` and never changes. Elsewhere it is a copy, which knows the names of its files, so that
nothing else is ever deleted with it.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bootstrap.bundle.evidence import FOLDER_NAME, inner_path, is_inner
from bootstrap.bundle.model import Index
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import BusyError, UnsafeTargetError
from bootstrap.files import is_link, part_of, patiently, remove_file, replace_file, replace_link
from bootstrap.generation import LINK_NAME, Generation

_GOAL = Path(LINK_NAME, FOLDER_NAME)
# In a copy only: the names of the other files there.
_LIST = ".files"


def write_evidence(reader: BundleReader, folder: Path) -> None:
    """Write all of it below ``folder``, each file checked while it is written.

    Raises:
        DamagedBundleError: a file is not what the index says.
        OSError: what the system says.
    """
    entries = reader.index.evidence
    paths = [folder / inner_path(entry) for entry in entries]
    folder.mkdir(exist_ok=True)
    for entry, path in zip(entries, paths, strict=True):
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            reader.copy_entry(entry, file, lambda _: None)


def take_back(index: Index, folder: Path) -> None:
    """Delete what :func:`write_evidence` has written, by its names."""
    for entry in index.evidence:
        remove_file(folder / inner_path(entry))
    _remove_if_empty(*folder.glob("*/"), folder)


def require_free(target: Path) -> None:
    """Refuse to show evidence where somebody keeps something of their own.

    Raises:
        UnsafeTargetError: ``<target>/evidence`` is there and is not of our making.
    """
    shown = target / FOLDER_NAME
    if os.path.lexists(shown) and not (_is_our_link(shown) or _is_our_copy(shown)):
        raise UnsafeTargetError(
            f"{shown} is there, and this installer did not make it.",
            remedy="Move it away, then start again.",
        )


def show(target: Path, generation: Generation | None) -> None:
    """Let ``<target>/evidence`` be that of a generation; of None, or one without any, nothing.

    Raises:
        BusyError, OSError: it cannot be written.
    """
    if generation is None or not generation.evidence.is_dir():
        hide(target)
    elif not is_shown(target, generation):
        if generation.way == "symlink":
            if not _is_our_link(target / FOLDER_NAME):
                hide(target)
            replace_link(target / FOLDER_NAME, _GOAL)
        else:
            hide(target)
            _copy(generation.evidence, target / FOLDER_NAME)


def is_shown(target: Path, generation: Generation) -> bool:
    """Whether what is to be seen there is that generation's evidence, byte for byte."""
    shown, own = target / FOLDER_NAME, generation.evidence
    if not own.is_dir():
        return not (_is_our_link(shown) or _is_our_copy(shown))
    if generation.way == "symlink":
        return _is_our_link(shown)
    names = set(_names_below(own))
    return (
        _is_our_copy(shown)
        and {*_names_below(shown)} >= names
        and all((shown / name).read_bytes() == (own / name).read_bytes() for name in names)
    )


def hide(target: Path) -> None:
    """Take it away, if it is ours; what others have put into a copy stays.

    Raises:
        BusyError, OSError: it cannot be deleted.
    """
    shown = target / FOLDER_NAME
    for link in (shown, part_of(shown)):
        if _is_our_link(link):
            remove_file(link)
    if _is_our_copy(shown):
        for name in _listed(shown):
            remove_file(shown / name)
        # The list last: without it, folders would look like somebody else's.
        _remove_if_empty(*shown.glob("*/"))
        remove_file(part_of(shown / _LIST))
        remove_file(shown / _LIST)
        _remove_if_empty(shown)


def _copy(own: Path, shown: Path) -> None:
    names = sorted(_names_below(own))
    shown.mkdir(exist_ok=True)
    # First, so that what is interrupted can be taken away again.
    replace_file(shown / _LIST, "".join(f"{name}\n" for name in names).encode())
    for name in names:
        (shown / name).parent.mkdir(exist_ok=True)
        (shown / name).write_bytes((own / name).read_bytes())


def _is_our_link(shown: Path) -> bool:
    return shown.is_symlink() and shown.readlink() == _GOAL


def _is_our_copy(shown: Path) -> bool:
    """Whether it is a copy, or so little of one that it has no list yet."""
    if is_link(shown) or not shown.is_dir():
        return False
    return (shown / _LIST).is_file() or all(p == part_of(shown / _LIST) for p in shown.iterdir())


def _listed(shown: Path) -> Iterator[str]:
    """Names in a copy's list, those that lead out of it left out."""
    with suppress(FileNotFoundError):
        # The list is a file like any other: somebody may have written into it, whatever it is.
        for name in (shown / _LIST).read_text(encoding="utf-8", errors="replace").splitlines():
            if is_inner(name) and not is_link((shown / name).parent):
                yield name


def _names_below(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _remove_if_empty(*folders: Path) -> None:
    for path in folders:
        with suppress(OSError, BusyError):
            if not is_link(path):
                patiently(path.rmdir, path)
