"""The root file system for tests is what it says: closed, fresh, and gone afterwards."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from tests.support.debian import require_root
from tests.support.minimal_root import MinimalRoot, open_minimal_root, send_signal

REPOSITORY = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def root(tmp_path: Path) -> Iterator[MinimalRoot]:
    with open_minimal_root(tmp_path) as opened:
        yield opened


def shell(
    root: MinimalRoot, script: str, user: int | None = None
) -> subprocess.CompletedProcess[str]:
    return root.run(["bash", "-c", script], timeout=60, user=user)


def start_shell(root: MinimalRoot, script: str, mark: str = "bash") -> "subprocess.Popen[str]":
    """A script that has printed its first line, with ``mark`` as its name."""
    runner = root.start(["bash", "-c", script, mark])
    assert runner.stdout is not None
    assert runner.stdout.readline()
    return runner


def running(argument: str) -> list[int]:
    """Processes that were called with this argument."""
    found = []
    for process in psutil.process_iter():
        try:
            if argument in process.cmdline():
                found.append(process.pid)
        except psutil.NoSuchProcess:
            continue
    return found


def wait_until_gone(argument: str) -> None:
    deadline = monotonic() + 10
    while running(argument):
        assert monotonic() < deadline, f"{argument} still runs"
        sleep(0.05)


def test_there_is_no_python(root: MinimalRoot) -> None:
    names = r"\( -name 'python*' -o -name 'libpython*' \) ! -type d"
    found = shell(root, f"find / -xdev {names}")
    assert (found.returncode, found.stdout) == (0, "")
    # The very same search finds something where there is something.
    root.path("/opt/python3.11").write_bytes(b"")
    assert shell(root, f"find / -xdev {names}").stdout == "/opt/python3.11\n"


def test_there_is_no_network(root: MinimalRoot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connect = f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]}"
        outside = subprocess.run(["bash", "-c", connect], check=False, timeout=60)
        inside = shell(root, connect)
    assert outside.returncode == 0
    assert inside.returncode == 1
    assert "Network is unreachable" in inside.stderr
    devices = shell(root, "cat /proc/net/dev").stdout.splitlines()[2:]
    assert [line.partition(":")[0].strip() for line in devices] == ["lo"]


def test_nothing_of_the_host_is_visible(root: MinimalRoot, tmp_path: Path) -> None:
    for path in (REPOSITORY, tmp_path, Path(sys.executable)):
        assert path.exists()
        assert shell(root, f"test -e '{path}'").returncode == 1
    seen = shell(root, "pwd; echo $$; cd /proc; echo [0-9]*").stdout.splitlines()
    assert seen == ["/", seen[1], f"1 {seen[1]}"]


def test_proc_and_devices_work(root: MinimalRoot) -> None:
    assert shell(root, "readlink /proc/self/exe").stdout == "/usr/bin/readlink\n"
    assert shell(root, "head -c 3 /dev/urandom | wc -c; echo x > /dev/shm/x").stdout == "3\n"
    assert "No space left" in shell(root, "echo x > /dev/full").stderr


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 24", 24), ("kill -9 $$", -9)])
def test_exit_codes_pass_through(root: MinimalRoot, script: str, code: int) -> None:
    assert shell(root, script).returncode == code


def test_a_checked_run_raises(root: MinimalRoot) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        root.run(["bash", "-c", "echo why >&2; exit 3"], timeout=60, check=True)
    assert (caught.value.returncode, caught.value.stderr) == (3, "why\n")


def test_the_environment_is_what_was_given(root: MinimalRoot) -> None:
    done = root.run(["/usr/bin/env"], environment={"ONLY": "this"}, timeout=60)
    assert done.stdout == "ONLY=this\n"


def test_another_user_has_no_rights(root: MinimalRoot) -> None:
    assert shell(root, "id -u; id -g; id -G", user=1234).stdout == "1234\n1234\n1234\n"
    assert "Permission denied" in shell(root, "echo > /etc/x", user=1234).stderr


def test_a_signal_reaches_the_program(root: MinimalRoot) -> None:
    runner = start_shell(root, "trap 'exit 7' TERM; echo up; while :; do sleep 0.1; done")
    send_signal(runner, signal.SIGTERM)
    runner.communicate(timeout=20)
    assert runner.returncode == 7


def test_ending_the_runner_ends_the_program(root: MinimalRoot) -> None:
    runner = start_shell(root, "echo up; sleep 99; exit", "program-of-a-runner")
    assert running("program-of-a-runner")
    runner.terminate()
    runner.wait(timeout=20)
    wait_until_gone("program-of-a-runner")


def test_a_run_that_takes_too_long_is_killed_with_its_children(root: MinimalRoot) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        root.run(["bash", "-c", "sleep 987654.5 & sleep 987654.5"], timeout=1)
    wait_until_gone("987654.5")


def test_orphans_are_buried(root: MinimalRoot) -> None:
    shell(root, "(sleep 0.2 & echo $! > /tmp/orphan) & wait")
    orphan = root.path("/tmp/orphan").read_text().strip()  # noqa: S108
    assert shell(root, f"sleep 0.6; test -e /proc/{orphan}").returncode == 1


def test_files_are_seen_from_both_sides(root: MinimalRoot) -> None:
    shell(root, "echo inside > /opt/a; ln -s a /opt/link")
    assert root.path("/opt/link").read_text() == "inside\n"
    root.path("/opt/b").write_text("outside\n")
    assert shell(root, "cat /opt/b").stdout == "outside\n"


def test_every_root_is_fresh(tmp_path: Path) -> None:
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        with open_minimal_root(folder) as root:
            assert shell(root, "test -e /opt/left-over").returncode == 1
            assert shell(root, "touch /opt/left-over").returncode == 0


def test_a_file_is_handed_in_read_only(root: MinimalRoot, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    root.copy_in(program, "/media/stick/program")
    assert shell(root, "/media/stick/program").stdout == "started\n"
    assert "Read-only file system" in shell(root, "echo >> /media/stick/program").stderr
    assert program.read_text().endswith("started\n")


def test_a_folder_is_handed_in_read_only(root: MinimalRoot, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").write_text("x")
    root.copy_in(tmp_path / "data", "/media/stick")
    assert shell(root, "cat /media/stick/x").stdout == "x"
    assert "Read-only file system" in shell(root, "touch /media/stick/y").stderr


def test_a_small_disk_gets_full(root: MinimalRoot) -> None:
    root.tmpfs("/mnt/small", 1 << 20)
    filled = shell(root, "head -c 2M /dev/zero > /mnt/small/file")
    assert "No space left" in filled.stderr
    assert root.path("/mnt/small/file").stat().st_size == 1 << 20


def test_a_read_only_folder_refuses_even_root(root: MinimalRoot) -> None:
    shell(root, "echo x > /opt/x")
    root.read_only("/opt")
    assert "Read-only file system" in shell(root, "echo y > /opt/x").stderr
    assert shell(root, "cat /opt/x; echo z > /srv/z").stdout == "x\n"


def leave_by(error: BaseException, folder: Path) -> None:
    with open_minimal_root(folder) as root:
        root.tmpfs("/mnt/small", 1 << 20)
        root.copy_in(REPOSITORY / "LICENSE", "/mnt/small/LICENSE")
        start_shell(root, "echo up; sleep 99; exit", "program-left-behind")
        assert running("program-left-behind")
        raise error


@pytest.mark.parametrize("error", [RuntimeError("failed"), KeyboardInterrupt()], ids=repr)
def test_nothing_is_left(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        leave_by(error, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not running("program-left-behind")
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
    assert (REPOSITORY / "LICENSE").read_text().startswith("MIT License")


def test_it_ends_with_its_maker(tmp_path: Path) -> None:
    require_root()
    maker = """
import sys, pathlib, tests.support.minimal_root as support
with support.open_minimal_root(pathlib.Path(sys.argv[1])) as root:
    root.start(["sleep", "987654.125"])
    print("up", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", maker, tmp_path],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.kill()
    wait_until_gone("987654.125")
    wait_until_gone(str(tmp_path / "root"))
