"""The runtime from python-build-standalone: pinned, fetched, unpacked."""

from pathlib import Path

from builder.errors import RefusedContentError
from builder.fetch import Cache, fetch, require_intact
from builder.progress import Progress
from builder.runtime.archive import unpack
from builder.runtime.model import RuntimeTree
from builder.runtime.pins import PinnedRuntime

# The one folder that the archives of the kind "install_only" have at their top.
_TOP = "python"


def take_standalone(
    pin: PinnedRuntime, folder: Path, *, cache: Cache, offline: bool, progress: Progress
) -> RuntimeTree:
    """Fetch a pinned build, or take it from the cache, and unpack it.

    Args:
        pin: which one.
        folder: an empty one to unpack into.
        cache: of downloads.
        offline: open no connection.
        progress: hears of the download.

    Raises:
        NotTrustedError: it is not pinned by a hash.
        MissingFilesError: it is not in the cache and cannot be fetched.
        DamagedBundleError: it was in the cache and had gone bad there.
        RefusedContentError: the archive holds something else than a Python.
    """
    wanted = pin.wanted
    fetched = fetch([wanted], cache, offline=offline, jobs=1, progress=progress)
    archive = fetched[wanted.sha256]
    require_intact(archive, wanted.filename, wanted.sha256)
    unpack(archive, folder)
    tree = RuntimeTree(
        folder=folder / _TOP,
        source="standalone",
        version=pin.python,
        build=f"python-build-standalone {pin.build}",
        executable=_executable(pin),
    )
    if not (tree.folder / tree.executable).is_file():
        raise RefusedContentError(
            f"{pin.filename} holds no {_TOP}/{tree.executable}.",
            remedy="Pin an archive of the kind install_only in metadata/runtimes.json.",
        )
    return tree


def _executable(pin: PinnedRuntime) -> str:
    if pin.target == "win_amd64":
        return "python.exe"
    major, minor, *_ = pin.python.split(".")
    return f"bin/python{major}.{minor}"
