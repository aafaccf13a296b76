"""Runs the builder as a release engineer does, and reads what both programs print."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_TIMEOUT = 1200


def run_builder(*arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """``python -m builder …`` in the repository, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "builder", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=_TIMEOUT,
    )


def run_in(arguments: list[str | Path], **environment: str) -> "subprocess.CompletedProcess[str]":
    """Some program, with these variables and no others, to its end."""
    return subprocess.run(
        arguments, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=60
    )


def events(output: str) -> list[dict[str, Any]]:
    """The objects that a program with ``--json`` has printed, one per line."""
    return [json.loads(line) for line in output.splitlines()]


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file, link and folder below ``folder`` with what it holds; {} if it is not there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
