"""Two versions of the small stack in one minimal root, and what is done with them there."""

import json
import os
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.support.machine import STICK, TARGET, TIMEOUT, run
from tests.support.minimal_root import MinimalRoot

NEWER = "/media/stick/newer.run"
DISK = "/mnt/disk"
ON_DISK = f"{DISK}/llm"
DISK_SIZE = 1 << 30
SNAPSHOTS = "/opt/snapshots"
# What is asked is asked on a terminal.
TERMINALS = """
mkdir /dev/pts
mount -t devpts -o newinstance,ptmxmode=666 devpts /dev/pts
ln -s pts/ptmx /dev/ptmx
"""
CLICK = "import importlib.metadata as m; print(m.version('click'))"


def take(root: MinimalRoot, target: str, name: str) -> None:
    """Keep a copy of a target, for :func:`put`."""
    root.run(["cp", "-a", target, f"{SNAPSHOTS}/{name}"], timeout=TIMEOUT, check=True)


def put(root: MinimalRoot, name: str, target: str) -> MinimalRoot:
    """The target as it was taken; nothing else beside it."""
    restore = f"rm -rf {shlex.quote(target)} {DISK}/*; cp -a {SNAPSHOTS}/{name} "
    root.run(["sh", "-c", restore + shlex.quote(target)], timeout=TIMEOUT, check=True)
    return root


def did(
    root: MinimalRoot, code: int, *arguments: str, program: str = STICK
) -> "subprocess.CompletedProcess[str]":
    """Run it, on the usual target unless another is given, and expect this exit code."""
    target = () if "--target" in arguments else ("--target", TARGET)
    done = run(root, *target, *arguments, program=program)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def state(root: MinimalRoot, target: str = TARGET) -> dict[str, Any]:
    """What is live, kept, and so on; absent is what is not."""
    written = json.loads(root.path(f"{target}/install.json").read_text())["state"]
    return {
        name: value["bundle_id"] if isinstance(value, dict) else value
        for name, value in written.items()
        if value
    }


def generations(root: MinimalRoot, target: str = TARGET) -> list[str]:
    return sorted(path.name for path in root.path(f"{target}/generations").iterdir())


def loaders(root: MinimalRoot, generation: str) -> Path:
    (path,) = root.path(f"{TARGET}/generations/{generation}").glob(
        "venv/lib/*/site-packages/jinja2/loaders.py"
    )
    return path


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


def start(root: MinimalRoot, phase: str, *arguments: str) -> "subprocess.Popen[str]":
    """The newer installer, in this phase."""
    runner = root.start([NEWER, "--json", *arguments])
    assert runner.stdout is not None
    for line in runner.stdout:
        if json.loads(line).get("phase") == phase:
            return runner
    raise AssertionError(f"it has ended before {phase}")


def inodes(root: MinimalRoot, generation: str) -> set[int]:
    paths = root.path(f"{TARGET}/generations/{generation}").rglob("*")
    return {path.lstat().st_ino for path in paths}


def freeze(runner: "subprocess.Popen[str]") -> list[psutil.Process]:
    """Stop what the runner has started, where it is."""
    family = psutil.Process(runner.pid).children(recursive=True)
    for process in family:
        process.suspend()
    return family


def kill(runner: "subprocess.Popen[str]", family: list[psutil.Process]) -> None:
    for process in family:
        process.kill()
    # It stops itself together with what it has started.
    runner.send_signal(signal.SIGCONT)
    runner.communicate(timeout=60)


def leave_free(root: MinimalRoot, size: int) -> None:
    """Fill the disk but for so many bytes."""
    facts = os.statvfs(root.path(DISK))
    with root.path(f"{DISK}/filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, facts.f_bavail * facts.f_frsize - size)


def fill(root: MinimalRoot) -> None:
    """Till nothing fits any more, whoever else writes meanwhile."""
    with root.path(f"{DISK}/filler").open("ab", buffering=0) as file:
        for size in (1 << 20, 4096):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))


def add(root: MinimalRoot, generation: str) -> list[str]:
    """A file of the user's, and a package that no pip has installed."""
    (site,) = root.path(f"{TARGET}/generations/{generation}").glob("venv/lib/*/site-packages")
    (site / "mine").mkdir()
    (site / "mine" / "__init__.py").write_text("x = 42\n")
    (site / "mine-1.0.dist-info").mkdir()
    (site / "mine-1.0.dist-info" / "METADATA").write_text("Name: mine\nVersion: 1.0\n")
    (site.parents[2] / "notes.txt").write_text("years of work")
    inside = str(site.relative_to(root.path(f"{TARGET}/generations/{generation}")))
    return [
        f"{inside}/mine-1.0.dist-info/METADATA",
        f"{inside}/mine/__init__.py",
        "venv/notes.txt",
    ]


def rescued(root: MinimalRoot, generation: str) -> list[str]:
    folder = root.path(f"{TARGET}/user-files/{generation}")
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
