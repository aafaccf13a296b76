"""Deletions among mount points, other users' files, other processes, and links that come and go."""

import ctypes
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import pytest

from bootstrap.errors import BusyError, UnsafeTargetError
from bootstrap.host import users_of
from bootstrap.removal import linux, remove_tree
from tests.support.dangers import DANGERS, run
from tests.support.debian import require_root
from tests.support.endangered import Danger, World, look, mark, world

ROUNDS = 2000
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@pytest.mark.parametrize(
    "danger", [danger for danger in DANGERS if danger.needs_root], ids=lambda danger: danger.name
)
def test_no_danger_that_needs_root_reaches_what_is_not_ours(danger: Danger, tmp_path: Path) -> None:
    require_root()
    run(danger, tmp_path)


def _swap(one: bytes, two: bytes, going: "Synchronized[int]") -> None:
    libc = ctypes.CDLL(None)
    while going.value:
        libc.renameat2(_AT_FDCWD, one, _AT_FDCWD, two, _RENAME_EXCHANGE)


@contextmanager
def swapping(one: Path, two: Path) -> Iterator[None]:
    """Meanwhile a process exchanges two names, as fast as it can, each time in one step."""
    context = multiprocessing.get_context("fork")
    going = context.Value("i", 1)
    process = context.Process(target=_swap, args=(os.fsencode(one), os.fsencode(two), going))
    process.start()
    try:
        yield
    finally:
        going.value = 0
        process.join()


def _fill(generations: int) -> None:
    """Make what is to be deleted, in the real folder, wherever that is just now."""
    with suppress(FileExistsError):
        os.mkdir("g1", dir_fd=generations)
    with suppress(OSError):
        folder = os.open("g1", _FOLDER, dir_fd=generations)
        for name in ("thesis.txt", "1", "2", "3"):
            os.close(os.open(name, os.O_CREAT | os.O_WRONLY, dir_fd=folder))
        os.close(folder)


def _recover(made: World, generations: int, link: Path) -> None:
    """Where the link was set aside instead of the folder: from the beginning."""
    with suppress(FileNotFoundError):
        status = os.stat(".g1.removed", dir_fd=generations, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            os.unlink(".g1.removed", dir_fd=generations)
            if not link.is_symlink():
                link.rename(made.generations / "g1")
                link.symlink_to(made.precious)


@pytest.mark.parametrize("swapped", ["llm", "llm/generations", "llm/generations/g1"])
def test_a_folder_that_is_swapped_for_a_link_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    """Row 47 of the fault matrix."""
    # It takes longer than all the rest.
    monkeypatch.setattr(linux, "users_of", lambda _: ())
    with world(tmp_path) as made:
        link = tmp_path / "other"
        link.symlink_to(made.precious)
        for name in ("g1", "generations/g1", "generations/.g1.removed", ".g1.removed"):
            shutil.copytree(made.precious / "b", made.precious / name, dirs_exist_ok=True)
        mark(made.precious)
        generations = os.open(made.generations, _FOLDER)
        before, ended = look(made.precious), Counter[str]()
        with swapping(tmp_path / swapped, link):
            for _ in range(ROUNDS):
                _fill(generations)
                try:
                    remove_tree(made.doomed, inside=made.generations)
                    ended["done"] += 1
                except (UnsafeTargetError, OSError) as error:
                    ended[type(error).__name__] += 1
                _recover(made, generations, link)
        os.close(generations)
        assert look(made.precious) == before, ended
    # Each has won sometimes.
    assert len(ended) > 1, ended
    assert ended["done"], ended


@contextmanager
def program_in(folder: Path) -> Iterator[int]:
    """A program of somebody's that works in a folder, as a shell does."""
    code = "print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout
        program.stdout.readline()
        yield program.pid
        program.communicate(b"\n")


def test_where_a_program_works_is_in_use(tmp_path: Path) -> None:
    doomed = mark(tmp_path / "llm") / "generations" / "g1"
    (doomed / "deep").mkdir(parents=True)
    doomed.with_name("g12").mkdir()
    for folder in (doomed, doomed / "deep"):
        with program_in(folder) as number:
            assert users_of(doomed) == (number,)
            assert users_of(doomed.with_name("g12")) == ()
            with pytest.raises(BusyError, match=f"in use by process {number}"):
                remove_tree(doomed, inside=doomed.parent)
            assert (doomed / "deep").is_dir()
    remove_tree(doomed, inside=doomed.parent)
    assert not doomed.exists()


AS_ANOTHER = """
import os, sys
from pathlib import Path
from bootstrap.removal import linux, remove_tree
os.setgid(4711); os.setuid(4711)
path = Path(sys.argv[1])
try:
    remove_tree(path, inside=path.parent)
except OSError as error:
    sys.exit(f"{error.strerror}: {error.filename}")
"""


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that other users get to, too, as they do not to pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_what_the_user_may_not_delete_is_named_and_the_next_run_finds_it(
    open_to_all: Path,
) -> None:
    require_root()
    generations = mark(open_to_all / "llm") / "generations"
    theirs = generations / "g1" / "deep" / "theirs"
    theirs.mkdir(parents=True)
    (theirs / "file").write_text("x")
    for path in (generations, generations / "g1", generations / "g1" / "deep"):
        os.chown(path, 4711, 4711)

    def delete() -> str:
        command = [sys.executable, "-c", AS_ANOTHER, str(generations / "g1")]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()

    left = generations / ".g1.removed" / "deep" / "theirs" / "file"
    assert delete() == f"Permission denied: {left}"
    assert left.read_text() == "x"
    for path in (left, left.parent):
        os.chown(path, 4711, 4711)
    assert delete() == ""
    assert list(generations.iterdir()) == []
