"""A folder with our mark beside somebody's precious one, and what a deletion made of both."""

import ctypes
import fcntl
import hashlib
import os
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from bootstrap.errors import UnsafeTargetError
from bootstrap.removal import aside_of, remove_tree

MARK = b'{"llmsetup_format": 1, "state": {}}'
# Refused: 22, and nothing was changed. Idle: nothing is there, and nothing was changed. Stopped:
# an error that names a file; the rest is found as what was set aside. Done: it alone is gone.
Outcome = Literal["refused", "idle", "stopped", "done"]
# mount(2), umount2(2), ioctl_iflags(2).
_MS_BIND = 4096
_MNT_DETACH = 2
_FS_IOC_GETFLAGS = 0x80086601
_FS_IOC_SETFLAGS = 0x40086602


def mark(target: Path) -> Path:
    """Make a folder a target of ours."""
    target.mkdir(parents=True, exist_ok=True)
    (target / "install.json").write_bytes(MARK)
    return target


@dataclass(frozen=True, kw_only=True)
class World:
    """A target, something precious beside it, and what must be undone in the end."""

    base: Path
    patch: pytest.MonkeyPatch
    leaving: ExitStack

    @property
    def target(self) -> Path:
        return self.base / "llm"

    @property
    def generations(self) -> Path:
        return self.target / "generations"

    @property
    def doomed(self) -> Path:
        """What most deletions are about."""
        return self.generations / "g1"

    @property
    def precious(self) -> Path:
        return self.base / "home" / "precious"

    def build(self) -> None:
        mark(self.target)
        for name in ("g1", "live"):
            (self.generations / name / "deep" / "er").mkdir(parents=True)
            (self.generations / name / "deep" / "file").write_text(name)
        for name in ("logs", "user-files/a/b/c"):
            (self.target / name).mkdir(parents=True)
            (self.target / name / "thing").write_text(name)
        for name in ("", "g1/deep", "generations/g1", "b/c"):
            (self.precious / name).mkdir(parents=True, exist_ok=True)
            (self.precious / name / "thesis.txt").write_text(f"years of work on {name}")
        self.patch.setenv("HOME", str(self.base / "home"))

    def put_link(self, path: Path, to: Path | str) -> Path:
        """Somebody has moved what was there, and put a link in its place."""
        path.rename(path.with_name(f"{path.name} moved"))
        path.symlink_to(to)
        return path

    def mount(self, source: Path | None, point: Path) -> None:
        """Mount a folder or file of the same disk, or an empty disk; needs root."""
        libc = ctypes.CDLL(None, use_errno=True)
        kind, flags = (b"", _MS_BIND) if source else (b"tmpfs", 0)
        where = os.fsencode(point)
        if libc.mount(os.fsencode(source or "tmpfs"), where, kind, flags, None) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(point))
        # By its path, which changes with whatever is renamed, it might not be found again.
        handle = os.open(point, os.O_PATH)
        self.leaving.callback(os.close, handle)
        self.leaving.callback(libc.umount2, b"/proc/self/fd/%d" % handle, _MNT_DETACH)

    def set_flag(self, path: Path, flag: int) -> None:
        """As chattr does; needs root."""
        handle = os.open(path, os.O_RDONLY)
        self.leaving.callback(os.close, handle)
        before = fcntl.ioctl(handle, _FS_IOC_GETFLAGS, bytes(struct.calcsize("l")))
        self.leaving.callback(fcntl.ioctl, handle, _FS_IOC_SETFLAGS, before)
        # Some of what is set is the file system's own, and must not be taken away.
        (flags,) = struct.unpack("l", before)
        fcntl.ioctl(handle, _FS_IOC_SETFLAGS, struct.pack("l", flags | flag))


@dataclass(frozen=True, kw_only=True)
class Danger:
    """A way to make a deletion go astray.

    Attributes:
        name: says what it is.
        prepare: brings it about, and says what is to be deleted, and inside of what.
        outcome: what must come of it.
        needs_root: to be brought about.
    """

    name: str
    prepare: Callable[[World], tuple[Path, Path]]
    outcome: Outcome
    needs_root: bool


def run(danger: Danger, base: Path) -> None:
    """Bring a danger about, delete, and see what has come of it.

    Args:
        danger: which one.
        base: an empty folder for it; what is in it afterwards may be deleted.

    Raises:
        AssertionError: something was touched that must not be, or the outcome is another one.
    """
    with world(base) as made:
        path, inside = danger.prepare(made)
        before = look(base)
        outcome, told = _delete(path, inside)
        assert outcome == danger.outcome, f"{danger.name}: {outcome}, {told}"
        after = look(base)
        if outcome in ("refused", "idle"):
            assert after == before, danger.name
            return
        ours = [str(name.resolve().relative_to(base)) for name in (path, aside_of(path))]
        assert without(after, *ours) == without(before, *ours), danger.name
        assert not os.path.lexists(path), danger.name
        assert os.path.lexists(aside_of(path)) == (outcome == "stopped"), danger.name


@contextmanager
def world(base: Path) -> Iterator[World]:
    """A target and something precious, in an empty folder."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as leaving:
        # Where a danger has put this program it must not stay.
        patch.chdir("/")
        made = World(base=base, patch=patch, leaving=leaving)
        made.build()
        yield made


def _delete(path: Path, inside: Path) -> tuple[Outcome | None, str]:
    """What has come of it, None for an error that does not say so; and the error."""
    there = os.path.lexists(path)
    try:
        remove_tree(path, inside=inside)
    except UnsafeTargetError as error:
        clear = " was not deleted: " in error.message and error.message.isprintable()
        return ("refused" if clear and error.remedy else None), error.message
    except OSError as error:
        # It names the file, and the whole way there.
        named = str(error.filename).startswith(f"{aside_of(path)}/")
        return ("stopped" if named else None), str(error)
    return ("done" if there else "idle"), ""


def look(base: Path) -> dict[str, str]:
    """Everything below a folder: what it is, and what is in it. No link is followed."""
    found = {}
    top = os.fsencode(base)
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118 (bytes, as all here)
            found[os.fsdecode(os.path.relpath(path, top))] = _kind(path)
    return found


def _kind(path: bytes) -> str:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        # Too deep for a path.
        return "?"
    if stat.S_ISLNK(mode):
        return f"link {os.fsdecode(os.readlink(path))}"  # noqa: PTH115
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()
    return f"{stat.S_IFMT(mode):o}"


def without(found: dict[str, str], *names: str) -> dict[str, str]:
    """All but these, and what is below them."""
    return {
        path: kind
        for path, kind in found.items()
        if not any(path == name or path.startswith(f"{name}/") for name in names)
    }
