"""Small writes that are whole or not there, and names that are given and taken.

Windows refuses to rename, replace or delete what somebody has open, and an antivirus program
opens every new file for a moment. So all of that is tried again for some seconds here.
"""

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bootstrap.errors import BusyError
from bootstrap.longpaths import plain

# Access denied, which is also what Windows says of a running program; sharing and lock
# violation; a folder whose last file somebody still has open.
_HELD = frozenset({5, 32, 33, 145})
# Seconds before each further try: eight together.
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.85)


def patiently(action: Callable[[], object], path: str | os.PathLike[str]) -> None:
    """Do it, again and again for some seconds while Windows says that ``path`` is held.

    Args:
        action: renames, replaces or deletes.
        path: what it works on, for the message.

    Raises:
        BusyError: it is still held.
        OSError: whatever else the system has to say.
    """
    for pause in (*_PAUSES, None):
        try:
            action()
        except OSError as error:
            if not _says_held(error):
                raise
            if pause is None:
                raise BusyError(
                    f"{plain(str(path))} is in use ({error.strerror}).",
                    remedy="Close the programs and windows that use it, then start again. If none "
                    "does, see that you may change it.",
                ) from error
            time.sleep(pause)
        else:
            return


def _says_held(error: OSError) -> bool:
    return getattr(error, "winerror", None) in _HELD


def part_of(path: Path) -> Path:
    """What something is called until it gets its proper name."""
    return path.with_name(f".{path.name}.part")


def replace_file(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write ``data`` so that at any instant, power cut included, the old or the new is there.

    Args:
        path: of the file.
        data: all of it, or pieces.

    Raises:
        BusyError: somebody keeps the old one open.
    """
    part = part_of(path)
    with _gone_if_it_fails(part):
        with part.open("wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        patiently(lambda: part.replace(path), path)
    sync_folder(path.parent)


def replace_link(path: Path, to: Path) -> None:
    """Make ``path`` a symbolic link to ``to``, replacing an older link in one step."""
    part = part_of(path)
    part.unlink(missing_ok=True)
    with _gone_if_it_fails(part):
        part.symlink_to(to, target_is_directory=True)
        part.replace(path)
    sync_folder(path.parent)


@contextmanager
def _gone_if_it_fails(part: Path) -> Iterator[None]:
    """Leave nothing half-made behind; what went wrong first is what matters."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def move_folder(path: Path, to: Path) -> None:
    """Give a folder another place on the same file system, where nothing is yet.

    Raises:
        BusyError: a program has something in it open.
    """
    patiently(lambda: path.replace(to), path)
    sync_folder(path.parent)
    sync_folder(to.parent)


def sync_folder(path: Path) -> None:
    """Bring a folder's entries to the disk; where folders cannot be opened, nothing."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_link(path: Path) -> bool:
    """Whether it leads somewhere else: a symbolic link, or a junction of Windows."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISLNK(status.st_mode) or is_junction(status)


def is_junction(status: os.stat_result) -> bool:
    """Whether it is a junction, which is no symbolic link for Python."""
    mount_point = 0xA0000003  # IO_REPARSE_TAG_MOUNT_POINT; the module stat has it on Windows only
    return getattr(status, "st_reparse_tag", 0) == mount_point


def tree_size(path: Path) -> int:
    """Bytes that deleting a folder frees: of files that no other name keeps; links aside."""
    total = 0
    for folder, below, names in os.walk(path):
        # Python takes a junction for a folder, and would follow it.
        below[:] = [name for name in below if not is_link(Path(folder, name))]
        statuses = (os.lstat(os.path.join(folder, name)) for name in names)  # noqa: PTH118
        total += sum(status.st_size for status in statuses if status.st_nlink == 1)
    return total


def remove_file(path: Path) -> None:
    """Delete one file, or a link without what it leads to; nothing where nothing is.

    Raises:
        BusyError: somebody keeps it open.
        OSError: it cannot be deleted, as a folder cannot.
    """

    def unlink() -> None:
        path.unlink(missing_ok=True)

    try:
        unlink()
    except OSError as error:
        if not _says_held(error):
            raise
        # Windows says the same of what is only marked as read-only.
        with suppress(OSError):
            path.chmod(stat.S_IWRITE)
        patiently(unlink, path)
