from pathlib import Path

import pytest

from bootstrap.logs import new_log, remove_logs


@pytest.mark.parametrize("mode", ["install", "verify", "keep_extras"])
def test_the_name_of_a_new_one_is_known_again(tmp_path: Path, mode: str) -> None:
    path = new_log(tmp_path, mode)
    path.parent.mkdir()
    path.write_text("x")
    remove_logs(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_others_have_put_there_stays(tmp_path: Path) -> None:
    path = new_log(tmp_path, "install")
    path.parent.mkdir()
    path.write_text("x")
    notes = path.with_name(f"my {path.name}")
    notes.write_text("years of work")
    remove_logs(tmp_path)
    assert list(path.parent.iterdir()) == [notes]
