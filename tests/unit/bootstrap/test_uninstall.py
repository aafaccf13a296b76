"""Removing: all of it, nothing else, and again after a crash."""

import errno
import shutil
import signal
from pathlib import Path

import msgspec
import pytest

from bootstrap import activate, registration, uninstall
from bootstrap.activate import require_live
from bootstrap.errors import BusyError, ExitCode, ReportedError, UnsafeTargetError, UsageError
from bootstrap.events import Listener
from bootstrap.generation import Way
from bootstrap.interrupts import Interrupts
from bootstrap.leftovers import undo_unfinished
from bootstrap.state import InstallState, load_state, save_state
from bootstrap.target import require_safe
from bootstrap.upkeep import Upkeep
from tests.support.crashing import CrashError, record_steps
from tests.support.generations import go_live, make_generation


def upkeep(target: Path) -> Upkeep:
    return Upkeep(target=target, allow_no_gpu=True, listener=Listener())


# Earlier versions put no process number in.
LOGS = ("install-20260101T000000Z.log", "install-20260101T000000Z-4711.log")


def install(target: Path, way: Way) -> None:
    target.mkdir()
    go_live(target, "old", way)
    go_live(target, "new", way)
    (target / "logs").mkdir()
    for name in LOGS:
        (target / "logs" / name).write_text("x")
    (target / ".install.json.part").write_text("{")


def test_nothing_is_left(tmp_path: Path, way: Way) -> None:
    install(tmp_path / "llm", way)
    assert upkeep(tmp_path / "llm").uninstall() == ()
    assert list(tmp_path.iterdir()) == []


def test_a_first_attempt_that_was_killed_goes_as_well(tmp_path: Path) -> None:
    target = tmp_path / "llm"
    make_generation(target, "half", "folder")
    save_state(target, InstallState(building="half"))
    assert upkeep(target).installed() is None
    upkeep(target).uninstall()
    assert list(tmp_path.iterdir()) == []


def test_what_others_put_there_stays_and_is_named(tmp_path: Path) -> None:
    target = tmp_path / "llm"
    install(target, "symlink")
    (target / "thesis.txt").write_text("years of work")
    (target / "logs" / "mine.log").write_text("x")
    (target / "python.bat").unlink()
    (target / "python.bat").mkdir()
    assert upkeep(target).uninstall() == ("logs", "python.bat", "thesis.txt")
    assert sorted(p.name for p in target.rglob("*")) == [
        "logs",
        "mine.log",
        "python.bat",
        "thesis.txt",
    ]


def test_a_folder_under_the_name_of_our_link_stays(tmp_path: Path) -> None:
    target = tmp_path / "llm"
    install(target, "symlink")
    (target / ".venv").unlink()
    (target / ".venv").mkdir()
    assert upkeep(target).uninstall() == (".venv",)


@pytest.mark.parametrize("name", ["generations", "logs", ".venv"])
def test_links_are_not_followed(tmp_path: Path, name: str) -> None:
    target, precious = tmp_path / "llm", tmp_path / "precious"
    install(target, "symlink")
    precious.mkdir()
    (precious / "install-20260101T000000Z.log").write_text("years of work")
    if (target / name).is_symlink():
        (target / name).unlink()
    else:
        shutil.rmtree(target / name)
    (target / name).symlink_to(precious)
    if name == "generations":
        with pytest.raises(UnsafeTargetError):
            upkeep(target).uninstall()
    else:
        upkeep(target).uninstall()
    assert (precious / "install-20260101T000000Z.log").read_text() == "years of work"


def test_where_nothing_is_there_is_nothing_to_remove(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="Nothing is installed in") as caught:
        upkeep(tmp_path).uninstall()
    assert caught.value.exit_code is ExitCode.USAGE
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def snapshot(target: Path) -> list[str]:
    # The lock and who holds it come and go.
    names = (str(path.relative_to(target)) for path in target.rglob("*"))
    return sorted(name for name in names if not name.startswith(".install."))


def test_what_is_in_use_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    target = tmp_path / "llm"
    install(target, way)
    (target / ".install.json.part").unlink()
    before = snapshot(target)
    with monkeypatch.context() as patch:
        patch.setattr(activate, "users_of", lambda *_: (4711,))
        with pytest.raises(BusyError, match="in use by process 4711"):
            upkeep(target).uninstall()
    assert snapshot(target) == before

    def held(path: Path, *, inside: Path) -> None:
        del inside
        raise BusyError(f"{path} is in use.", remedy="Close it.")

    # As Windows does, which does not rename a folder with an open file in it.
    monkeypatch.setattr(uninstall, "set_aside", held)
    with pytest.raises(BusyError):
        upkeep(target).uninstall()
    assert snapshot(target) == before
    assert (target / ".venv" / "Scripts" / "python.exe").read_text() == "new"


def test_after_a_crash_anywhere_the_next_run_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    for place in range(200):
        target = tmp_path / str(place)
        install(target, way)
        if not crash(target, monkeypatch, place):
            break
        # Until the state is gone, whoever installs or verifies can read it.
        if load_state(target):
            upkeep(target).uninstall()
            assert not target.exists()
        else:
            assert {path.name for path in target.iterdir()} <= {".install.lock"}
    assert place > 20
    assert not target.exists()


