"""Removing what was really installed; and the way that Windows needs, tried here."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import ROOT, events, fingerprint
from tests.support.machine import STICK, TARGET, TIMEOUT, install, run
from tests.support.minimal_root import MinimalRoot
from tests.support.small_stack import PINS, SmallBundle

pytestmark = pytest.mark.slow

# The installer from source, as on a file system that has no links.
FOLDER_WAY = """
import sys
from bootstrap import live
live.choose = lambda folder: "folder"
from bootstrap.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_nothing_is_left(root: MinimalRoot) -> None:
    before = fingerprint(root.path("/opt"))
    install(root)
    install(root)
    done = run(root, "--uninstall", "--target", TARGET, "--json")
    assert done.returncode == 0, done.stdout
    result = events(done.stdout)[-1]
    assert result["message"] == f"SmallStack 1.0.0 (cpu) is removed from {TARGET}."
    assert fingerprint(root.path("/opt")) == before
    again = run(root, "--uninstall", "--target", TARGET)
    assert again.returncode == 2
    assert f"Nothing is installed in {TARGET}." in again.stderr


def test_what_others_put_there_stays(root: MinimalRoot) -> None:
    install(root)
    root.path(f"{TARGET}/thesis.txt").write_text("years of work")
    done = run(root, "--uninstall", "--target", TARGET)
    assert done.returncode == 0, done.stderr
    assert "Not by this installer, and so kept: thesis.txt." in done.stdout
    assert list(fingerprint(root.path(TARGET))) == ["thesis.txt"]


def test_what_is_in_use_stays_whole(root: MinimalRoot) -> None:
    install(root)
    before = fingerprint(root.path(TARGET))
    code = "import time; print(1, flush=True); time.sleep(10)"
    program = root.start([f"{TARGET}/python.sh", "-B", "-c", code])
    assert program.stdout is not None
    program.stdout.readline()
    done = run(root, "--uninstall", "--target", TARGET)
    program.communicate(timeout=60)
    assert done.returncode == 23
    assert "is in use by process " in done.stderr
    assert fingerprint(root.path(TARGET)) == before


def test_somebody_else_must_not(root: MinimalRoot) -> None:
    install(root)
    done = root.run([STICK, "--uninstall", "--target", TARGET], timeout=TIMEOUT, user=1234)
    assert done.returncode == 21
    assert "as the user who has installed it" in done.stderr


def by_folder(small: SmallBundle, target: Path, *arguments: str) -> list[dict[str, str]]:
    command = [sys.executable, "-c", FOLDER_WAY, "--bundle", str(small.installer)]
    done = subprocess.run(
        [*command, "--target", str(target), "--json", *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return events(done.stdout)


def test_without_links_the_environment_itself_changes_places(
    small: SmallBundle, tmp_path: Path
) -> None:
    target = tmp_path / "my modèls"
    for _ in range(2):
        by_folder(small, target)
        venv = target / ".venv"
        assert venv.is_dir()
        assert not venv.is_symlink()
        (generation,) = (target / "generations").iterdir()
        assert not (generation / "venv").exists()
        by_folder(small, target, "--verify", "--deep")
        for command in ("tqdm", "readelf.py"):
            script = (venv / "bin" / command).read_text(encoding="utf-8")
            assert f"{venv}/bin/python" in "".join(script.splitlines()[:2])
        told = subprocess.run(
            [venv / "bin" / "tqdm", "--version"], capture_output=True, text=True, check=True
        )
        assert told.stdout.strip() == PINS["tqdm"]
        activate = (venv / "bin" / "activate").read_text(encoding="utf-8")
        assert str(generation) not in activate
        assert str(generation) not in (venv / "pip.conf").read_text(encoding="utf-8")
    by_folder(small, target, "--uninstall")
    assert not target.exists()
