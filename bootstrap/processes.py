"""The one place of the installer that runs programs: Pythons of ours, and one that deletes us.

The environment that the user's shell hands over is hostile until proven otherwise: it may
point Python at other packages, the loader at other libraries, and everything at a proxy.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from bootstrap.errors import InstallError
from bootstrap.interrupts import HEARING_SECONDS, held

if sys.platform == "win32":
    import ctypes

    import win32api
    import win32job

    _CREATION_FLAGS = subprocess.CREATE_NO_WINDOW
    # Ten minutes at most: whoever started a program may take his time to let go of it. Where
    # there is no such command to wait with, trying often has to do. What stands between
    # exclamation marks is filled in last, so nothing in a path is taken for one of the commands.
    _DELETE_LATER = (
        '(for /l %i in (1,1,600) do @if exist "!LLMSETUP_FILE!" '
        'timeout /t 1 /nobreak && del /f /q "!LLMSETUP_FILE!") & '
        '(for /l %i in (1,1,20000) do @if exist "!LLMSETUP_FILE!" del /f /q "!LLMSETUP_FILE!") & '
        'rmdir "!LLMSETUP_FOLDER!"'
    )
else:
    import signal

    _CREATION_FLAGS = 0

# Known and harmless; whatever else is set (PYTHON*, PIP_*, UV_*, LD_*, *_proxy, CONDA_*,
# QT_*, CUDA_*, the frozen stub's _PYI_*) stays out without having to be known.
_KEPT = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ"),
        # Windows: sockets, random numbers and drivers fail without the system's own.
        *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP"),
        *("USERPROFILE", "USERNAME", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES"),
        *("NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE", "PROCESSOR_IDENTIFIER"),
    }
)
_OURS = MappingProxyType({"HF_HUB_OFFLINE": "1"})
_NOTHING: Mapping[str, str] = MappingProxyType({})
_KEPT_OUTPUT = 64 * 1024
# For the pipes to run dry after all that could write to them was killed.
_DRAIN_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a program ended.

    Attributes:
        returncode: its exit status; on POSIX ``-N`` when signal N ended it.
        stdout: the last 64 KiB, UTF-8, with marks where it was not.
        stderr: likewise.
        timed_out: it was killed since its time was up.
    """

    returncode: int
    stdout: str
    stderr: str
    timed_out: bool


