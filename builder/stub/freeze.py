"""Makes the stub with PyInstaller: here for this platform, under Wine for Windows. Kept."""

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from filelock import FileLock

from bootstrap.bundle.keys import TRUSTED_KEYS
from builder.disk import storing
from builder.errors import UnfitHostError
from builder.fetch import Cache, WantedFile, hash_file
from builder.launching import NATIVE, Launcher
from builder.manifest import FREEZER_PATH, PROBES
from builder.processes import unburdened_environment
from builder.progress import Progress
from builder.stub import linux, windows
from builder.stub.identity import Identity
from builder.stub.model import Stub, open_stub
from builder.stub.parts import NAME, OWN_LICENSE, Freezer, pack_parts
from builder.targets import TargetPlatform, host_target
from builder.wine import Rig, find_wine, open_rig, rig_files, rig_key

_ROOT = Path(__file__).parents[2]
_NAME = "stub"
# PyInstaller follows imports, optional ones too. OpenSSL's _hashlib stays: its SHA-256 is
# several times as fast as Python's own, and an installation hashes gigabytes.
_EXCLUDED = (
    *("tkinter", "ssl", "_ssl", "sqlite3", "readline", "curses", "multiprocessing"),
    *("unittest", "doctest", "pydoc", "test", "setuptools", "distutils", "pkg_resources", "numpy"),
    # What msgspec would work with, if the environment happens to have it.
    *("attr", "attrs", "typing_extensions"),
    # What tqdm would draw with, if the builder's environment happens to have it.
    *("matplotlib", "PIL", "pandas", "rich", "IPython", "ipywidgets"),
)
# PyNaCl's own extension module imports it; PyInstaller sees what Python code imports only.
_HIDDEN = ("--hidden-import", "_cffi_backend")
# PyInstaller takes times and the order of sets from these.
_REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0"}


def freeze_stub(
    target: TargetPlatform,
    identity: Identity,
    *,
    work: Path,
    cache: Cache,
    offline: bool,
    progress: Progress,
) -> Stub:
    """Freeze the installer program, unless the same one is in the cache.

    Args:
        target: this very platform, or Windows where Wine is.
        identity: what it says of itself, and whom it trusts.
        work: an existing folder for what is needed on the way; left as it was.
        cache: finished stubs are kept in ``stubs`` below it, and what Wine needs in ``wine``.
        offline: open no connection.
        progress: hears that something longer begins.

    Raises:
        UnfitHostError: this machine cannot freeze for the target, or lacks a program for it.
        MissingFilesError: a part of what Wine needs cannot be had.
        NoSpaceError: the cache's disk is full.
        NotWritableError: the cache cannot be written.
        ProgramError: PyInstaller failed.
    """
    cached = _cached(target, identity, cache)
    if _is_intact(cached):
        return open_stub(cached, target)
    require_freezing(target)
    python, launcher, freezer = Path(sys.executable), NATIVE, Freezer.native()
    if target is not host_target():
        rig = open_rig(cache, offline=offline, progress=progress)
        python, launcher, freezer = rig.python, rig.launcher, _freezer(rig)
    with storing(cache.root, option="--cache"):
        cached.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(cached.with_suffix(".lock")):
            # Another build may have been quicker.
            if not _is_intact(cached):
                progress.note("freezing the installer program")
                with tempfile.TemporaryDirectory(prefix="stub-", dir=work) as folder:
                    pack_parts(Path(folder, NAME), freezer, target)
                    _keep(_freeze(target, identity, python, launcher, Path(folder)), cached)
    return open_stub(cached, target)


def _freezer(rig: Rig) -> Freezer:
    home = rig.python.parent
    return Freezer(
        site_packages=home / "Lib" / "site-packages",
        python=rig.version,
        licenses=(home / "LICENSE.txt",),
    )


def _keep(stub: bytes, cached: Path) -> None:
    part = cached.with_suffix(".part")
    try:
        _write(part, stub)
        _sum_of(cached).write_text(hash_file(part), encoding="ascii")
        part.replace(cached)
    finally:
        part.unlink(missing_ok=True)


def stub_files(target: TargetPlatform) -> tuple[WantedFile, ...]:
    """What freezing for ``target`` fetches, where it is not this platform."""
    return () if target is host_target() or target.sys_platform != "win32" else rig_files()


def require_stub(target: TargetPlatform, identity: Identity, cache: Cache) -> None:
    """Check that :func:`freeze_stub` can do its work; quick.

    Raises:
        UnfitHostError: as :func:`require_freezing` does, unless the stub is cached.
    """
    if not _is_intact(_cached(target, identity, cache)):
        require_freezing(target)


