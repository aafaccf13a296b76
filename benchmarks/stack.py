"""Measures building, starting and installing on the real stack.

Needs GNU time (Debian package ``time``), and the network for wheels that are not in the
cache yet; root is not needed::

    python benchmarks/stack.py --cuda cu124 --runs 5 --cache DIR --work DIR --output figures.json
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import psutil

_INTERVAL = 0.05
_STARTS = 10
_TIME = "/usr/bin/time"
# GNU time's words, and what the figures are called here.
_TIME_FIGURES = {
    "User time (seconds)": "user_seconds",
    "System time (seconds)": "system_seconds",
    "Maximum resident set size (kbytes)": "largest_process_kib",
    "File system inputs": "blocks_read",
    "File system outputs": "blocks_written",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One measured command.

    Attributes:
        seconds: wall clock.
        peaks: role to the highest resident size of any process in that role, KiB.
        figures: of GNU time.
        phases: seconds by phase, where the command reports them.
    """

    what: str
    seconds: float
    peaks: dict[str, int]
    figures: dict[str, float]
    phases: dict[str, float] = field(default_factory=dict)


class _Watcher(threading.Thread):
    """Polls the peak resident size of a process and all its descendants, by role."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.peaks: dict[str, int] = {}
        self._root = root
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(_INTERVAL):
            try:
                family = psutil.Process(self._root).children(recursive=True)
            except psutil.NoSuchProcess:
                return
            for process in family:
                self._look_at(process)

    def end(self) -> None:
        self._ended.set()
        self.join()

    def _look_at(self, process: psutil.Process) -> None:
        try:
            role = _role(process.cmdline())
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        except (psutil.NoSuchProcess, OSError):
            return
        # A zombie has no memory any more, and so no such line.
        peak = next((line for line in status.splitlines() if line.startswith("VmHWM:")), None)
        if peak:
            self.peaks[role] = max(self.peaks.get(role, 0), int(peak.split()[1]))


def _role(arguments: list[str]) -> str:
    if any("/probes/" in argument for argument in arguments):
        return "probes"
    if arguments[1:3] == ["-m", "builder"]:
        return "builder"
    if any("PyInstaller" in argument for argument in arguments):
        return "freezing"
    if arguments and arguments[0].endswith(".run"):
        return "installer"
    return "others"


def measure(what: str, command: Sequence[str | Path]) -> Run:
    """Run a command under GNU time.

    Raises:
        subprocess.CalledProcessError: it failed; its errors were shown.
    """
    # What earlier runs wrote must not slow this one down.
    os.sync()
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as figures:
        started = monotonic()
        with subprocess.Popen(
            [_TIME, "--verbose", f"--output={figures.name}", *command],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            watcher = _Watcher(process.pid)
            watcher.start()
            output, _ = process.communicate()
            seconds = monotonic() - started
            watcher.end()
        if process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, list(command), output)
        return Run(
            what=what,
            seconds=round(seconds, 3),
            peaks=watcher.peaks,
            figures=_parse_time(figures.read()),
            phases=_phases(output),
        )


def _parse_time(text: str) -> dict[str, float]:
    rows = (line.strip().rpartition(": ") for line in text.splitlines())
    return {_TIME_FIGURES[name]: float(value) for name, _, value in rows if name in _TIME_FIGURES}


def _phases(output: str) -> dict[str, float]:
    last = output.splitlines()[-1:] or [""]
    if not last[0].startswith('{"event": "result"'):
        return {}
    phases: dict[str, float] = json.loads(last[0]).get("phases", {})
    return phases


def first_output(command: Sequence[str | Path]) -> float:
    """Seconds until a command has written its first byte."""
    started = monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None  # noqa: S101 (for the type checker: it is a pipe)
        process.stdout.read(1)
        return monotonic() - started


def _builds(cuda: str, cache: Path, dist: Path) -> list[Run]:
    command = [sys.executable, "-m", "builder", "--cuda", cuda]
    command += ["--cache", str(cache), "--output", str(dist), "--quiet"]
    # The first run is not counted: it may still have to download.
    measure("download", command)
    shutil.rmtree(cache / "stubs")
    return [
        measure("build, freezing", command),
        measure("build, stub cached", command),
    ]


def _start(installer: Path) -> Run:
    seconds = [first_output([installer, "--version"]) for _ in range(_STARTS)]
    return Run(
        what=f"installer to first output, median of {_STARTS}",
        seconds=round(statistics.median(seconds), 3),
        peaks={},
        figures={"slowest_seconds": round(max(seconds), 3)},
    )


def _installs(installer: Path, work: Path, runs: int) -> list[Run]:
    """Install and copy in turns, so that a noisy hour of the machine hits both."""
    measured = []
    target, copy = work / "target", work / "copy"
    command = [str(installer), "--target", str(target), "--silent", "--allow-no-gpu", "--json"]
    for _ in range(runs):
        install = measure("install", command)
        checks = install.phases["verify"]
        measured += [
            install,
            replace(install, what="install, less its checks", seconds=install.seconds - checks),
        ]
        # To be copied it has just been written and is in memory, which favours cp.
        measured.append(measure("cp -r of the result", ["cp", "-r", target, copy]))
        shutil.rmtree(target)
        shutil.rmtree(copy)
    return measured


def describe_machine(work: Path) -> dict[str, object]:
    """What the figures depend on."""
    cpu = next(
        (
            line.partition(": ")[2]
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    mounts = [p for p in psutil.disk_partitions(all=True) if work.is_relative_to(p.mountpoint)]
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "kernel": platform.release(),
        "file_system": max(mounts, key=lambda p: len(p.mountpoint)).fstype if mounts else "unknown",
        "python": platform.python_version(),
    }


def markdown(machine: dict[str, object], runs: Sequence[Run]) -> str:
    """A table with a row for each thing that was measured."""
    about = ", ".join(f"{name} {value}" for name, value in machine.items())
    lines = [
        about,
        "",
        "| what | runs | median s | fastest s | slowest s | peak memory, MiB | longest phases, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for what in dict.fromkeys(run.what for run in runs):
        same = [run for run in runs if run.what == what]
        seconds = [run.seconds for run in same]
        lines.append(
            f"| {what} | {len(same)} | {statistics.median(seconds):.1f} | {min(seconds):.1f} "
            f"| {max(seconds):.1f} | {_peaks(same)} | {_longest(same)} |"
        )
    return "\n".join(lines)


def _peaks(runs: Sequence[Run]) -> str:
    roles = sorted({role for run in runs for role in run.peaks})
    return ", ".join(
        f"{role} {max(run.peaks.get(role, 0) for run in runs) / 1024:.0f}" for role in roles
    )


def _longest(runs: Sequence[Run]) -> str:
    phases = sorted({phase for run in runs for phase in run.phases})
    medians = {p: statistics.median(run.phases.get(p, 0.0) for run in runs) for p in phases}
    longest = sorted(medians, key=lambda phase: -medians[phase])[:3]
    return ", ".join(f"{phase} {medians[phase]:.1f}" for phase in longest)


def main() -> int:
    """Measure everything, print the table, write the JSON file."""
    parser = argparse.ArgumentParser(description="Measures LLMSetup on the real stack.")
    parser.add_argument("--cuda", metavar="V", default="cu124", help="variant (default: cu124)")
    parser.add_argument("--runs", metavar="N", type=int, default=3, help="installs (default: 3)")
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, required=True, help="the builder's; its stubs go"
    )
    parser.add_argument(
        "--work", metavar="DIR", type=Path, required=True, help="a new folder on the disk to test"
    )
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="JSON")
    options = parser.parse_args()
    work: Path = options.work.absolute()
    work.mkdir(parents=True)
    try:
        runs = _builds(options.cuda, options.cache, work / "dist")
        (installer,) = (work / "dist").glob("*.run")
        runs += [_start(installer), *_installs(installer, work, options.runs)]
        machine = describe_machine(work)
    finally:
        shutil.rmtree(work)
    figures = {"machine": machine, "runs": [asdict(run) for run in runs]}
    options.output.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(markdown(machine, runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
