"""The relocatable CPython that goes along: fetched ready-made, or this machine's own."""

import tempfile
from pathlib import Path
from typing import Literal

from builder.elf import minimum_glibc
from builder.errors import DownloadError, ManifestError, ReportedError, UnfitHostError
from builder.fetch import Cache, WantedFile
from builder.progress import Progress
from builder.runtime.archive import members, pack
from builder.runtime.host import copy_host, require_fit_host
from builder.runtime.model import PreparedRuntime, RuntimeTree
from builder.runtime.pins import newest_runtime
from builder.runtime.proof import prove_runtime
from builder.runtime.standalone import take_standalone
from builder.targets import TargetPlatform, host_target

__all__ = [
    "PreparedRuntime",
    "RuntimeChoice",
    "prepare_runtime",
    "require_runtime",
    "runtime_file",
]

RuntimeChoice = Literal["auto", "standalone", "host"]


def require_runtime(choice: RuntimeChoice, *, python: str, target: TargetPlatform) -> None:
    """Check what can be checked at once, before anything is fetched.

    Raises:
        ManifestError: no build is pinned that ``standalone`` could take.
        UnfitHostError: this machine's Python cannot be taken as ``host`` wants it.
    """
    if choice == "host":
        require_fit_host(python, target)
    if choice == "standalone":
        newest_runtime(python, target.name)


def runtime_file(
    choice: RuntimeChoice, *, python: str, target: TargetPlatform
) -> WantedFile | None:
    """The archive that would be fetched; None when none would."""
    if choice == "host":
        return None
    try:
        return newest_runtime(python, target.name).wanted
    except ManifestError:
        # Where it is needed, this is told there.
        return None


def prepare_runtime(
    choice: RuntimeChoice,
    *,
    python: str,
    target: TargetPlatform,
    cache: Cache,
    work: Path,
    offline: bool,
    progress: Progress,
) -> PreparedRuntime:
    """Get a CPython, pack it, and prove that it runs from a place that it has never seen.

    Args:
        choice: ``standalone`` fetches the newest pinned build of python-build-standalone, or
            takes it from the cache; ``host`` copies the Python that runs the builder; ``auto``
            does the second where the first cannot be had, and warns.
        python: ``major.minor``.
        target: where it must run.
        cache: of downloads.
        work: an existing folder; the archive is made there.
        offline: open no connection.
        progress: hears what could not be tried.

    Raises:
        ManifestError: no build is pinned for this Python and target.
        NotTrustedError: the newest one has no hash.
        DownloadError: it can neither be had nor replaced by this machine's own Python.
        RefusedContentError: it was had and is no Python.
        UnfitHostError: this machine's own Python cannot go along, or the result does not run.
    """
    with tempfile.TemporaryDirectory(prefix="runtime-", dir=work) as folder:
        tree, warning = _take(
            choice,
            Path(folder),
            python=python,
            target=target,
            cache=cache,
            offline=offline,
            progress=progress,
        )
        archive = work / "python.tar"
        packed = pack(tree.folder, archive)
        glibc = minimum_glibc(members(tree.folder))
    _prove(archive, tree, target, progress)
    return PreparedRuntime(
        archive=archive,
        source=tree.source,
        version=tree.version,
        build=tree.build,
        executable=tree.executable,
        minimum_glibc=glibc,
        installed_size=packed.installed_size,
        file_count=packed.file_count,
        warning=warning,
    )


def _take(
    choice: RuntimeChoice,
    folder: Path,
    *,
    python: str,
    target: TargetPlatform,
    cache: Cache,
    offline: bool,
    progress: Progress,
) -> tuple[RuntimeTree, str | None]:
    if choice == "host":
        require_fit_host(python, target)
        return copy_host(folder), None
    try:
        pin = newest_runtime(python, target.name)
        tree = take_standalone(pin, folder, cache=cache, offline=offline, progress=progress)
    except (DownloadError, ManifestError) as error:
        if choice == "standalone":
            raise
        own = _fall_back(error, folder, python=python, target=target)
        progress.note(error.message)
        return own, (
            f"This machine's own Python {own.version} goes along, since no python-build-standalone "
            "could be had; it may need a newer Linux to install on than the wheels do."
        )
    return tree, None


def _fall_back(
    error: ReportedError, folder: Path, *, python: str, target: TargetPlatform
) -> RuntimeTree:
    try:
        require_fit_host(python, target)
    except UnfitHostError as unfit:
        error.message += f"\nThis machine's own Python cannot go along instead. {unfit.message}"
        error.remedy += f" Or: {unfit.remedy}"
        raise error from unfit
    return copy_host(folder)


def _prove(archive: Path, tree: RuntimeTree, target: TargetPlatform, progress: Progress) -> None:
    if target is not host_target():
        progress.note(f"The runtime for {target.name} cannot be tried on this platform.")
        return
    version = prove_runtime(archive, tree.executable, archive.parent)
    if version != tree.version:
        raise UnfitHostError(
            f"The Python that was to go along says that it is {version}, not {tree.version}.",
            remedy="Correct its entry in metadata/runtimes.json.",
        )
