from pathlib import Path

import pytest

from bootstrap.errors import (
    BusyError,
    ExitCode,
    NotWritableError,
    RecoveryNeededError,
    UnsafeTargetError,
)
from bootstrap.state import InstallState, load_state, save_state
from bootstrap.target import hold, require_safe


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
