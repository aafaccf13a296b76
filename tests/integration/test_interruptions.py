"""Interrupted, failed, crashed or twice at once: the old environment stays, or the new one."""

import json
import os
import signal
from collections.abc import Iterator

import pytest

from bootstrap.bundle.model import Index
from tests.support.commands import events, fingerprint
from tests.support.machine import STICK, TARGET, TIMEOUT, install, python, run
from tests.support.minimal_root import MinimalRoot, open_minimal_root, send_signal
from tests.support.small_stack import SmallBundle

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(
    small: SmallBundle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MinimalRoot]:
    """A machine for those who leave it as they find it."""
    with open_minimal_root(tmp_path_factory.mktemp("installed")) as opened:
        opened.copy_in(small.installer, STICK)
        install(opened)
        yield opened


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("phase", ["runtime", "install", "verify"])
def test_an_interruption_leaves_everything_as_it_was(
    installed: MinimalRoot, number: signal.Signals, phase: str
) -> None:
    live = fingerprint(installed.path(TARGET) / "generations")
    runner = installed.start([STICK, "--target", TARGET, "--json"])
    assert runner.stdout is not None
    for line in runner.stdout:
        if json.loads(line).get("phase") == phase:
            break
    send_signal(runner, number)
    output, errors = runner.communicate(timeout=60)
    assert runner.returncode == 130, errors
    assert events(output)[-1]["exit_code"] == 130
    assert fingerprint(installed.path(TARGET) / "generations") == live
    assert run(installed, "--verify", "--target", TARGET).returncode == 0


def test_a_failure_before_the_switch_leaves_the_old_one_live(root: MinimalRoot) -> None:
    install(root)
    before = [path.name for path in root.path(f"{TARGET}/generations").iterdir()]
    root.path(f"{TARGET}/python.sh").unlink()
    root.path(f"{TARGET}/python.sh/x").mkdir(parents=True)
    done = run(root, "--target", TARGET, "--silent")
    assert done.returncode == 30
    assert "python.sh" in done.stderr
    assert [path.name for path in root.path(f"{TARGET}/generations").iterdir()] == before
    assert python(root, "print(1)") == "1"


def test_leftovers_of_a_crash_do_not_count_as_used(root: MinimalRoot) -> None:
    root.tmpfs("/mnt/disk", 600 << 20)
    assert run(root, "--silent", "--target", "/mnt/disk/llm").returncode == 0
    left_over = root.path("/mnt/disk/llm/generations/crashed/big")
    left_over.parent.mkdir()
    with left_over.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 200 << 20)
    state = root.path("/mnt/disk/llm/install.json")
    written = json.loads(state.read_text())
    written["state"]["building"] = "crashed"
    state.write_text(json.dumps(written))
    done = run(root, "--silent", "--target", "/mnt/disk/llm")
    assert done.returncode == 0, done.stderr


def test_what_is_in_use_stays_until_it_is_not(root: MinimalRoot, index: Index) -> None:
    install(root)
    code = "print('up', flush=True); import time; time.sleep(15); import click; print('fine')"
    program = root.start([f"{TARGET}/python.sh", "-c", code])
    assert program.stdout is not None
    assert program.stdout.readline() == "up\n"
    told = install(root)
    (warning,) = [
        e["message"] for e in told if e["event"] == "warning" and "in use" in e["message"]
    ]
    assert f"generations/{index.bundle_id} is in use by process " in warning
    output, errors = program.communicate(timeout=60)
    assert (output, errors) == ("fine\n", "")
    install(root)
    names = [path.name for path in root.path(f"{TARGET}/generations").iterdir()]
    assert len(names) == 1


def test_two_at_once(root: MinimalRoot) -> None:
    first = root.start([STICK, "--target", TARGET, "--json"])
    assert first.stdout is not None
    for line in first.stdout:
        if json.loads(line).get("phase") == "runtime":
            break
    second = run(root, "--target", TARGET, "--silent")
    first.communicate(timeout=TIMEOUT)
    assert first.returncode == 0
    assert second.returncode == 23
    assert f"Another installer is working on {TARGET} (process " in second.stderr
