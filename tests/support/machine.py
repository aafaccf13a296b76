"""The small bundle on a stick in a minimal root, and what is done with it there."""

import subprocess
from typing import Any

from tests.support.commands import events, fingerprint
from tests.support.minimal_root import MinimalRoot

# A place with a space and an accent, as people have them.
TARGET = "/opt/my modèls"
STICK = "/media/stick/SmallStack-cpu.run"
TIMEOUT = 300


def run(
    root: MinimalRoot, *arguments: str, program: str = STICK, **environment: str
) -> "subprocess.CompletedProcess[str]":
    basic = {"PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    return root.run([program, *arguments], environment=basic | environment, timeout=TIMEOUT)


def install(root: MinimalRoot, *more: str, **environment: str) -> list[dict[str, Any]]:
    done = run(root, "--target", TARGET, "--json", *more, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return events(done.stdout)


def python(root: MinimalRoot, code: str, **environment: str) -> str:
    done = root.run(
        [f"{TARGET}/.venv/bin/python", "-c", code],
        environment={"PATH": "/usr/bin:/bin", **environment},
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def refused(root: MinimalRoot, code: int, *told: str, target: str = TARGET) -> None:
    """Install, and expect this exit code, these words, and an untouched target."""
    folder = root.path(target)
    before = fingerprint(folder)
    done = run(root, "--target", target, "--silent")
    assert done.returncode == code, done.stderr
    for text in told:
        assert text in done.stderr
    assert "→" in done.stderr
    assert "Traceback" not in done.stderr
    assert fingerprint(folder) == before
