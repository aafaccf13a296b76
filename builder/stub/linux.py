"""Freezing on Linux: the untouched bootloader and the PKG, one behind the other.

PyInstaller itself hides the PKG in an ELF section, behind which section headers follow. Here
the PKG ends the file instead, so that the payload fits between the two.
"""

import shutil
import sys
from pathlib import Path

from builder.errors import UnfitHostError
from builder.processes import run_program

OPTIONS = ("--strip",)
# In a process of its own, since asking PyInstaller imports all that it analyses with.
_FIND_LIBPYTHON = """
from PyInstaller.depend.bindepend import get_python_library_path
from PyInstaller.exceptions import PythonLibraryNotFoundError
try:
    print(get_python_library_path())
except PythonLibraryNotFoundError:
    print("missing")
"""


def require_tools(other: str) -> None:
    """Check that what PyInstaller needs is there; takes half a second.

    Args:
        other: what else can be done, for the remedy.

    Raises:
        UnfitHostError: names what is missing and the package that brings it.
    """
    for program in ("objdump", "objcopy", "strip"):
        if not shutil.which(program):
            raise UnfitHostError(
                f"{program} is missing, which PyInstaller needs.",
                remedy=f"Install the package binutils, {other}.",
            )
    if run_program([sys.executable, "-c", _FIND_LIBPYTHON]).strip() == "missing":
        library = f"libpython{sys.version_info.major}.{sys.version_info.minor}"
        raise UnfitHostError(
            f"The shared library of this Python ({sys.executable}) is missing, which a frozen "
            "program needs.",
            remedy=f"Install the package {library} (Debian, Ubuntu), run the builder with a Python "
            f"that was configured with --enable-shared, {other}.",
        )


def assemble(folder: Path, name: str) -> bytes:
    """The stub from what PyInstaller has left in its work folder."""
    pkg = folder / "build" / name / f"{name}.pkg"
    return bootloader().read_bytes() + pkg.read_bytes()


def bootloader() -> Path:
    """PyInstaller's own, for a console."""
    # Costs every command a quarter of a second when it is imported at the top.
    import PyInstaller  # noqa: PLC0415

    return Path(PyInstaller.PACKAGEPATH, "bootloader", PyInstaller.PLATFORM, "run")