def test_after_a_crash_anywhere_the_installer_finds_all_of_it_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    found = set()
    for place in range(200):
        target = tmp_path / str(place)
        install(target, way)
        if not crash(target, monkeypatch, place):
            break
        state = load_state(target)
        if state is None:
            continue
        state = undo_unfinished(target, state, Listener())
        assert state == load_state(target)
        names = {path.name for path in target.rglob("*") if not path.name.startswith(".install.")}
        if state.live:
            require_live(target, state.live.generation_in(target))
            assert [path.name for path in (target / "generations").iterdir()] == ["new"]
            assert ".generations.removed" not in names
        else:
            # The next installation writes there at once.
            assert {"install.json"} <= names
            assert names <= {"install.json", "logs", *LOGS}
        found.add(state.live is None)
    assert found == {True, False}


def test_whoever_stops_it_stops_nothing_that_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "llm"
    install(target, "symlink")
    interrupts = Interrupts()
    monkeypatch.setattr(uninstall, "held", interrupts.held)

    def save(target: Path, state: InstallState) -> None:
        save_state(target, state)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(uninstall, "save_state", save)
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    interrupts.listen()
    try:
        upkeep(target).uninstall()
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
    assert list(tmp_path.iterdir()) == []


def test_what_is_the_users_is_named_and_goes_or_is_kept(tmp_path: Path, way: Way) -> None:
    for keep in (False, True):
        target = tmp_path / str(keep)
        add_to_both(target, way)
        assert sorted(upkeep(target).belongings()) == ["venv/of-new", "venv/of-old"]
        kept = upkeep(target).uninstall(keep_user_files=keep)
        assert kept == (("user-files",) if keep else ())
        found = [str(p.relative_to(target)) for p in target.rglob("of-*")]
        names = ["user-files/new/venv/of-new", "user-files/old/venv/of-old"]
        assert sorted(found) == (names if keep else [])
    # Beside them the next installation finds its place.
    require_safe(tmp_path / "True")


def add_to_both(target: Path, way: Way) -> None:
    """Something in what is live, and in what is kept."""
    install(target, way)
    state = load_state(target)
    assert state is not None
    assert state.live is not None
    (target / ".venv" / "of-new").write_text("years of work")
    (target / "generations" / "old" / "venv" / "of-old").write_text("years of work")
    previous = msgspec.structs.replace(state.live, generation="old")
    save_state(target, InstallState(live=state.live, previous=previous))


@pytest.mark.parametrize("by", ["uninstall", "recover"])
def test_what_is_the_users_outlives_every_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way, by: str
) -> None:
    for place in range(200):
        target = tmp_path / str(place)
        add_to_both(target, way)
        keeping = lambda: upkeep(target).uninstall(keep_user_files=True)  # noqa: B023, E731
        try:
            record_steps(monkeypatch, keeping, place, ignored="owner")
        except CrashError:
            state = load_state(target)
            if state and by == "recover":
                undo_unfinished(target, state, Listener())
            elif state:
                # How it was asked for is written down.
                upkeep(target).uninstall(keep_user_files=not state.removing)
        else:
            break
        (new,), (old,) = target.rglob("of-new"), target.rglob("of-old")
        assert new.read_text() == old.read_text() == "years of work"
        # Nothing of ours is taken for theirs.
        assert not list((target / "user-files").rglob("python.exe"))
    assert place > 30


def test_without_a_place_for_what_is_the_users_nothing_begins(tmp_path: Path, way: Way) -> None:
    target = tmp_path / "llm"
    add_to_both(target, way)
    (target / "user-files").symlink_to(tmp_path)
    before = snapshot(target)
    with pytest.raises(UnsafeTargetError, match="user-files is no folder"):
        upkeep(target).uninstall(keep_user_files=True)
    assert snapshot(target) == before


def test_the_launchers_of_a_first_attempt_go_as_well(tmp_path: Path) -> None:
    target = tmp_path / "llm"
    half = make_generation(target, "half", "folder")
    for launcher in half.documents.iterdir():
        shutil.copy(launcher, target)
        (target / f".{launcher.name}.part").write_text("ha")
    save_state(target, InstallState(building="half"))
    upkeep(target).uninstall()
    assert list(tmp_path.iterdir()) == []


def test_a_running_uninstaller_is_not_taken_for_somebody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "llm"
    install(target, "symlink")
    (target / "uninstall.exe").write_text("as on Windows")
    (target / ".uninstall.exe.part").write_text("half")
    monkeypatch.setattr(registration, "remove_uninstaller", lambda *_: True)
    assert upkeep(target).uninstall() == ()
    assert [path.name for path in target.iterdir()] == ["uninstall.exe"]


@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOSPC, errno.EIO])
def test_no_other_folder_is_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    install(tmp_path / "llm", "symlink")

    def fail(*_: object) -> None:
        raise OSError(code, "No")

    monkeypatch.setattr(uninstall, "save_state", fail)
    with pytest.raises(ReportedError) as caught:
        upkeep(tmp_path / "llm").uninstall()
    assert "--target" not in caught.value.remedy
    assert caught.value.remedy.endswith(", then start again.")


def crash(target: Path, monkeypatch: pytest.MonkeyPatch, place: int) -> bool:
    """Remove, and crash before the deletion or renaming with this number; whether it came to it."""
    try:
        record_steps(monkeypatch, upkeep(target).uninstall, place, ignored="owner")
    except CrashError:
        return True
    return False
