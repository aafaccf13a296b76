"""Runs the probes under the installed Python and turns their answers into results."""

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from bootstrap.bundle.model import Check, Index
from bootstrap.errors import InstallError
from bootstrap.longpaths import plain
from bootstrap.processes import (
    BYTECODE_BESIDE,
    NO_BYTECODE,
    Completed,
    bytecode_in,
    run_python,
)
from bootstrap.storage import allocate

Status = Literal["passed", "failed", "skipped"]

# What messages of CUDA and torch mean to somebody who does not read them every day.
_MEANINGS = (
    ("Torch not compiled with CUDA enabled", "a CPU build of torch is installed"),
    ("Found no NVIDIA driver", "the driver or its library is absent"),
    ("driver on your system is too old", "the driver is older than this CUDA needs"),
    ("no kernel image is available", "torch has no code for this GPU"),
    ("WinError 1114", "an older msvcp140.dll is in the way, or Qt was loaded before torch"),
    ("Error 802", "the machine's fabric manager does not run"),
    ("Error 803", "the driver's library and its kernel module are of different versions"),
)
# Several times what the largest stack needs.
_ROOM_FOR_BYTECODE = 512 << 20
# Windows reports a crash by an NTSTATUS such as 0xC0000005, known by its hexadecimal form.
_NTSTATUS_ERROR = 0xC0000000


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one check came to.

    Attributes:
        id: of the check, as the index has it.
        detail: what was proved, or why not.
        seconds: it took, 0 when it was skipped without a run.
        facts: what the probe found out, such as versions.
        needs_gpu: as the index has it.
        output: what it wrote to standard error, where it failed; for the log.
    """

    id: str
    status: Status
    detail: str
    seconds: float
    facts: dict[str, str]
    needs_gpu: bool
    output: str


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The last line that a probe prints."""

    status: Status
    detail: str
    facts: dict[str, str] = {}


def default_probes_folder() -> Path:
    """The probes beside this module; also in the frozen program, which carries them as data."""
    return Path(__file__).parent / "probes"


def run_checks(
    index: Index,
    python: Path,
    probes: Path,
    scratch: Path,
    *,
    gpu_usable: bool,
    keep_bytecode: bool,
    listener: Callable[[CheckResult], None],
) -> tuple[CheckResult, ...]:
    """Run all checks of the index, one after another: each may need gigabytes of memory.

    Args:
        index: of the bundle that was installed.
        python: the installed interpreter, the environment's own.
        probes: folder of the probe scripts.
        scratch: an existing folder for what the probes write; bytecode may be left in it.
        gpu_usable: otherwise checks that need a GPU are skipped.
        keep_bytecode: leave it beside the modules, if there is room enough.
        listener: hears each result when it is there.
    """
    results = []
    for check in index.checks:
        if check.needs_gpu and not gpu_usable:
            result = _result(check, "skipped", "needs a GPU, and none here can be used")
        else:
            bytecode = _bytecode(scratch, keep=keep_bytecode)
            result = _run(check, index, python, probes, scratch, bytecode)
        listener(result)
        results.append(result)
    return tuple(results)


def _run(
    check: Check,
    index: Index,
    python: Path,
    probes: Path,
    scratch: Path,
    bytecode: Sequence[str],
) -> CheckResult:
    script = str(probes / f"{check.probe}.py")
    begun = time.monotonic()
    # Antivirus may hold a file for a moment; what stays is the scratch folder's owner's to clear.
    with tempfile.TemporaryDirectory(dir=scratch, ignore_cleanup_errors=True) as home:
        try:
            completed = run_python(
                python,
                [script, *expand(check.arguments, index)],
                timeout=check.timeout,
                # What torch and others cache must not stay behind in the user's folders.
                bytecode=bytecode,
                environment=dict.fromkeys(("HF_HOME", "TMPDIR", "TEMP", "TMP"), plain(home)),
            )
        except InstallError as error:
            return _result(check, "failed", error.message)
    result = replace(judge(check, completed), seconds=time.monotonic() - begun)
    return replace(result, output=completed.stderr) if result.status == "failed" else result


def _bytecode(scratch: Path, *, keep: bool) -> Sequence[str]:
    """Where probes share it: compiling torch and transformers takes longer than most probes."""
    if not has_room_for_bytecode(scratch):
        return NO_BYTECODE
    return BYTECODE_BESIDE if keep else bytecode_in(scratch / "bytecode")


def has_room_for_bytecode(folder: Path) -> bool:
    """Whether the disk, and the user's share of it, hold all bytecode that there could be.

    Where it is full, Python leaves bytecode cut off in its middle, without an error, and
    whoever imports it next fails.

    Args:
        folder: one on the disk that may be written.
    """
    try:
        if shutil.disk_usage(folder).free < _ROOM_FOR_BYTECODE:
            return False
        with tempfile.TemporaryFile(dir=folder) as file:
            # Of quotas the free space tells nothing.
            allocate(file.fileno(), _ROOM_FOR_BYTECODE)
    except OSError:
        return False
    return True


def expand(arguments: Iterable[str], index: Index) -> list[str]:
    """Fill in ``{cuda}`` (``12.4`` or ``none``) and ``{architectures}`` (one argument each)."""
    expanded: list[str] = []
    for argument in arguments:
        if argument == "{architectures}":
            expanded += index.cuda.architectures if index.cuda else ()
        else:
            expanded.append(
                argument.replace("{cuda}", index.cuda.version if index.cuda else "none")
            )
    return expanded


def judge(check: Check, completed: Completed) -> CheckResult:
    """What the end of a probe says; its duration is not known here."""
    if completed.timed_out:
        return _result(check, "failed", f"did not finish within {check.timeout} s")
    answer = _answer(completed.stdout)
    if answer is None or completed.returncode != 0:
        but = f"after the answer {answer.status!r}" if answer else "without an answer"
        ending = _ending(completed.returncode)
        return _result(check, "failed", f"{ending} {but}: {_last_line(completed.stderr)}")
    return replace(_result(check, answer.status, _explained(answer.detail)), facts=answer.facts)


def _result(check: Check, status: Status, detail: str) -> CheckResult:
    return CheckResult(
        id=check.id,
        status=status,
        detail=detail,
        seconds=0.0,
        facts={},
        needs_gpu=check.needs_gpu,
        output="",
    )


def _answer(stdout: str) -> _Answer | None:
    try:
        return msgspec.json.decode(_last_line(stdout), type=_Answer)
    except msgspec.DecodeError:
        return None


def _ending(returncode: int) -> str:
    if returncode < 0:
        try:
            return f"ended by {signal.Signals(-returncode).name}"
        except ValueError:
            return f"ended by signal {-returncode}"
    if returncode >= _NTSTATUS_ERROR:
        return f"ended with 0x{returncode:08X}"
    return f"ended with exit code {returncode}"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _explained(detail: str) -> str:
    meaning = next((meaning for part, meaning in _MEANINGS if part in detail), None)
    return f"{detail} ({meaning})" if meaning else detail
