"""What somebody has added to a generation outlives it, under whatever circumstances it goes."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bootstrap.belongings import belongings, rescue
from bootstrap.errors import UnsafeTargetError
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.leftovers import remove_others
from bootstrap.state import InstallState, save_state
from tests.support.crashing import CrashError, record_steps
from tests.support.generations import go_live, installed, make_generation


class Hearing(Listener):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def old(tmp_path: Path) -> Generation:
    """Was live once."""
    return make_generation(tmp_path, "old", "symlink")


def move(old: Generation) -> list[str]:
    """Rescue, and answer with what is in user-files then."""
    hearing = Hearing()
    rescue(old.root, old.folder, old.name, hearing)
    return below(old.root / "user-files")


def below(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(str(path.relative_to(folder)) for path in found)


def test_what_was_added_is_moved_and_nothing_else(old: Generation) -> None:
    before = below(old.folder)
    (old.site_packages / "mine" / "deep").mkdir(parents=True)
    (old.site_packages / "mine" / "deep" / "a.py").write_text("x = 1")
    (old.site_packages / "mine" / "deep" / "a.pyc").write_text("compiled")
    (old.folder / "notes.txt").write_text("n")
    # What it leads to is somewhere else, and stays there.
    (old.root / "models").mkdir()
    (old.root / "models" / "big").write_text("b")
    (old.venv / "models").symlink_to(old.root / "models")
    added = ["notes.txt", "venv/Lib/site-packages/mine/deep/a.py", "venv/models"]
    assert sorted(belongings(old)) == added
    assert move(old) == [f"old/{path}" for path in added]
    assert (old.root / "models" / "big").read_text() == "b"
    assert (old.root / "user-files" / "old" / "venv" / "models").is_symlink()
    assert set(below(old.folder)) == {*before, "venv/Lib/site-packages/mine/deep/a.pyc"}


def test_without_additions_there_is_no_folder_for_them(old: Generation) -> None:
    assert move(old) == []
    assert not (old.root / "user-files").exists()


def test_changed_files_of_ours_are_not_the_users(old: Generation) -> None:
    (old.python).write_text("changed")
    assert move(old) == []


@pytest.mark.skipif(os.name == "nt", reason="its names are Unicode")
def test_any_name_that_the_system_knows(old: Generation) -> None:
    for name in (b"\xff\xfe", b"a\nb", b" ", "é".encode()):
        Path(os.fsdecode(os.fsencode(old.venv) + b"/" + name)).write_bytes(name)
    assert len(move(old)) == 4
    haven = os.fsencode(old.root / "user-files" / "old" / "venv")
    assert Path(os.fsdecode(haven + b"/\xff\xfe")).read_bytes() == b"\xff\xfe"


def test_a_second_one_of_a_name_gets_a_number(old: Generation) -> None:
    for content in ("first", "second", "third"):
        (old.venv / "mine").write_text(content)
        move(old)
    folder = old.root / "user-files" / "old" / "venv"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "mine": "first",
        "mine.2": "second",
        "mine.3": "third",
    }


def test_a_folder_where_a_file_was_gets_a_number(old: Generation) -> None:
    (old.venv / "mine").write_text("file")
    move(old)
    (old.venv / "mine").mkdir()
    (old.venv / "mine" / "inner").write_text("inner")
    assert move(old) == ["old/venv/mine", "old/venv/mine.2/inner"]


def remove(path: Path) -> None:
    path.unlink()


def spoil(path: Path) -> None:
    path.write_text("rubbish\n")


def replace(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [remove, spoil, replace])
def test_where_nobody_can_tell_all_of_it_moves(
    old: Generation, harm: Callable[[Path], None]
) -> None:
    (old.venv / "mine").write_text("m")
    harm(old.inventory)
    expected = below(old.folder)
    hearing = Hearing()
    remove_others(old.root, InstallState(), hearing)
    assert below(old.root / "user-files" / "old") == expected
    assert "Nobody can tell what in old is yours" in hearing.notes[-1]
    assert hearing.warnings == []
    assert not old.folder.exists()


def test_whatever_lies_among_the_generations_is_kept(tmp_path: Path) -> None:
    live = go_live(tmp_path, "live", "symlink")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis").write_text("years of work")
    # A folder of ours elsewhere, it seems.
    (precious / "inventory.csv").write_text("")
    generations = tmp_path / "generations"
    (generations / "link").symlink_to(precious)
    (generations / "file").write_text("f")
    (generations / "folder").mkdir()
    (generations / "folder" / "inner").write_text("i")
    hearing = Hearing()
    remove_others(tmp_path, InstallState(live=installed(live)), hearing)
    assert hearing.warnings == []
    assert [path.name for path in generations.iterdir()] == ["live"]
    assert below(tmp_path / "user-files") == ["file", "folder/inner", "link"]
    assert (precious / "thesis").read_text() == "years of work"


def test_what_was_never_finished_or_is_half_deleted_just_goes(tmp_path: Path) -> None:
    for name in ("half", ".gone.removed"):
        (tmp_path / "generations" / name).mkdir(parents=True)
        (tmp_path / "generations" / name / "file").write_text("ours")
    state = InstallState(building="half")
    save_state(tmp_path, state)
    remove_others(tmp_path, state, Listener())
    assert list((tmp_path / "generations").iterdir()) == []
    assert not (tmp_path / "user-files").exists()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_without_a_place_to_go_to_it_stays(old: Generation, kind: str) -> None:
    outside = old.root / "outside"
    outside.mkdir()
    haven = old.root / "user-files"
    if kind == "link":
        haven.symlink_to(outside)
    else:
        haven.write_text("mine")
    move_nothing = Hearing()
    rescue(old.root, old.folder, old.name, move_nothing)
    (old.venv / "mine").write_text("m")
    with pytest.raises(UnsafeTargetError, match="user-files is no folder"):
        rescue(old.root, old.folder, old.name, move_nothing)
    remove_others(old.root, InstallState(), move_nothing)
    assert "the next run will try again" in move_nothing.warnings[-1]
    assert (old.venv / "mine").read_text() == "m"
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("lost", [False, True], ids=["inventory", "no-inventory"])
def test_interrupted_anywhere_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, lost: bool
) -> None:
    for place in range(100):
        target = tmp_path / str(place)
        old = make_generation(target, "old", "symlink")
        for name in "abc":
            (old.venv / name).write_text(name)
        (old.folder / "deep").mkdir()
        (old.folder / "deep" / "d").write_text("d")
        if lost:
            old.inventory.unlink()
        save_state(target, InstallState())
        work = partial(remove_others, target, InstallState(), Listener())
        try:
            record_steps(monkeypatch, work, place)
        except CrashError:
            found = sorted(p.name for p in target.rglob("*") if p.name in "abcd")
            assert found == ["a", "b", "c", "d"]
            work()
        else:
            break
        moved = below(target / "user-files" / "old")
        assert {"deep/d", "venv/a", "venv/b", "venv/c"} <= set(moved)
        assert lost or len(moved) == 4
        assert list((target / "generations").iterdir()) == []
    assert place >= (1 if lost else 10)


def test_a_junction_of_the_users_is_not_entered(
    old: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Played by a folder; for Python a junction is one."""
    junction = old.venv / "models"
    junction.mkdir()
    (junction / "big").write_text("somewhere else")
    number = junction.stat().st_ino
    monkeypatch.setattr("bootstrap.inventory.is_junction", lambda status: status.st_ino == number)
    assert list(belongings(old)) == ["venv/models"]
    assert move(old) == ["old/venv/models/big"]
    assert (old.root / "user-files/old/venv/models").stat().st_ino == number