def clean_environment(
    additions: Mapping[str, str] = _NOTHING, *, outer: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment of our programs: what is known to be harmless, and what we add.

    Args:
        additions: what the caller adds; wins over all else.
        outer: what to take the harmless ones from; this process's environment when None.
    """
    source = os.environ if outer is None else outer
    kept = {
        name: value
        for name, value in source.items()
        if name.upper() in _KEPT or name.startswith("LC_")
    }
    return {**kept, **_OURS, **additions}


# Options of Python that say where what it compiles is left: nowhere, or beside the modules.
NO_BYTECODE = ("-B",)
BYTECODE_BESIDE = ()


def bytecode_in(folder: Path) -> tuple[str, ...]:
    """The same for a folder of its own, for later runs that import the same modules."""
    return ("-X", f"pycache_prefix={folder}")


def run_python(
    python: Path,
    arguments: list[str],
    *,
    timeout: float,
    environment: Mapping[str, str] = _NOTHING,
    bytecode: Sequence[str] = NO_BYTECODE,
) -> Completed:
    """Run ``python -I arguments`` in a clean environment and wait for its end.

    Nothing that it started outlives it, whether it ends by itself, by its time or by an
    exception here, ``KeyboardInterrupt`` included. Standard input is empty.

    Args:
        python: the interpreter.
        arguments: a script or ``-m module`` or ``-c code``, and what it gets.
        timeout: seconds.
        environment: what is set besides :func:`clean_environment`.
        bytecode: one of :data:`NO_BYTECODE`, :data:`BYTECODE_BESIDE`, :func:`bytecode_in`.

    Raises:
        InstallError: the interpreter cannot be started.
    """
    command = [str(python), "-I", *bytecode, *arguments]
    with ExitStack() as started:
        # Interrupted between, nobody would know what was started.
        with held():
            process = _start(command, clean_environment(environment))
            started.callback(process.wait)
            started.callback(_Family(process).end)
        tails = _Tail(process.stdout), _Tail(process.stderr)
        timed_out = not _ended(process, timeout)
    stdout, stderr = (tail.text() for tail in tails)
    return Completed(
        returncode=process.returncode, stdout=stdout, stderr=stderr, timed_out=timed_out
    )


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        with _system_libraries():
            return subprocess.Popen(
                command,
                bufsize=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=sys.platform != "win32",
                creationflags=_CREATION_FLAGS,
            )
    except OSError as error:
        raise InstallError(
            f"{command[0]} cannot be started: {error.strerror or error}.",
            remedy="Check that programs may be run from that folder (noexec, antivirus, policies).",
        ) from error


def _ended(process: subprocess.Popen[bytes], timeout: float) -> bool:
    end = time.monotonic() + timeout
    while process.poll() is None:
        left = end - time.monotonic()
        if left <= 0:
            return False
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(left, HEARING_SECONDS))
    return True


class _Tail:
    """Reads a stream to its end in a thread, so that no pipe fills up; keeps the last bytes."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while chunk := stream.read(_KEPT_OUTPUT):
                self._kept += chunk
                del self._kept[:-_KEPT_OUTPUT]

    def text(self) -> str:
        # A daemon that has left the family may hold the pipe open for ever.
        self._thread.join(_DRAIN_SECONDS)
        return bytes(self._kept).decode("utf-8", errors="replace").replace("\r\n", "\n")


if sys.platform == "win32":

    @contextmanager
    def _system_libraries() -> Iterator[None]:
        """Without the frozen stub's own folder, which children would inherit for their DLLs."""
        folder = getattr(sys, "_MEIPASS", None)
        if folder is None:
            yield
            return
        ctypes.windll.kernel32.SetDllDirectoryW(None)
        try:
            yield
        finally:
            ctypes.windll.kernel32.SetDllDirectoryW(folder)

    def delete_later(path: Path, *, empty_folder: Path) -> None:
        """Delete a program as soon as it has ended, and then a folder, if that is empty.

        Raises:
            OSError: the system's command interpreter cannot be started.
        """
        system = Path(win32api.GetSystemDirectory())
        names = {"LLMSETUP_FILE": str(path), "LLMSETUP_FOLDER": str(empty_folder)}
        with _system_libraries():
            subprocess.Popen(
                f'"{system / "cmd.exe"}" /d /v:on /s /c "{_DELETE_LATER}"',
                cwd=system,
                env=clean_environment(names),
                creationflags=_CREATION_FLAGS,
            )

    class _Family:
        """A process and its descendants in a job object, which also dies with us."""

        def __init__(self, process: subprocess.Popen[bytes]) -> None:
            self._process = process
            # Its stubs know nothing of what the first one returns and the others take.
            job: Any = win32job.CreateJobObject(None, "")  # type: ignore[func-returns-value]
            kind = win32job.JobObjectExtendedLimitInformation
            limits = win32job.QueryInformationJobObject(job, kind)
            limits["BasicLimitInformation"]["LimitFlags"] = (
                win32job.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
            )
            win32job.SetInformationJobObject(job, kind, limits)
            handle = int(process._handle)  # type: ignore[attr-defined]  # noqa: SLF001
            # Refused where it has ended already.
            with suppress(win32job.error):
                win32job.AssignProcessToJobObject(job, handle)
            self._job = job

        def end(self) -> None:
            """Kill whatever of it still runs."""
            self._process.kill()
            self._job.Close()

else:

    @contextmanager
    def _system_libraries() -> Iterator[None]:
        """Nothing to do: the loader's paths are variables, which are not handed on."""
        yield

    class _Family:
        """A process and its descendants: one session, so one process group."""

        def __init__(self, process: subprocess.Popen[bytes]) -> None:
            self._group = process.pid

        def end(self) -> None:
            """Kill whatever of it still runs."""
            try:
                os.killpg(self._group, signal.SIGKILL)
            except ProcessLookupError:
                # All of it has ended.
                return
