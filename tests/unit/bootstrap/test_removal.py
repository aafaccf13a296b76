"""Deleting: what is ours, all of it, and nothing else."""

import os
from pathlib import Path

import pytest

from bootstrap import removal
from bootstrap.errors import ExitCode, UnsafeTargetError
from bootstrap.removal import aside_of, put_back, remove_set_aside, remove_tree, set_aside, windows
from tests.support.dangers import DANGERS, run
from tests.support.endangered import Danger, mark

ANYWHERE = [danger for danger in DANGERS if not danger.needs_root]
# Only Linux can be asked for these, or Windows itself refuses them.
NOT_BY_PATHS = {
    "it holds 300 folders in each other",
    "it is called 'dots...'",
    "it is called ' '",
}


@pytest.mark.parametrize("danger", ANYWHERE, ids=lambda danger: danger.name)
def test_no_danger_reaches_what_is_not_ours(danger: Danger, tmp_path: Path) -> None:
    run(danger, tmp_path)


@pytest.mark.parametrize("danger", ANYWHERE, ids=lambda danger: danger.name)
def test_nor_does_it_by_paths_as_on_windows(
    danger: Danger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if danger.name in NOT_BY_PATHS:
        pytest.skip("Windows has none of this")
    monkeypatch.setattr(removal, "system", windows)
    run(danger, tmp_path)


def test_there_are_enough_of_them() -> None:
    names = [danger.name for danger in DANGERS]
    assert len(names) == len(set(names)) > 100


@pytest.fixture
def generations(tmp_path: Path) -> Path:
    made = mark(tmp_path / "llm") / "generations"
    made.mkdir()
    return made


def test_a_tree_goes(generations: Path) -> None:
    (generations / "g1" / "deep").mkdir(parents=True)
    (generations / "g1" / "deep" / "file").write_text("x")
    remove_tree(generations / "g1", inside=generations)
    assert list(generations.iterdir()) == []
    remove_tree(generations / "g1", inside=generations)


def test_what_a_generation_holds_goes_alone(generations: Path) -> None:
    (generations / "g1" / ".verify" / "x").mkdir(parents=True)
    remove_tree(generations / "g1" / ".verify", inside=generations / "g1")
    assert list((generations / "g1").iterdir()) == []


def test_what_a_crash_left_of_a_deletion_goes_with_the_next(generations: Path) -> None:
    for name in ("g1", ".g1.removed"):
        (generations / name / "deep").mkdir(parents=True)
    remove_tree(generations / "g1", inside=generations)
    assert list(generations.iterdir()) == []


def test_what_was_set_aside_goes_under_the_name_that_it_has(generations: Path) -> None:
    """Else it would get a longer name by each run that fails."""
    (generations / ".g1.removed" / "deep").mkdir(parents=True)
    set_aside(generations / ".g1.removed", inside=generations)
    assert [path.name for path in generations.iterdir()] == [".g1.removed"]
    remove_tree(generations / ".g1.removed", inside=generations)
    assert list(generations.iterdir()) == []


def test_what_was_set_aside_can_be_put_back(generations: Path) -> None:
    (generations / "g1" / "deep").mkdir(parents=True)
    set_aside(generations, inside=generations.parent)
    assert not generations.exists()
    put_back(generations, inside=generations.parent)
    put_back(generations, inside=generations.parent)
    assert (generations / "g1" / "deep").is_dir()
    assert not aside_of(generations).exists()


def test_a_link_is_not_put_back(generations: Path, tmp_path: Path) -> None:
    generations.rmdir()
    aside_of(generations).symlink_to(tmp_path)
    with pytest.raises(UnsafeTargetError):
        put_back(generations, inside=generations.parent)
    with pytest.raises(UnsafeTargetError):
        remove_set_aside(generations, inside=generations.parent)
    assert not generations.exists()


def test_a_refusal_says_what_and_why_and_what_to_do(generations: Path) -> None:
    (generations / "g1").symlink_to("/")
    with pytest.raises(UnsafeTargetError) as caught:
        remove_tree(generations / "g1", inside=generations)
    assert caught.value.exit_code is ExitCode.UNSAFE_TARGET
    assert str(caught.value) == f"{generations / 'g1'} was not deleted: it is a link, or no folder."
    assert caught.value.remedy.startswith("Look at it")


@pytest.mark.parametrize("name", ["g1.", "g1 ", "g1:stream"])
def test_names_that_windows_reads_as_others_are_refused(
    generations: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(removal, "system", windows)
    (generations / name).mkdir()
    with pytest.raises(UnsafeTargetError):
        remove_tree(generations / name, inside=generations)
    assert (generations / name).is_dir()


def test_whoever_interrupts_a_deletion_finds_the_rest_set_aside(
    generations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (generations / "g1").mkdir()
    for name in "abc":
        (generations / "g1" / name).write_text("x")
    real, gone = os.unlink, list[str]()

    def unlink(name: str, **more: int) -> None:
        if gone:
            raise KeyboardInterrupt
        gone.append(name)
        real(name, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink)
        with pytest.raises(KeyboardInterrupt):
            remove_tree(generations / "g1", inside=generations)
    assert len(list((generations / ".g1.removed").iterdir())) == 2
    handles = len(list(Path("/proc/self/fd").iterdir()))
    remove_tree(generations / "g1", inside=generations)
    assert list(generations.iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == handles
