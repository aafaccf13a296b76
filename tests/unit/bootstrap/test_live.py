"""``.venv`` is always that of one generation, whatever is interrupted between two renames."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap import files, live
from bootstrap.activate import activate, require_free_link, require_live
from bootstrap.errors import BusyError, UnsafeTargetError, VerificationError
from bootstrap.events import Listener
from bootstrap.generation import Generation, Way
from bootstrap.leftovers import reclaimable, undo_unfinished
from bootstrap.live import junction
from bootstrap.state import InstallState, load_state, save_state
from tests.support.crashing import CrashError, crash_and_recover, record_steps
from tests.support.generations import go_live, installed, make_generation, pretend_junctions


def live_name(target: Path) -> str:
    """What somebody gets who starts the Python there."""
    return (target / ".venv" / "Scripts" / "python.exe").read_text()


def live_state(generation: Generation) -> InstallState:
    return InstallState(live=installed(generation))


def count_steps(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> int:
    """How often the work changes a name."""
    return len(record_steps(monkeypatch, work, crash_at=None))


def test_the_new_one_takes_the_place_of_the_old_one(tmp_path: Path, way: Way) -> None:
    old, new = go_live(tmp_path, "old", way), go_live(tmp_path, "new", way)
    assert live_name(tmp_path) == "new"
    assert live.leads_to(tmp_path, way) == "new"
    assert (old.folder / "venv" / "Scripts" / "python.exe").read_text() == "old"
    require_live(tmp_path, new)
    with pytest.raises(VerificationError, match="does not lead to"):
        require_live(tmp_path, old)


@pytest.mark.parametrize("first", [True, False], ids=["first", "upgrade"])
def test_a_crash_at_any_step_is_undone_or_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way, *, first: bool
) -> None:
    def prepare(target: Path) -> Generation:
        target.mkdir()
        if not first:
            go_live(target, "old", way)
        before = load_state(target) or InstallState()
        save_state(target, InstallState(live=before.live, building="new"))
        new = make_generation(target, "new", way)
        (new.documents / "more.bat").write_text("only the new one has it")
        return new

    trial = prepare(tmp_path / "trial")
    steps = count_steps(monkeypatch, lambda: activate(trial.root, trial, live_state(trial)))
    assert steps >= (4 if way == "folder" and not first else 3)
    for place in range(steps):
        target = tmp_path / str(place)
        new = prepare(target)
        with pytest.raises(CrashError):
            record_steps(monkeypatch, lambda: activate(target, new, live_state(new)), place)  # noqa: B023
        state = crash_and_recover(target, monkeypatch)
        if state.live and state.live.generation == "new":
            # Written down it is done.
            assert live_name(target) == "new"
            require_live(target, state.live.generation_in(target))
            assert [path.name for path in (target / "generations").iterdir()] == ["new"]
        elif first:
            assert not os.path.lexists(target / ".venv")
            assert not list((target / "generations").iterdir())
            assert {path.name for path in target.iterdir()} == {"generations", "install.json"}
        else:
            assert live_name(target) == "old"
            assert state.live is not None
            require_live(target, state.live.generation_in(target))
            assert not (target / "more.bat").exists()
            assert [path.name for path in (target / "generations").iterdir()] == ["old"]


def test_what_was_only_tried_is_cleared_up(tmp_path: Path, way: Way) -> None:
    go_live(tmp_path, "old", way)
    (tmp_path / ".llmsetup-0123456789abcdef").write_bytes(b"")
    undo_unfinished(tmp_path, load_state(tmp_path) or InstallState(), Listener())
    assert not list(tmp_path.glob(".llmsetup-*"))


def test_a_state_that_may_not_be_on_the_disk_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    go_live(tmp_path, "old", way)
    before = load_state(tmp_path)
    new = make_generation(tmp_path, "new", way)

    def fail_for_the_new_one(folder: Path) -> None:
        state = load_state(tmp_path)
        if folder == tmp_path and state and state.live and state.live.generation == "new":
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(files, "sync_folder", fail_for_the_new_one)
    with pytest.raises(OSError, match="Input/output"):
        activate(tmp_path, new, live_state(new))
    assert load_state(tmp_path) == before


def test_the_way_may_change(tmp_path: Path) -> None:
    ways: dict[str, Way] = {"a": "folder", "b": "symlink", "c": "folder"}
    for name, way in ways.items():
        go_live(tmp_path, name, way)
        assert live_name(tmp_path) == name
        assert live.present(tmp_path) == way
    assert (tmp_path / "generations" / "a" / "venv").is_dir()


def test_junctions_are_tried_where_they_would_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not junction.works_in(tmp_path)
    pretend_junctions(monkeypatch)
    assert junction.works_in(tmp_path)

    def busy(link: Path) -> None:
        raise BusyError(f"{link} is in use.", remedy="Close it.")

    monkeypatch.setattr(junction, "_remove", busy)
    (tmp_path / "other").mkdir()
    assert junction.works_in(tmp_path / "other")
    # A share that makes them, but lets them lead nowhere.
    monkeypatch.setattr(junction, "_make", lambda link, goal: link.symlink_to(goal / "away"))
    assert not junction.works_in(tmp_path)


def test_half_a_junction_goes(tmp_path: Path) -> None:
    part = tmp_path / "..venv.part"
    part.mkdir()
    live.clear(tmp_path)
    assert not part.exists()
    (part / "thesis").mkdir(parents=True)
    live.clear(tmp_path)
    assert (part / "thesis").is_dir()


def test_what_somebody_has_changed_is_not_taken_for_a_launcher_of_ours(tmp_path: Path) -> None:
    old = go_live(tmp_path, "old", "symlink")
    new = make_generation(tmp_path, "new", "symlink")
    (new.documents / "more.bat").write_text("ours")
    (tmp_path / "more.bat").write_text("theirs")
    state = InstallState(live=installed(old), building="new")
    undo_unfinished(tmp_path, state, Listener())
    assert (tmp_path / "more.bat").read_text() == "theirs"


def test_a_launcher_that_cannot_be_put_back_does_not_stop_the_rest(tmp_path: Path) -> None:
    old = go_live(tmp_path, "old", "symlink")
    make_generation(tmp_path, "new", "symlink")
    (tmp_path / "python.bat").unlink()
    (tmp_path / "python.bat" / "x").mkdir(parents=True)
    warnings: list[str] = []

    class Hearing(Listener):
        def warn(self, message: str) -> None:
            warnings.append(message)

    undo_unfinished(tmp_path, InstallState(live=installed(old), building="new"), Hearing())
    assert [path.name for path in (tmp_path / "generations").iterdir()] == ["old"]
    assert "could not be put back" in warnings[0]


def test_leftovers_count_as_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = go_live(tmp_path, "old", "symlink")
    state = InstallState(live=installed(old), building="half")
    assert reclaimable(tmp_path, state) == 0
    for place in ("generations/half", ".generations.removed/old"):
        (tmp_path / place / "deep").mkdir(parents=True)
        (tmp_path / place / "deep" / "file").write_bytes(bytes(1000))
    assert reclaimable(tmp_path, state) == 2000
    # What a removal has only set aside comes back.
    shutil.rmtree(tmp_path / "generations")
    assert reclaimable(tmp_path, state) == 0
    assert reclaimable(tmp_path, InstallState()) == 1000
    kept = tmp_path / "kept"
    kept.hardlink_to(tmp_path / ".generations.removed" / "old" / "deep" / "file")
    assert reclaimable(tmp_path, InstallState()) == 0
    kept.unlink()
    junction = (tmp_path / ".generations.removed" / "old" / "deep").stat().st_ino
    monkeypatch.setattr("bootstrap.files.is_junction", lambda status: status.st_ino == junction)
    assert reclaimable(tmp_path, InstallState()) == 0


def test_an_environment_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    venv = tmp_path / ".venv"
    venv.mkdir()
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\n")
    with pytest.raises(UnsafeTargetError, match="did not make"):
        require_free_link(tmp_path)
    live.clear(tmp_path)
    undo_unfinished(tmp_path, InstallState(), Listener())
    assert (venv / "pyvenv.cfg").is_file()


def test_what_was_deleted_by_hand_does_not_stop_the_next_run(tmp_path: Path) -> None:
    old = go_live(tmp_path, "old", "folder")
    (tmp_path / ".venv").rename(tmp_path / "elsewhere")
    state = undo_unfinished(tmp_path, InstallState(live=installed(old)), Listener())
    assert state.live is not None
    go_live(tmp_path, "new", "folder")
    assert live_name(tmp_path) == "new"


def test_a_moved_target_is_noticed(tmp_path: Path) -> None:
    go_live(tmp_path / "here", "only", "folder")
    (tmp_path / "here").rename(tmp_path / "there")
    state = load_state(tmp_path / "there")
    assert state is not None
    assert state.live is not None
    with pytest.raises(VerificationError, match="leads nowhere, as after"):
        require_live(tmp_path / "there", state.live.generation_in(tmp_path / "there"))


def test_scripts_name_the_place_that_stays(tmp_path: Path) -> None:
    built = make_generation(tmp_path, "1", "folder")
    assert built.home_python == tmp_path / ".venv" / "Scripts" / "python.exe"
    assert built.venv == tmp_path / "generations" / "1" / "venv"
    gone_live = installed(built).generation_in(tmp_path)
    assert gone_live.venv == tmp_path / ".venv"
    assert gone_live.places == {"": built.folder, "venv/": tmp_path / ".venv"}
    linked = make_generation(tmp_path, "2", "symlink")
    assert linked.home_python == linked.python
