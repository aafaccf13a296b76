import os
import stat
from pathlib import Path
from typing import Any

import pytest

from bootstrap.errors import BusyError, ExitCode, UnsafeTargetError
from bootstrap.files import patiently, remove_file, remove_tree, replace_file, replace_link


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    return folder


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


def test_a_tree_inside_is_removed(tmp_path: Path) -> None:
    doomed = tmp_path / "generations" / "g1"
    (doomed / "deep").mkdir(parents=True)
    (doomed / "deep" / "file").write_text("x")
    remove_tree(doomed, inside=tmp_path / "generations")
    assert not any((tmp_path / "generations").iterdir())


def test_what_is_not_there_is_fine(tmp_path: Path) -> None:
    remove_tree(tmp_path / "none", inside=tmp_path)


def test_links_are_never_followed(tmp_path: Path, canary: Path) -> None:
    inside = tmp_path / "generations"
    inside.mkdir()
    (inside / "g1").symlink_to(canary)
    with pytest.raises(UnsafeTargetError, match="is a link"):
        remove_tree(inside / "g1", inside=inside)
    assert (canary / "thesis.txt").exists()


def test_a_link_inside_goes_without_what_it_points_to(tmp_path: Path, canary: Path) -> None:
    doomed = tmp_path / "generations" / "g1"
    doomed.mkdir(parents=True)
    (doomed / "link").symlink_to(canary)
    remove_tree(doomed, inside=tmp_path / "generations")
    assert (canary / "thesis.txt").exists()
    assert not doomed.exists()


@pytest.mark.parametrize("way", ["..", ".", "../precious", "x/../../precious"])
def test_ways_out_are_refused(tmp_path: Path, canary: Path, way: str) -> None:
    inside = tmp_path / "generations"
    (inside / "x").mkdir(parents=True)
    with pytest.raises(UnsafeTargetError):
        remove_tree(Path(f"{inside}/{way}"), inside=inside)
    assert (canary / "thesis.txt").exists()


def test_deeper_or_foreign_folders_are_refused(tmp_path: Path, canary: Path) -> None:
    inside = tmp_path / "generations"
    (inside / "g1" / "deeper").mkdir(parents=True)
    for path in (inside / "g1" / "deeper", canary, inside):
        with pytest.raises(UnsafeTargetError, match="not deleted"):
            remove_tree(path, inside=inside)
        assert path.is_dir()


def test_the_parent_reached_through_a_link_is_refused(tmp_path: Path, canary: Path) -> None:
    (canary / "g1").mkdir()
    (tmp_path / "generations").symlink_to(canary)
    real = tmp_path / "real"
    real.mkdir()
    with pytest.raises(UnsafeTargetError):
        remove_tree(tmp_path / "generations" / "g1", inside=real)
    assert (canary / "g1").is_dir()


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


def test_what_a_crash_left_of_a_deletion_goes_with_the_next(tmp_path: Path) -> None:
    for name in ("g1", ".g1.removed"):
        (tmp_path / name / "deep").mkdir(parents=True)
    remove_tree(tmp_path / "g1", inside=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_took_the_place_of_what_is_deleted_is_refused(
    tmp_path: Path, canary: Path
) -> None:
    inside = tmp_path / "generations"
    (inside / "g1").mkdir(parents=True)
    (inside / ".g1.removed").symlink_to(canary)
    with pytest.raises(UnsafeTargetError):
        remove_tree(inside / "g1", inside=inside)
    assert (canary / "thesis.txt").exists()
