"""What was measured gives its room back, and nothing that others have is touched."""

from pathlib import Path

from benchmarks.attic import Attic


def test_files_are_empty_and_away(tmp_path: Path) -> None:
    kept, run = tmp_path / "kept", tmp_path / "run"
    kept.write_bytes(b"of the user's cache")
    (run / "env").mkdir(parents=True)
    (run / "env" / "file").write_bytes(b"content")
    (run / "twin").hardlink_to(run / "env" / "file")
    (run / "from-outside").hardlink_to(kept)
    (run / "link").symlink_to(kept)
    Attic(tmp_path / "attic").take(run)
    assert not run.exists()
    away = tmp_path / "attic" / "1"
    assert (away / "env" / "file").stat().st_size == 0
    assert (away / "twin").stat().st_size == 0
    assert kept.read_bytes() == b"of the user's cache"


def test_it_takes_one_after_the_other(tmp_path: Path) -> None:
    attic = Attic(tmp_path / "attic")
    for _ in range(2):
        (tmp_path / "run").mkdir()
        attic.take(tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "attic").iterdir()) == ["1", "2"]
