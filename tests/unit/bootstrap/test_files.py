from pathlib import Path

import pytest

from bootstrap.errors import UnsafeTargetError
from bootstrap.files import remove_tree, replace_file, replace_link


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
