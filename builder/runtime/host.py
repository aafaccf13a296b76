"""The runtime from the Python that runs the builder, made relocatable.

CPython finds its standard library relative to its executable. On Linux, what ties an
installation to its place is the way to its shared libraries, and that they are the system's.
On Windows nothing does, if it was installed by the installer of python.org.
"""

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path, PurePath

from builder.errors import UnfitHostError
from builder.runtime.libraries import (
    bind_interpreter,
    bind_libraries,
    find_libraries,
    find_patchelf,
)
from builder.runtime.model import RuntimeTree
from builder.runtime.pruning import is_left_out
from builder.targets import TargetPlatform, host_target

# Extension modules that stay behind, since their libraries would have to come along.
_LEFT_OUT = (
    # Tcl/Tk and 16 libraries of X11 and fonts, 11 MB, older or newer than those of the target,
    # which the Qt of the same process uses. A window of this stack is made with PySide6.
    "_tkinter",
    # libreadline and libgdbm are under the GPL: whoever ships them owes their sources.
    "readline",
    "_gdbm",
    # NIS with eight libraries of Kerberos, and Berkeley DB: gone from CPython, or nearly.
    "nis",
    "_dbm",
    # Debian 12's libcrypt needs glibc 2.36, all else 2.35, which Ubuntu 22.04 has. Gone too.
    "_crypt",
)
# What is of no use without them.
_LEFT_OUT_WITH_THEM = frozenset({"tkinter", "turtle.py"})
_LIB = "lib"


def require_fit_host(python: str, target: TargetPlatform) -> None:
    """Check everything that can be checked before the work begins.

    Args:
        python: ``major.minor`` that the bundle needs.
        target: of the bundle.

    Raises:
        UnfitHostError: this Python cannot go along; says why and what else can be done.
    """
    other = "or build with --runtime standalone"
    if target is not host_target():
        raise UnfitHostError(
            f"This machine's Python cannot go along to {target.name}, which is another platform.",
            remedy=f"Build on such a machine, {other}.",
        )
    if _host_minor() != python:
        raise UnfitHostError(
            f"The bundle needs Python {python}, but the builder runs on {_host_minor()}.",
            remedy=f"Run the builder with Python {python}, {other}.",
        )
    if importlib.util.find_spec("venv") is None:
        raise UnfitHostError(
            f"This Python ({sys.executable}) has no venv module, which installing needs.",
            remedy=f"Install the package python3-venv (Debian, Ubuntu), {other}.",
        )
    if target.sys_platform == "win32":
        _require_complete_windows(other)
    else:
        find_patchelf()


def _require_complete_windows(other: str) -> None:
    """What the Microsoft Store, conda and the embeddable package install is not relocatable."""
    base = Path(sys.base_prefix)
    expected = ("python.exe", f"python{_host_minor().replace('.', '')}.dll", "Lib/os.py", "DLLs")
    missing = next((name for name in expected if not (base / name).exists()), None)
    if missing or (base / "conda-meta").exists():
        why = f"it has no {missing}" if missing else "it is conda's"
        raise UnfitHostError(
            f"The Python in {base} cannot go along: {why}.",
            remedy=f"Run the builder with a Python from the installer of python.org, {other}.",
        )


def take_host(folder: Path) -> RuntimeTree:
    """The interpreter that runs the builder, its library and what they are linked with.

    Args:
        folder: a new or empty one, for what must be copied to be changed.

    Raises:
        UnfitHostError: a shared library that it needs is missing.
        ProgramError: ldd or patchelf fails.
    """
    if sys.platform != "win32":
        return _copy_posix(folder)
    return RuntimeTree(
        # Packing leaves out what does not belong to it, so it need not be copied.
        folder=Path(sys.base_prefix),
        source="host",
        version=platform.python_version(),
        build=_build(),
        executable="python.exe",
    )


def _build() -> str:
    return f"{' '.join(platform.python_build())}, {platform.python_compiler()}"


def _copy_posix(folder: Path) -> RuntimeTree:
    version = f"python{_host_minor()}"
    executable = folder / "bin" / version
    stdlib = folder / sys.platlibdir / version
    extensions = stdlib / "lib-dynload"
    _copy_file(_base_executable(), executable)
    _copy_stdlib(stdlib)
    _copy_headers(folder / "include" / version)
    modules = sorted(extensions.glob("*.so"))
    originals = [Path(sysconfig.get_path("stdlib"), "lib-dynload", path.name) for path in modules]
    libraries = find_libraries([_base_executable(), *originals])
    copies = [_copy_file(path, folder / _LIB / name) for name, path in libraries.items()]
    libpython = f"lib{version}.so.1.0"
    bind_libraries(modules, os.path.relpath(folder / _LIB, extensions))
    bind_libraries([path for path in copies if path.name != libpython], ".")
    bind_interpreter(executable, libpython, f"../{_LIB}")
    if libpython in libraries:
        bind_interpreter(folder / _LIB / libpython, libpython, ".")
    return RuntimeTree(
        folder=folder,
        source="host",
        version=platform.python_version(),
        build=_build(),
        executable=f"bin/{version}",
    )


def _host_minor() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _base_executable() -> Path:
    """The interpreter itself, even when the builder runs in an environment made by it."""
    return Path("/proc/self/exe").resolve()


def _copy_stdlib(destination: Path) -> None:
    source = Path(sysconfig.get_path("stdlib"))

    def left_out(folder: str, names: list[str]) -> set[str]:
        below = PurePath(folder).relative_to(source.parent)
        return {name for name in names if is_left_out(below / name) or _stays_behind(name)}

    # Links are followed, and dangling ones dropped: Debian has some to /etc and /usr/share.
    shutil.copytree(source, destination, ignore=left_out, ignore_dangling_symlinks=True)


def _stays_behind(name: str) -> bool:
    is_extension = name.endswith(".so") and name.partition(".")[0] in _LEFT_OUT
    return is_extension or name in _LEFT_OUT_WITH_THEM


def _copy_headers(destination: Path) -> None:
    """``Python.h``, where it is: ``torch.compile`` builds small extensions on the target."""
    source = Path(sysconfig.get_path("include"))
    if not source.is_dir():
        return
    shutil.copytree(source, destination, ignore_dangling_symlinks=True)
    # Debian's pyconfig.h only includes the one of the architecture, from outside that folder.
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    configured = source.parent / multiarch / source.name / "pyconfig.h"
    if configured.is_file():
        shutil.copyfile(configured, destination / "pyconfig.h")


def _copy_file(source: Path, destination: Path) -> Path:
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, destination)
    destination.chmod(0o755)
    return destination
