import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import msgspec
import pytest
from filelock import FileLock

from bootstrap.errors import (
    BusyError,
    ExitCode,
    NotWritableError,
    RecoveryNeededError,
    UnsafeTargetError,
)
from bootstrap.state import InstallState, load_state, save_state
from bootstrap.target import has_owner, hold, require_safe
from bootstrap.verify import load_index
from tests.support.generations import installed, make_generation


def test_new_and_empty_folders_are_fine(tmp_path: Path) -> None:
    require_safe(tmp_path / "new")
    require_safe(tmp_path)


def test_an_installation_of_ours_is_fine(tmp_path: Path) -> None:
    save_state(tmp_path, InstallState())
    (tmp_path / "something").mkdir()
    require_safe(tmp_path)


def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_text("x")
    with pytest.raises(UnsafeTargetError, match=r"holiday\.jpg") as caught:
        require_safe(tmp_path)
    assert caught.value.exit_code is ExitCode.UNSAFE_TARGET
    assert "--target" in caught.value.remedy


def test_another_installer_may_begin_while_the_folder_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = Path.iterdir

    def begin_first(folder: Path) -> Iterator[Path]:
        save_state(tmp_path, InstallState())
        return iter(list(listing(folder)))

    monkeypatch.setattr(Path, "iterdir", begin_first)
    require_safe(tmp_path)


def test_a_link_is_refused_with_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(UnsafeTargetError, match=f"link to {tmp_path / 'real'}"):
        require_safe(tmp_path / "link")


def test_root_home_and_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    (tmp_path / "file").write_text("x")
    for path in (Path("/"), home, tmp_path / "file"):
        with pytest.raises(UnsafeTargetError, match="cannot be the target"):
            require_safe(path)


def test_two_at_once(tmp_path: Path) -> None:
    with hold(tmp_path / "t"):
        with pytest.raises(BusyError, match=r"process \d+ on ") as caught, hold(tmp_path / "t"):
            pytest.fail("both hold it")
    assert caught.value.exit_code is ExitCode.BUSY
    with hold(tmp_path / "t"):
        pass


def test_whoever_has_not_said_yet_who_he_is_is_given_a_moment(tmp_path: Path) -> None:
    """He has just begun, or is about to let go."""
    owner = json.dumps({"pid": 4711, "host": "here", "since": "now"})
    with FileLock(tmp_path / ".install.lock", thread_local=False) as lock:
        later = Timer(0.2, (tmp_path / ".install.owner.json").write_text, [owner])
        later.start()
        with pytest.raises(BusyError, match=r"process 4711 on here"), hold(tmp_path):
            pytest.fail("both hold it")
        later.join()
        (tmp_path / ".install.owner.json").unlink()
        Timer(0.2, lock.release).start()
        with hold(tmp_path):
            assert has_owner(tmp_path)


def test_a_note_that_stays_does_not_spoil_what_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.unlink

    def unlink(path: Path, **more: Any) -> None:
        # As when an antivirus program has it open.
        if "owner" in str(path):
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        real(path, **more)

    monkeypatch.setattr(os, "unlink", unlink)
    for _ in range(2):
        with hold(tmp_path):
            pass


def test_the_lock_goes_while_it_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise somebody may open it meanwhile, and hold a lock that nobody else sees."""
    target, released = tmp_path / "t", FileLock.release

    def release(self: FileLock, **more: Any) -> None:
        assert not (target / ".install.lock").exists()
        released(self, **more)

    with hold(target) as held:
        (target / "thesis.txt").write_text("years of work")
        (target / "uninstall.exe").write_text("runs")
        assert held.leave(going=("uninstall.exe",)) == ("thesis.txt",)
        monkeypatch.setattr(FileLock, "release", release)
    assert sorted(path.name for path in target.iterdir()) == ["thesis.txt", "uninstall.exe"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotWritableError, match="cannot be written"), hold(tmp_path / "file" / "t"):
        pytest.fail("held")


def test_state_survives_a_round_trip(tmp_path: Path) -> None:
    assert load_state(tmp_path) is None
    state = InstallState(building="g1")
    save_state(tmp_path, state)
    assert load_state(tmp_path) == state


@pytest.mark.parametrize("text", ["{", '{"format": 9}', '{"surprise": 1}', '{"live": 3}'])
def test_a_state_that_cannot_be_understood_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "install.json").write_text(text)
    with pytest.raises(RecoveryNeededError, match=r"install\.json cannot be understood"):
        load_state(tmp_path)


def test_a_disk_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # As with a drive letter of Windows that nothing goes by.
    monkeypatch.setattr("os.path.lexists", lambda _: False)
    with pytest.raises(UnsafeTargetError, match="there is no /"):
        require_safe(Path("/nowhere/llm"))


def save(target: Path, **changes: object) -> None:
    """Write the state of an installation, and spoil it."""
    state = InstallState(live=installed(make_generation(target, "g1", "symlink")))
    save_state(target, state)
    file = json.loads((target / "install.json").read_text())
    for name, value in changes.items():
        part = file["state"] if name in file["state"] else file["state"]["live"]
        part[name] = value
    (target / "install.json").write_text(json.dumps(file))


@pytest.mark.parametrize(
    "name", ["../victim", "..", ".", "", "a/b", "a\\b", "C:x", "/etc/passwd", ".. ", "x\n/.."]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    for changes in ({"launchers": ["ok", name]}, {"generation": name}, {"building": name}):
        save(tmp_path, **changes)
        with pytest.raises(RecoveryNeededError, match=r"install\.json cannot be understood"):
            load_state(tmp_path)
        shutil.rmtree(tmp_path / "generations")


def test_plain_names_are_fine(tmp_path: Path) -> None:
    save(tmp_path, launchers=["my python.sh", "..shell.bat"], building="1.0-cu124-0a.2")
    assert load_state(tmp_path) is not None


def test_what_was_not_yet_written_down_is_what_it_was(tmp_path: Path) -> None:
    save(tmp_path)
    file = json.loads((tmp_path / "install.json").read_text())
    for name in ("way", "launchers"):
        del file["state"]["live"][name]
    (tmp_path / "install.json").write_text(json.dumps(file))
    state = load_state(tmp_path)
    assert state
    assert state.live
    assert (state.live.way, state.live.launchers) == ("symlink", ("python.sh", "shell.sh"))


def test_an_index_of_another_format_is_a_case_for_the_installer(tmp_path: Path) -> None:
    generation = make_generation(tmp_path, "g1", "symlink")
    generation.index.write_text('{"format": 1}')
    digest = hashlib.sha256(generation.index.read_bytes()).hexdigest()
    live = msgspec.structs.replace(installed(generation), index_sha256=digest)
    with pytest.raises(RecoveryNeededError, match="has format 1") as caught:
        load_index(generation, live)
    assert "Run the installer again" in caught.value.remedy