def _cached(target: TargetPlatform, identity: Identity, cache: Cache) -> Path:
    return cache.root / "stubs" / f"{_key(target, identity)}{target.suffix}"


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
        _require_wine(target)
        return
    if importlib.util.find_spec("PyInstaller") is None:
        raise UnfitHostError(
            "PyInstaller is missing, which freezes the stub.",
            remedy=f"Install it with: python -m pip install pyinstaller, {other}.",
        )
    if target.sys_platform == "linux":
        linux.require_tools(other)


def _require_wine(target: TargetPlatform) -> None:
    freeze = f"python -m builder freeze --output {_NAME}{target.suffix}"
    if target.sys_platform != "win32":
        raise UnfitHostError(
            f"A stub for {target.name} can be frozen only on that platform.",
            remedy=f"Build there, or run there: {freeze} and give that file here with --stub.",
        )
    if find_wine() is None:
        raise UnfitHostError(
            f"A stub for {target.name} is frozen on Windows, or here under Wine, which is missing.",
            remedy="Three ways out: install Wine (Debian, Ubuntu: apt-get install wine wine64); or "
            f"run on Windows: {freeze} and give that file here with --stub; or build on Windows, "
            "with build.ps1.",
        )


def _key(target: TargetPlatform, identity: Identity) -> str:
    """Names a stub by all that goes into it, and by what might: every package of its Python."""
    digest = hashlib.sha256()
    recipe: list[str] = [target.name, identity.trusted_keys]
    if target.sys_platform == "win32":
        recipe.append(repr(identity))
    digest.update("\n".join([*recipe, *_packages(target)]).encode())
    for path in _sources(target):
        digest.update(f"\n{path.relative_to(_ROOT).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _packages(target: TargetPlatform) -> Iterator[str]:
    if target is not host_target():
        yield rig_key()
        return
    yield sys.version
    yield from sorted(f"{found.name}=={found.version}" for found in metadata.distributions())


def _sources(target: TargetPlatform) -> Iterator[Path]:
    yield from sorted((_ROOT / "bootstrap").rglob("*.py"))
    # How it is made counts as well.
    yield from sorted(Path(__file__).parent.glob("*.py"))
    yield from (path for path in (FREEZER_PATH, OWN_LICENSE) if path.is_file())
    if target.sys_platform == "win32":
        yield from (windows.ICON, windows.MANIFEST, windows.RUNTIME_HOOK)


def _freeze(
    target: TargetPlatform, identity: Identity, python: Path, launcher: Launcher, folder: Path
) -> bytes:
    """Run PyInstaller in a folder that has nothing but the list of parts; return the stub."""
    special, assemble = list(linux.OPTIONS), linux.assemble
    # PyInstaller's analysis names every part of the C library that Wine has under no such name.
    level, separator = "WARN", ":"
    if target.sys_platform == "win32":
        home = python.parent if launcher.wrapper else Path(sys.base_prefix)
        special, assemble = windows.options(folder, identity, home, launcher), windows.assemble
        level, separator = "ERROR", ";"
    excluded = [f"--exclude-module={module}" for module in _EXCLUDED]
    probes = f"{launcher.path(PROBES / '*.py')}{separator}bootstrap/probes"
    parts = f"{launcher.path(folder / NAME)}{separator}."
    trusted = folder / Path(TRUSTED_KEYS).name
    trusted.write_text(identity.trusted_keys, encoding="utf-8", newline="\n")
    keys = f"{launcher.path(trusted)}{separator}{Path(TRUSTED_KEYS).parent}"
    launcher.run(
        python,
        *("-m", "PyInstaller", "--onefile", "--console", "--noupx", f"--log-level={level}"),
        *(*special, *excluded, *_HIDDEN),
        *("--name", _NAME, "--distpath", "dist", "--workpath", "build"),
        *("--paths", launcher.path(_ROOT), "--add-data", probes, "--add-data", keys),
        *("--add-data", parts),
        launcher.path(_ROOT / "bootstrap" / "__main__.py"),
        cwd=folder,
        environment={**_clean_environment(), "PYINSTALLER_CONFIG_DIR": launcher.path(folder)},
    )
    return assemble(folder, _NAME)


def _clean_environment() -> dict[str, str]:
    """Without what would bring other files into the stub than those that its key speaks of."""
    here = unburdened_environment()
    kept = {name: value for name, value in here.items() if not name.upper().startswith("PYTHON")}
    return kept | _REPRODUCIBLE


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o755)
