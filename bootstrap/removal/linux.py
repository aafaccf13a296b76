"""Linux: through open folders, so that a path that is exchanged meanwhile leads nowhere."""

import os
import pwd
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from bootstrap.errors import BusyError, UnsafeTargetError
from bootstrap.host.linux import mount_points, users_of

__all__ = ["Folder", "homes", "mount_points", "require_unused"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# A mark is smaller; nobody shall make us read a disk.
_LARGEST = 1 << 20
# Each level keeps a file open. What lies deeper is moved up, and goes from there.
_DEEPEST = 50


class Folder:
    """An open folder: it stays this one, whatever becomes of its name.

    Args:
        path: its path; only of its last part is it seen to that it is no link.
        within: the folder that it lies directly in, opened; None goes by the path.

    Raises:
        OSError: it is a link, or no folder, or not there.
        UnsafeTargetError: it is on another disk than ``within``.
    """

    def __init__(self, path: Path, *, within: "Folder | None" = None) -> None:
        self.path = path
        if within is None:
            self._handle = os.open(path, _FOLDER)
        else:
            self._handle = _open_below(within._handle, path.name, str(path))  # noqa: SLF001

    def close(self) -> None:
        """Nothing can be done by it any more."""
        os.close(self._handle)

    def below(self, name: str) -> "Folder":
        """The folder of that name in it, opened."""
        return Folder(self.path / name, within=self)

    def real(self) -> Path:
        """Its path without links on the way."""
        try:
            return Path(os.readlink(f"/proc/self/fd/{self._handle}"))  # noqa: PTH115
        except FileNotFoundError:
            return Path(os.path.realpath(self.path))

    def read(self, name: str) -> bytes | None:
        """A small file in it; None where there is none, nothing where it is no plain file."""
        try:
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._handle)
        except FileNotFoundError:
            return None
        except OSError:
            return b""
        try:
            return os.read(file, _LARGEST) if stat.S_ISREG(os.fstat(file).st_mode) else b""
        finally:
            os.close(file)

    def is_folder(self, name: str) -> bool:
        """Whether that is a real one."""
        try:
            status = os.stat(name, dir_fd=self._handle, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return stat.S_ISDIR(status.st_mode)

    def rename(self, name: str, to: str) -> None:
        """Give something in it another name, and bring that to the disk."""
        try:
            os.rename(name, to, src_dir_fd=self._handle, dst_dir_fd=self._handle)
        except OSError as error:
            raise _at(f"{self.path}/{name}", error) from error
        os.fsync(self._handle)

    def remove(self, name: str) -> None:
        """Delete a folder in it, and all below."""
        path = f"{self.path}/{name}"
        handle = _open_below(self._handle, name, path)
        try:
            _Emptying(handle, path).do()
        finally:
            os.close(handle)
        _without(os.rmdir, self._handle, name, path)


class _Emptying:
    """Deletes all that lies below an open folder."""

    def __init__(self, top: int, path: str) -> None:
        self._top = top
        self._path = path
        self._moved = 0

    def do(self) -> None:
        before = -1
        while before != self._moved:
            before = self._moved
            self._empty(self._top, self._path, 0)

    def _empty(self, folder: int, path: str, depth: int) -> None:
        for name, is_folder in _entries(folder):
            inner = f"{path}/{name}"
            if not is_folder:
                _without(os.unlink, folder, name, inner)
            elif depth < _DEEPEST:
                self._remove(folder, name, inner, depth + 1)
            else:
                self._move_up(folder, name, inner)

    def _remove(self, within: int, name: str, path: str, depth: int) -> None:
        handle = _open_below(within, name, path)
        try:
            self._empty(handle, path, depth)
        finally:
            os.close(handle)
        _without(os.rmdir, within, name, path)

    def _move_up(self, folder: int, name: str, path: str) -> None:
        self._moved += 1
        try:
            os.rename(name, f".{self._moved}.deep", src_dir_fd=folder, dst_dir_fd=self._top)
        except OSError as error:
            raise _at(path, error) from error


def _entries(folder: int) -> list[tuple[str, bool]]:
    """Name, and whether it is a real folder, of all that lies in one."""
    with os.scandir(folder) as found:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]


def _open_below(within: int, name: str, path: str) -> int:
    """Open a real folder on the same disk."""
    try:
        handle = os.open(name, _FOLDER, dir_fd=within)
    except NotADirectoryError as error:
        # It was looked at before, so somebody has exchanged it.
        raise UnsafeTargetError(
            f"{path} was not deleted: it is a link, or no folder.",
            remedy="See who changes it meanwhile, then start again.",
        ) from error
    except OSError as error:
        raise _at(path, error) from error
    # The mount points were looked through; one that has come since, or that /proc does not tell.
    if os.fstat(handle).st_dev == os.fstat(within).st_dev:
        return handle
    os.close(handle)
    raise UnsafeTargetError(
        f"{path} was not deleted: it lies on another disk than the folder that it is in.",
        remedy="Unmount what is mounted there, then start again.",
    )


def _without(delete: Callable[..., None], folder: int, name: str, path: str) -> None:
    try:
        delete(name, dir_fd=folder)
    except FileNotFoundError:
        # Somebody was quicker.
        return
    except OSError as error:
        raise _at(path, error) from error


def _at(path: str, error: OSError) -> OSError:
    """What the system says of a name, said of the path."""
    return OSError(error.errno, error.strerror, path)


def homes() -> Iterator[Path]:
    """Home folders of this user, by the environment and by the system's list."""
    with suppress(RuntimeError):
        yield Path(os.path.realpath(Path.home()))
    with suppress(KeyError):
        yield Path(os.path.realpath(pwd.getpwuid(os.geteuid()).pw_dir))


def require_unused(path: Path) -> None:
    """Refuse to take away what a program would miss: Linux itself would not.

    Raises:
        BusyError: names the processes.
    """
    if users := users_of(path):
        raise BusyError(
            f"{path} is in use by process {', '.join(map(str, users))}.",
            remedy="Close the programs that use it, then start again.",
        )
