"""The target folder: may we use it, and nobody else at the same time."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_data_path

from bootstrap import logs
from bootstrap.belongings import FOLDER_NAME
from bootstrap.errors import (
    DISK_FULL,
    BusyError,
    NotWritableError,
    UnsafeTargetError,
    UsageError,
    reporting,
)
from bootstrap.files import is_link, patiently, remove_file
from bootstrap.host import TRIAL_PREFIX
from bootstrap.state import FILE_NAME

_LOCK_NAME = ".install.lock"
_OWNER_NAME = ".install.owner.json"
# Seconds in which somebody who has got the lock says so, or who has no use for it any more lets go.
_MOMENT = 2.0
_PAUSE = 0.02
# What an installation that was killed before its first state can have left, and what was kept
# for the user when one was removed.
_HARMLESS = {_LOCK_NAME, _OWNER_NAME, f".{FILE_NAME}.part", logs.FOLDER_NAME, FOLDER_NAME}


def require_safe(target: Path) -> None:
    """Refuse folders that are not ours to fill. Reads only.

    Raises:
        UnsafeTargetError: a link, a file, the root, a home folder, or a folder with
            something in it that is not an installation of ours.
        NotWritableError: it cannot even be looked at.
    """
    try:
        problem = _danger(target)
    except OSError as error:
        raise NotWritableError(
            f"{target} cannot be used: {error.strerror or error}.",
            remedy="Choose a folder that you may write to with --target.",
        ) from error
    if problem:
        raise UnsafeTargetError(
            f"{target} cannot be the target: {problem}.",
            remedy="Give a new or empty folder, or an earlier installation, with --target.",
        )


def _danger(target: Path) -> str | None:
    if is_link(target):
        return f"it is a link to {target.resolve()}"
    if not target.is_dir():
        return _blocked(target)
    if target.resolve() in {Path(target.resolve().anchor), *_homes()}:
        return "it is the root of a file system or a home folder"
    names = {entry.name for entry in target.iterdir()} - _HARMLESS
    # Asked afterwards: another installer may have begun there while it was listed.
    if (target / FILE_NAME).is_file():
        return "its folder generations is a link" if _generations_linked(target) else None
    strange = sorted(name for name in names if not name.startswith(TRIAL_PREFIX))
    if strange:
        return f"it is not empty ({strange[0]}) and holds no installation of ours"
    return None


def _blocked(target: Path) -> str | None:
    """Why a folder that is not there cannot be made; None where it can."""
    if target.exists():
        return "it is a file"
    above = next((path for path in target.parents if os.path.lexists(path)), None)
    if above is None:
        return f"there is no {target.anchor}"
    return None if above.is_dir() else f"{above} is no folder"


def _generations_linked(target: Path) -> bool:
    # What is built, and later deleted, would lie somewhere else.
    return is_link(target / "generations")


def _homes() -> set[Path]:
    try:
        return {Path.home().resolve()}
    except RuntimeError:
        # A user without an entry in the system's list, as containers have them.
        return set()


def usual_target(product: str) -> Path:
    """Where a product is installed if nobody says otherwise.

    Raises:
        UsageError: this user has no home folder.
    """
    try:
        return user_data_path(product, appauthor=False)
    except RuntimeError as error:
        raise UsageError(
            "This user has no home folder to install into.",
            remedy="Say where to install with --target.",
        ) from error


@dataclass(slots=True, kw_only=True)
class Hold:
    """A target that no other installer works on meanwhile.

    Attributes:
        left: nothing is installed there any more.
    """

    target: Path
    left: bool = False

    def leave(self, *, going: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Let the lock go at the end of the context, too, and the folder when it is empty.

        Args:
            going: names of what is there for a moment more.

        Returns:
            Names of what others have put there, so that the folder stays.
        """
        self.left = True
        ours = {_LOCK_NAME, _OWNER_NAME, *going}
        return tuple(sorted(path.name for path in self.target.iterdir() if path.name not in ours))


@contextmanager
def hold(target: Path) -> Iterator[Hold]:
    """Make the folder and keep every other installer out of it as long as the context lives.

    The lock belongs to the process: the system releases it however the process ends.

    Raises:
        NotWritableError: the folder cannot be made or written.
        BusyError: another installer holds it; the message tells which process.
    """
    lock = FileLock(target / _LOCK_NAME, timeout=_MOMENT, poll_interval=_PAUSE)
    with reporting(f"preparing {target}"):
        try:
            target.mkdir(parents=True, exist_ok=True)
            # For those who have not said yet who they are, it waits a moment.
            lock.acquire(cancel_check=lambda: bool(_owner(target)))
        except Timeout as error:
            raise BusyError(
                f"Another installer is working on {target}{_owner(target)}.",
                remedy="Wait until it has ended, then start again.",
            ) from error
        _write_owner(target)
    held = Hold(target=target)
    try:
        yield held
    finally:
        try:
            _forget(target / _OWNER_NAME)
            # Still held: whoever has just opened it would get a lock that nobody else sees.
            if held.left and os.name != "nt":
                _forget(target / _LOCK_NAME)
        finally:
            lock.release()
        if held.left:
            _vanish(target)


def has_owner(target: Path) -> bool:
    """Whether an installer is at work there, or was killed at it."""
    return (target / _OWNER_NAME).is_file()


def _forget(path: Path) -> None:
    """Delete a file that tells nobody anything any more; what is done is done without that, too."""
    with suppress(OSError, BusyError):
        remove_file(path)


def _vanish(target: Path) -> None:
    # Windows deletes no file that is open, so there the lock goes only now.
    if os.name == "nt":
        _forget(target / _LOCK_NAME)
    with suppress(OSError, BusyError):
        if not any(target.iterdir()):
            # Windows keeps a folder that a program works in; we may be one of these.
            os.chdir(target.parent)
            patiently(target.rmdir, target)


def _write_owner(target: Path) -> None:
    owner = {
        "pid": os.getpid(),
        "host": platform.node(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        (target / _OWNER_NAME).write_text(json.dumps(owner), encoding="utf-8")
    except OSError as error:
        # Only others read it, and a full disk must not keep anybody from clearing up.
        if error.errno not in DISK_FULL:
            raise


def _owner(target: Path) -> str:
    try:
        owner = json.loads((target / _OWNER_NAME).read_text(encoding="utf-8"))
        return f" (process {owner['pid']} on {owner['host']}, since {owner['since']})"
    except (OSError, ValueError, KeyError):
        return ""
