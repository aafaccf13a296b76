"""``--verify`` sees what was changed, removed, moved, added and banned."""

import os

import pytest

from tests.support.machine import STICK, TARGET, TIMEOUT, install, run
from tests.support.minimal_root import MinimalRoot

pytestmark = pytest.mark.slow


def test_verify_names_the_one_file_that_was_changed(root: MinimalRoot) -> None:
    install(root)
    assert run(root, "--verify", "--target", TARGET).returncode == 0
    (changed,) = root.path(TARGET).glob("generations/*/venv/lib/*/site-packages/jinja2/loaders.py")
    status = changed.stat()
    data = bytearray(changed.read_bytes())
    data[100] ^= 1
    changed.write_bytes(data)
    # Whoever puts the time back does not hide it.
    os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns))
    for more in ([], ["--deep"]):
        done = run(root, "--verify", "--target", TARGET, *more)
        assert done.returncode == 31
        assert "1 of" in done.stderr
        assert "site-packages/jinja2/loaders.py (changed)" in done.stderr
    data[100] ^= 1
    changed.write_bytes(data)
    assert run(root, "--verify", "--target", TARGET).returncode == 0
    changed.unlink()
    done = run(root, "--verify", "--target", TARGET)
    assert "site-packages/jinja2/loaders.py (missing)" in done.stderr


def test_verify_finds_a_banned_package_that_came_later(root: MinimalRoot) -> None:
    install(root)
    (site,) = root.path(TARGET).glob("generations/*/venv/lib/*/site-packages")
    (site / "torchao-0.18.0.dist-info").mkdir()
    done = run(root, "--verify", "--target", TARGET)
    assert done.returncode == 31
    assert "torchao 0.18.0: It breaks imports." in done.stderr


def test_verify_tells_what_was_added(root: MinimalRoot) -> None:
    install(root)
    (site,) = root.path(TARGET).glob("generations/*/venv/lib/*/site-packages")
    (site / "evil.pth").write_text("import sys\n")
    (site / "mine.py").write_text("x = 1\n")
    done = run(root, "--verify", "--target", TARGET)
    assert done.returncode == 0
    assert "2 files were added since, such as venv/lib/" in done.stderr
    assert "site-packages/evil.pth was added, and runs whenever this Python starts." in done.stderr


def test_verify_looks_at_what_people_start(root: MinimalRoot) -> None:
    install(root)
    root.path(f"{TARGET}/python.sh").unlink()
    done = run(root, "--verify", "--target", TARGET)
    assert done.returncode == 31
    assert f"{TARGET}/python.sh is missing or was changed" in done.stderr
    root.path(f"{TARGET}/.venv").unlink()
    root.path(f"{TARGET}/.venv").symlink_to("/etc")
    verify = [STICK, "--verify", "--target", TARGET]
    done = root.run(verify, timeout=TIMEOUT, user=1234)
    assert done.returncode == 31
    assert f"{TARGET}/.venv does not lead to " in done.stderr
    # As a killed upgrade might have left it.
    done = root.run(verify, timeout=TIMEOUT)
    assert done.returncode == 0
    assert f"{TARGET}/.venv is set back to " in done.stderr


def test_verify_leaves_alone_what_is_not_ours(root: MinimalRoot) -> None:
    install(root)
    root.path(f"{TARGET}/.venv").unlink()
    root.path(f"{TARGET}/.venv").mkdir()
    root.path(f"{TARGET}/.venv/thesis.txt").write_text("years of work")
    done = run(root, "--verify", "--target", TARGET)
    assert done.returncode == 31
    assert f"{TARGET}/.venv does not lead to " in done.stderr
    assert root.path(f"{TARGET}/.venv/thesis.txt").read_text() == "years of work"


def test_a_moved_installation_is_recognized(root: MinimalRoot) -> None:
    install(root)
    root.path(TARGET).rename(root.path("/opt/moved"))
    done = run(root, "--verify", "--target", "/opt/moved")
    assert done.returncode == 31
    assert "leads nowhere, as after /opt/moved was moved" in done.stderr
    assert run(root, "--silent", "--target", "/opt/moved").returncode == 0
    assert run(root, "--verify", "--target", "/opt/moved").returncode == 0


def test_somebody_without_rights_may_verify(root: MinimalRoot) -> None:
    install(root)
    verify = [STICK, "--verify", "--target", TARGET]
    assert root.run(verify, timeout=TIMEOUT, user=1234).returncode == 0
    root.read_only(TARGET)
    assert root.run(verify, timeout=TIMEOUT).returncode == 0
