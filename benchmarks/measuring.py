"""Runs one command and looks at it: time, and memory of all its processes.

Memory is the sum over all processes of their proportional set size: each page counts
once, however many processes share it, and nobody looks smaller for doing the work in
several of them. It is polled, so a peak of less than a tenth of a second may be missed.
"""

import os
import resource
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

import psutil

from benchmarks.model import Checks, Run
from benchmarks.phases import phases
from benchmarks.processes import family, is_check

_INTERVAL = 0.1
_CHUNK = 1 << 20
_LAST = 400


class CommandFailedError(Exception):
    """A measured command has failed; the message is the end of what it wrote."""


def measure(command: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str]) -> Run:
    """Run a command to its end.

    Args:
        command: program and arguments.
        cwd: where to run it.
        environment: all of its variables.

    Raises:
        CommandFailedError: it has failed.
    """
    # What others have written must not slow this one down.
    os.sync()
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), monotonic()
    with start(command, cwd=cwd, environment=environment) as process:
        watcher = _Watcher(process.pid)
        watcher.start()
        output = finish(process)
        seconds = monotonic() - started
        watcher.end()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(
        seconds=round(seconds, 3),
        user_seconds=round(after.ru_utime - before.ru_utime, 2),
        system_seconds=round(after.ru_stime - before.ru_stime, 2),
        memory=watcher.memory,
        phases=phases(output),
        checks=watcher.checks,
    )


def start(
    command: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[str]":
    """Start a command that reads nothing; what it writes is kept for :func:`finish`."""
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> str:
    """Wait for the end of a command and return its output.

    Raises:
        CommandFailedError: it has failed.
    """
    output, errors = process.communicate()
    if process.returncode != 0:
        told = (errors or output).strip()[-_LAST:]
        raise CommandFailedError(f"exit code {process.returncode}: {told}")
    return output


class _Watcher(threading.Thread):
    """Polls the processes of a command; the checks of an installation apart."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.memory = 0
        self._checks_memory = 0
        self._checks_seconds = dict[int, float]()
        self._root = root
        self._ended = threading.Event()

    @property
    def checks(self) -> Checks | None:
        if not self._checks_seconds:
            return None
        seconds = round(sum(self._checks_seconds.values()), 2)
        return Checks(cpu_seconds=seconds, memory=self._checks_memory)

    def run(self) -> None:
        while not self._ended.wait(_INTERVAL):
            self._look()

    def end(self) -> None:
        self._ended.set()
        self.join()

    def _look(self) -> None:
        own, checks = 0, 0
        for process in family(self._root):
            try:
                memory = process.memory_full_info().pss
                if is_check(process, self._checks_seconds):
                    times = process.cpu_times()
                    self._checks_seconds[process.pid] = times.user + times.system
                    checks += memory
                else:
                    own += memory
            except psutil.Error:
                # It has just ended.
                continue
        self.memory = max(self.memory, own)
        self._checks_memory = max(self._checks_memory, checks)


def first_output(command: Sequence[str | Path], environment: Mapping[str, str]) -> float:
    """Seconds until a command has written its first byte."""
    started = monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0, env=environment) as process:
        assert process.stdout is not None  # noqa: S101 (for the type checker: it is a pipe)
        process.stdout.read(1)
        return round(monotonic() - started, 3)


def warm(paths: Sequence[Path]) -> None:
    """Read files, and all files below folders, so that they are in memory."""
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else [path]:
            if file.is_file() and not file.is_symlink():
                with file.open("rb", buffering=0) as stream:
                    while stream.read(_CHUNK):
                        pass
