"""The stub: the package ``bootstrap`` frozen by PyInstaller, without any payload.

On Linux PyInstaller hides its PKG in an ELF section, behind which section headers follow.
Here the untouched bootloader and the PKG are put one behind the other instead, so that the
PKG ends the file and the payload fits between the two.
"""

import hashlib
import importlib.util
import io
import os
import shutil
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

from bootstrap.bundle import layout
from builder.disk import storing
from builder.elf import minimum_glibc_of_streams
from builder.errors import DamagedBundleError, RefusedContentError, UnfitHostError, UsageError
from builder.fetch import hash_file
from builder.manifest import PROBES
from builder.processes import run_program
from builder.progress import Progress
from builder.targets import TargetPlatform, host_target

_ROOT = Path(__file__).parents[1]
_NAME = "stub"
_MAGIC = {"linux_x86_64": b"\x7fELF", "win_amd64": b"MZ"}
# PyInstaller follows imports, optional ones too. OpenSSL's _hashlib stays: its SHA-256 is
# several times as fast as Python's own, and an installation hashes gigabytes.
_EXCLUDED = (
    *("tkinter", "ssl", "_ssl", "sqlite3", "readline", "curses", "multiprocessing", "attr"),
    *("unittest", "doctest", "pydoc", "test", "setuptools", "distutils", "pkg_resources", "numpy"),
)
_LINUX_OPTIONS = ("--strip",)
# The launchers that wheel installation on Windows puts before console scripts.
_WINDOWS_OPTIONS = ("--collect-data", "installer")
# PyInstaller takes times and the order of sets from these.
_REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0"}
# In a process of its own, since asking PyInstaller imports all that it analyses with.
_FIND_LIBPYTHON = """
from PyInstaller.depend.bindepend import get_python_library_path
from PyInstaller.exceptions import PythonLibraryNotFoundError
try:
    print(get_python_library_path())
except PythonLibraryNotFoundError:
    print("missing")
"""
_FREEZE_AGAIN = "Make another one with: python -m builder freeze --output FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """A frozen installer program without payload; it starts, and finds none.

    Attributes:
        bootloader_size: bytes before PyInstaller's PKG, which ends the file.
        minimum_glibc: ``major.minor``; None where there is no glibc (Windows).
    """

    path: Path
    bootloader_size: int
    minimum_glibc: str | None


def open_stub(path: Path, target: TargetPlatform) -> Stub:
    """Take a stub that was frozen before.

    Raises:
        UsageError: the file cannot be read.
        RefusedContentError: it is a program for another platform, or a finished installer.
        DamagedBundleError: it is not a stub, or not all of one.
    """
    try:
        with path.open("rb") as file:
            return _inspect(file, path, target)
    except OSError as error:
        raise UsageError(
            f"The stub {path} cannot be read: {error.strerror or error}.", remedy=_FREEZE_AGAIN
        ) from error


def _inspect(file: BinaryIO, path: Path, target: TargetPlatform) -> Stub:
    magic = _MAGIC[target.name]
    if file.read(len(magic)) != magic:
        raise RefusedContentError(
            f"The stub {path} is no program for {target.name}.", remedy=_FREEZE_AGAIN
        )
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - layout.COOKIE_SIZE))
    pkg_size = layout.pkg_size(file.read())
    if pkg_size is None or pkg_size >= end:
        raise DamagedBundleError(
            f"The stub {path} does not end as a frozen program does: it is cut off, something was "
            "appended, or PyInstaller did not make it.",
            remedy=_FREEZE_AGAIN,
        )
    file.seek(max(0, end - pkg_size - layout.TRAILER_SIZE))
    if layout.parse_trailer(file.read(layout.TRAILER_SIZE)):
        raise RefusedContentError(
            f"{path} is a finished installer and not a stub.", remedy=_FREEZE_AGAIN
        )
    glibc = minimum_glibc_of_streams(_binaries(path)) if target.sys_platform == "linux" else None
    return Stub(path=path, bootloader_size=end - pkg_size, minimum_glibc=glibc)


def _binaries(path: Path) -> Iterator[BinaryIO]:
    """The bootloader, and every library and extension module in the PKG."""
    # Costs every command a quarter of a second when it is imported at the top.
    from PyInstaller.archive import readers  # noqa: PLC0415

    with path.open("rb") as bootloader:
        yield bootloader
    try:
        package = readers.CArchiveReader(str(path))
        for name, (*_, kind) in package.toc.items():
            if kind == readers.PKG_ITEM_BINARY:
                yield io.BytesIO(package.extract(name))
    except (readers.ArchiveReadError, struct.error, zlib.error, ValueError) as error:
        raise DamagedBundleError(
            f"The PKG of the stub {path} is damaged: {error}.", remedy=_FREEZE_AGAIN
        ) from error


def freeze_stub(
    target: TargetPlatform, *, work: Path, cache_root: Path, progress: Progress
) -> Stub:
    """Freeze the installer program, unless the same one is in the cache.

    Args:
        target: this very platform; PyInstaller freezes for no other.
        work: an existing folder for what is needed on the way; left as it was.
        cache_root: finished stubs are kept in ``stubs`` below it.
        progress: hears that something longer begins.

    Raises:
        UnfitHostError: this machine cannot freeze for the target, or lacks a program for it.
        NoSpaceError: the cache's disk is full.
        NotWritableError: the cache cannot be written.
        ProgramError: PyInstaller failed.
    """
    cached = _cached(target, cache_root)
    if _is_intact(cached):
        return open_stub(cached, target)
    require_freezing(target)
    progress.note("freezing the installer program")
    part = cached.with_suffix(f".{os.getpid()}.part")
    with storing(cache_root, option="--cache"):
        cached.parent.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix="stub-", dir=work) as folder:
                _freeze(target, Path(folder), part)
            _sum_of(cached).write_text(hash_file(part), encoding="ascii")
            part.replace(cached)
        finally:
            part.unlink(missing_ok=True)
    return open_stub(cached, target)


def require_stub(target: TargetPlatform, cache_root: Path) -> None:
    """Check that :func:`freeze_stub` can do its work; quick.

    Raises:
        UnfitHostError: as :func:`require_freezing` does, unless the stub is cached.
    """
    if not _is_intact(_cached(target, cache_root)):
        require_freezing(target)


def _cached(target: TargetPlatform, cache_root: Path) -> Path:
    return cache_root / "stubs" / f"{_key(target)}{target.suffix}"


def _is_intact(cached: Path) -> bool:
    """Whether it is there, and what it was when it was made."""
    try:
        return _sum_of(cached).read_text(encoding="ascii") == hash_file(cached)
    except (OSError, UnicodeDecodeError):
        return False


def _sum_of(cached: Path) -> Path:
    return cached.with_suffix(".sha256")


def require_freezing(target: TargetPlatform) -> None:
    """Check that this machine can freeze a stub for ``target``; takes half a second.

    Raises:
        UnfitHostError: names what is missing and the package that brings it.
    """
    other = "or give a stub that was frozen elsewhere, with --stub FILE"
    if target is not host_target():
        raise UnfitHostError(
            f"A stub for {target.name} can be frozen only on that platform.",
            remedy=f"Build there, or run there: python -m builder freeze --output {_NAME}"
            f"{target.suffix} and give that file here with --stub.",
        )
    if importlib.util.find_spec("PyInstaller") is None:
        raise UnfitHostError(
            "PyInstaller is missing, which freezes the stub.",
            remedy=f"Install it with: python -m pip install pyinstaller, {other}.",
        )
    if target.sys_platform == "linux":
        _require_linux_tools(other)


def _require_linux_tools(other: str) -> None:
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


def _key(target: TargetPlatform) -> str:
    """Names a stub by all that goes into it, and by what might: every distribution here."""
    digest = hashlib.sha256()
    recipe = [sys.version, target.name, *_options(target), *_REPRODUCIBLE.values()]
    installed = sorted(f"{found.name}=={found.version}" for found in metadata.distributions())
    digest.update("\n".join([*recipe, *installed]).encode())
    for path in sorted((_ROOT / "bootstrap").rglob("*.py")):
        digest.update(f"\n{path.relative_to(_ROOT).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _options(target: TargetPlatform) -> list[str]:
    special = _LINUX_OPTIONS if target.sys_platform == "linux" else _WINDOWS_OPTIONS
    excluded = [f"--exclude-module={module}" for module in _EXCLUDED]
    return ["--onefile", "--console", "--noupx", "--log-level=WARN", *special, *excluded]


def _freeze(target: TargetPlatform, folder: Path, result: Path) -> None:
    run_program(
        [
            *(sys.executable, "-m", "PyInstaller", *_options(target)),
            *("--name", _NAME, "--distpath", "dist", "--workpath", "build"),
            *("--paths", str(_ROOT), "--add-data", f"{PROBES}/*.py{os.pathsep}bootstrap/probes"),
            str(_ROOT / "bootstrap" / "__main__.py"),
        ],
        cwd=folder,
        environment={**os.environ, **_REPRODUCIBLE, "PYINSTALLER_CONFIG_DIR": str(folder)},
    )
    if target.sys_platform == "linux":
        parts = [_bootloader(), folder / "build" / _NAME / f"{_NAME}.pkg"]
    else:
        parts = [folder / "dist" / f"{_NAME}{target.suffix}"]
    with result.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    result.chmod(0o755)


def _bootloader() -> Path:
    import PyInstaller  # noqa: PLC0415 (see _binaries)

    return Path(PyInstaller.PACKAGEPATH, "bootloader", PyInstaller.PLATFORM, "run")
