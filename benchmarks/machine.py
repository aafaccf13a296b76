"""What the figures were measured on."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.model import Machine

ROOT = Path(__file__).parents[1]
_VERSION = re.compile(r"\d+(?:\.\d+)+")


def describe_machine(work: Path, tools: Mapping[str, Sequence[str]], path: str) -> Machine:
    """Describe this machine.

    Args:
        work: a folder on the disk that is measured.
        tools: program to the command that tells its version.
        path: the ``PATH`` that they are found by.
    """
    return Machine(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        cpu=cpu_model(Path("/proc/cpuinfo").read_text(encoding="utf-8")) or platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory=psutil.virtual_memory().total,
        kernel=platform.release(),
        file_system=_file_system(work),
        load=round(os.getloadavg()[0], 2),
        revision=_told(["git", "describe", "--always", "--dirty"], path).strip(),
        tools={
            "python": platform.python_version(),
            **{name: find_version(_told(command, path)) for name, command in tools.items()},
        },
    )


def cpu_model(cpuinfo: str) -> str | None:
    """The processor's name as in ``/proc/cpuinfo``."""
    match = re.search(r"^model name\s*: (.*)$", cpuinfo, flags=re.MULTILINE)
    return match[1] if match else None


def find_version(text: str) -> str:
    """The first version in what a program tells of itself."""
    match = _VERSION.search(text)
    return match[0] if match else "unknown"


def _told(command: Sequence[str], path: str) -> str:
    program = shutil.which(command[0], path=path)
    if program is None:
        return ""
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout


def _file_system(folder: Path) -> str:
    mounts = [p for p in psutil.disk_partitions(all=True) if folder.is_relative_to(p.mountpoint)]
    return max(mounts, key=lambda p: len(p.mountpoint)).fstype if mounts else "unknown"
