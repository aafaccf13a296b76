"""``install.json``, also as earlier versions of this program have written it."""

import json
from pathlib import Path

import pytest

from bootstrap.errors import RecoveryNeededError
from bootstrap.state import FILE_NAME, InstallState, load_state, save_state
from tests.support.generations import go_live, installed, make_generation


def test_what_is_written_is_read(tmp_path: Path) -> None:
    one, other = (installed(make_generation(tmp_path, name, "folder")) for name in "ab")
    for state in (
        InstallState(),
        InstallState(live=one, previous=other, building="c"),
        InstallState(removing=one, keep_user_files=True),
    ):
        save_state(tmp_path, state)
        assert load_state(tmp_path) == state
    assert InstallState(live=one, previous=other, building="c").kept == {"a", "b"}


def test_a_file_of_the_first_version_is_read(tmp_path: Path) -> None:
    go_live(tmp_path, "a", "symlink")
    path = tmp_path / FILE_NAME
    file = json.loads(path.read_text())
    for name in ("previous", "removing", "keep_user_files"):
        file["state"].pop(name, None)
    for name in ("way", "launchers", "place"):
        file["state"]["live"].pop(name, None)
    path.write_text(json.dumps(file))
    state = load_state(tmp_path)
    assert state is not None
    assert state.live is not None
    assert (state.previous, state.keep_user_files, state.live.way) == (None, False, "symlink")
    assert state.kept == {"a"}


@pytest.mark.parametrize("name", ["..", "a/b", "C:\\\\x", ""])
def test_what_is_kept_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    go_live(tmp_path, "a", "symlink")
    path = tmp_path / FILE_NAME
    file = json.loads(path.read_text())
    file["state"]["previous"] = {**file["state"]["live"], "generation": name}
    path.write_text(json.dumps(file))
    with pytest.raises(RecoveryNeededError, match="cannot be understood"):
        load_state(tmp_path)
