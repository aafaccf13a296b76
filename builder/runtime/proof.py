"""Proves a packed runtime by running it from a place that it has never seen."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import msgspec

from builder.errors import UnfitHostError
from builder.launching import Launcher
from builder.processes import NotExecutableError, ProgramError
from builder.runtime.archive import unpack
from builder.runtime.libraries import belongs_to_glibc
from builder.targets import TargetPlatform

# Nothing of the builder's own; Windows starts no program without the first two.
_BARE = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "HOME") if name in os.environ}
# What installing and the checks cannot do without.
_MODULES = ("ssl", "sqlite3", "lzma", "bz2", "ctypes", "zlib", "hashlib", "venv")

_NOT_WINDOWS = ("vcruntime", "msvcp")
_TRIAL = Path(__file__).with_name("trial.py")


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    failed: dict[str, str]
    libraries: tuple[str, ...]
    system: str
    search: tuple[str, ...]


def prove_runtime(
    archive: Path, executable: str, work: Path, target: TargetPlatform, launcher: Launcher
) -> str:
    """Unpack the archive into a folder with a space and an accent, and run it there.

    Args:
        archive: as :func:`~builder.runtime.archive.pack` wrote it.
        executable: the interpreter's path inside.
        target: the platform that it is for.
        launcher: starts programs of that platform here.
        work: an existing folder for the trial; left as it was.

    Returns:
        The full Python version that it says it has.

    Raises:
        UnfitHostError: it does not start, cannot import a module, or takes a library or a
            module from outside its own folder; names it.
    """
    with tempfile.TemporaryDirectory(prefix="prové it ", dir=work) as folder:
        root = Path(folder).resolve()
        unpack(archive, root, target.name)
        answer = _run(root / executable, launcher)
        for fault in _faults(answer, launcher.path(root), target):
            raise _unfit(fault)
    return answer.version


def _faults(answer: _Answer, root: str, target: TargetPlatform) -> Iterator[str]:
    for name, why in answer.failed.items():
        yield f"it cannot import {name} ({why})"
    windows = target.sys_platform == "win32"
    flavour = PureWindowsPath if windows else PurePosixPath
    for library in map(flavour, answer.libraries):
        systems = _is_windows(library, answer.system) if windows else _is_glibc(library)
        if not library.is_relative_to(root) and not systems:
            yield f"it loads {library}, which does not go along"
    for folder in map(flavour, answer.search):
        if not folder.is_relative_to(root):
            yield f"it looks for modules in {folder}, which does not go along"


def _is_windows(library: PurePath, folder: str) -> bool:
    # The Visual C++ runtime is there only if some program has brought it.
    return library.is_relative_to(folder) and not library.name.lower().startswith(_NOT_WINDOWS)


def _is_glibc(library: PurePath) -> bool:
    return belongs_to_glibc(library.name)


def _run(python: Path, launcher: Launcher) -> _Answer:
    arguments = ("-I", "-B", launcher.path(_TRIAL), *_MODULES)
    try:
        printed = launcher.run(python, *arguments, environment=_BARE)
    except NotExecutableError:
        # Not the runtime's fault but that of the place where it is tried.
        raise
    except ProgramError as error:
        last = error.output.splitlines()[-1:] or [error.message]
        raise _unfit(f"it does not start ({last[0]})") from error
    return msgspec.convert(json.loads(printed), _Answer)


def _unfit(because: str) -> UnfitHostError:
    return UnfitHostError(
        f"The Python that was to go along does not work elsewhere: {because}.",
        remedy="Repair or reinstall this Python, build with another one, or build with the other "
        "--runtime (standalone or host).",
    )
