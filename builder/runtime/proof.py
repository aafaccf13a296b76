"""Proves a packed runtime by running it from a place that it has never seen."""

import json
import tempfile
from pathlib import Path

import msgspec

from builder.errors import UnfitHostError
from builder.processes import NotExecutableError, ProgramError, run_program
from builder.runtime.archive import unpack
from builder.runtime.libraries import belongs_to_glibc

# What installing and the checks cannot do without.
_MODULES = ("ssl", "sqlite3", "lzma", "bz2", "ctypes", "zlib", "hashlib", "venv")

# Runs inside the runtime. Every extension is imported, so that each library that any of them
# needs is mapped; /proc/self/maps then says from where.
_CODE = """
import importlib, json, pathlib, sys, sysconfig, warnings
warnings.simplefilter("ignore")
extensions = pathlib.Path(sysconfig.get_path("stdlib"), "lib-dynload").glob("*.so")
names = sys.argv[1:] + sorted(path.name.partition(".")[0] for path in extensions)
failed = {}
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
maps = open("/proc/self/maps", encoding="utf-8", errors="surrogateescape")
mapped = {line.split(maxsplit=5)[5].rstrip("\\n") for line in maps if "/" in line}
print(json.dumps({
    "version": sys.version.split()[0],
    "failed": failed,
    "libraries": sorted(path for path in mapped if ".so" in pathlib.PurePath(path).name),
    "search": [path for path in sys.path if pathlib.Path(path).exists()],
}))
"""


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    failed: dict[str, str]
    libraries: tuple[str, ...]
    search: tuple[str, ...]


def prove_runtime(archive: Path, executable: str, work: Path) -> str:
    """Unpack the archive into a folder with a space and an accent, and run it there.

    Args:
        archive: as :func:`~builder.runtime.archive.pack` wrote it; for this very platform.
        executable: the interpreter's path inside.
        work: an existing folder for the trial; left as it was.

    Returns:
        The full Python version that it says it has.

    Raises:
        UnfitHostError: it does not start, cannot import a module, or takes a library or a
            module from outside its own folder; names it.
    """
    with tempfile.TemporaryDirectory(prefix="prové it ", dir=work) as folder:
        root = Path(folder).resolve()
        unpack(archive, root)
        answer = _run(root / executable)
        for name, why in answer.failed.items():
            raise _unfit(f"it cannot import {name} ({why})")
        for path in map(Path, answer.libraries):
            if not path.is_relative_to(root) and not belongs_to_glibc(path.name):
                raise _unfit(f"it loads {path}, which does not go along")
        for path in map(Path, answer.search):
            if not path.is_relative_to(root):
                raise _unfit(f"it looks for modules in {path}, which does not go along")
    return answer.version


def _run(python: Path) -> _Answer:
    try:
        printed = run_program([str(python), "-I", "-B", "-c", _CODE, *_MODULES], environment={})
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
