import os
import stat
from pathlib import Path
from typing import Any

import pytest

from bootstrap.errors import BusyError, ExitCode
from bootstrap.files import patiently, remove_file, replace_file, replace_link


def test_replace_file_leaves_no_part(tmp_path: Path) -> None:
    path = tmp_path / "state"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_replace_link_turns_an_old_link(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    replace_link(tmp_path / "live", Path("old"))
    replace_link(tmp_path / "live", Path("new"))
    assert (tmp_path / "live").readlink() == Path("new")


def held(code: int) -> OSError:
    error = PermissionError(13, "The process cannot access the file")
    # As Windows has it.
    error.winerror = code  # type: ignore[attr-defined]
    return error


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


@pytest.mark.parametrize("code", [5, 32, 33, 145])
def test_what_is_held_for_a_moment_is_tried_again(code: int, pauses: list[float]) -> None:
    answers = iter([held(code), held(code), None])

    def action() -> None:
        answer = next(answers)
        if answer:
            raise answer

    patiently(action, "file")
    assert len(pauses) == 2
    assert pauses == sorted(pauses)


def test_a_file_that_is_only_marked_goes_at_once(
    tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = tmp_path / "uninstall.exe", os.unlink
    path.write_text("x")
    path.chmod(0o444)

    def unlink(name: Path, **more: Any) -> None:
        # As Windows does, which keeps what is marked as read-only.
        if not path.stat().st_mode & stat.S_IWRITE:
            raise held(5)
        real(name, **more)

    monkeypatch.setattr(os, "unlink", unlink)
    remove_file(path)
    assert pauses == []
    assert not path.exists()


def test_what_stays_held_is_busy_after_some_seconds(pauses: list[float]) -> None:
    def action() -> None:
        raise held(32)

    with pytest.raises(BusyError, match=r"^C:\\LLM is in use") as caught:
        patiently(action, "\\\\?\\C:\\LLM")
    assert caught.value.exit_code is ExitCode.BUSY
    assert "Close the programs" in caught.value.remedy
    assert 5 < sum(pauses) < 15


def test_anything_else_is_told_at_once(pauses: list[float]) -> None:
    def action() -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(PermissionError):
        patiently(action, "file")
    assert pauses == []
