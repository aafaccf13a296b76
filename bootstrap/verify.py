"""Proves an environment: nothing drifted, nothing banned is there, and the probes pass."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bootstrap import inventory, torch_lock
from bootstrap.bundle.model import Index, decode_index
from bootstrap.bundle.versions import read_version
from bootstrap.errors import (
    DamagedBundleError,
    NotWritableError,
    RecoveryNeededError,
    VerificationError,
)
from bootstrap.events import Listener
from bootstrap.generation import Generation, dist_infos
from bootstrap.probing import CheckResult, default_probes_folder, run_checks
from bootstrap.state import Installed

_MANY = 10
_RUN_AT_START = (".pth", "sitecustomize.py", "usercustomize.py")
REPAIR = (
    "Run the installer again with --repair: it builds a fresh environment and then switches over."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """What was proved.

    Attributes:
        results: one for each check of the index.
        gpu_verified: whether the checks that need a GPU passed on one.
    """

    results: tuple[CheckResult, ...]
    gpu_verified: bool

    @property
    def verdict(self) -> str:
        """``verified`` or ``verified except GPU``, and what else was not tried."""
        verdict = "verified" if self.gpu_verified else "verified except GPU"
        skipped = [r.id for r in self.results if r.status == "skipped" and not r.needs_gpu]
        return f"{verdict} ({', '.join(skipped)} skipped)" if skipped else verdict


def prove(
    index: Index,
    generation: Generation,
    scratch: Path,
    *,
    gpu_usable: bool,
    keep_bytecode: bool,
    remedy: str,
    listener: Listener,
) -> VerificationReport:
    """Run all checks of the index.

    Args:
        index: of the bundle that was installed.
        generation: what it was installed as.
        scratch: an existing folder for what the probes write.
        gpu_usable: otherwise checks that need a GPU are skipped.
        keep_bytecode: leave beside the modules what Python compiled of them.
        remedy: what to do when one fails.
        listener: hears each result when it is there.

    Raises:
        VerificationError: names every check that failed, and why.
    """
    listener.phase("verify", 0)
    results = run_checks(
        index,
        generation.python,
        default_probes_folder(),
        scratch,
        gpu_usable=gpu_usable,
        keep_bytecode=keep_bytecode,
        listener=listener.checked,
    )
    return judge(index, results, remedy)


def judge(index: Index, results: tuple[CheckResult, ...], remedy: str) -> VerificationReport:
    """Turn the answers of the probes into a report.

    Args:
        index: of the bundle.
        results: the answers.
        remedy: what to do when one failed.

    Raises:
        VerificationError: names every check that failed, and why.
    """
    failed = [result for result in results if result.status == "failed"]
    if failed:
        listed = "".join(f"\n  {result.id}: {result.detail}" for result in failed)
        raise VerificationError(
            f"{len(failed)} of {len(results)} checks failed:{listed}",
            remedy=remedy,
        )
    on_gpu = [result.status for result in results if result.needs_gpu]
    # Without CUDA there is nothing to be verified on a GPU.
    verified = index.cuda is None or (bool(on_gpu) and set(on_gpu) == {"passed"})
    return VerificationReport(results=results, gpu_verified=verified)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder for what the probes write.

    Raises:
        NotWritableError: there is no place for one.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="llmsetup-", ignore_cleanup_errors=True)
    except OSError as error:
        raise NotWritableError(
            f"The folder for temporary files cannot be written: {error}.",
            remedy="Name another one in the variable TMPDIR (Windows: TMP).",
        ) from error
    with folder as name:
        yield Path(name)


def load_index(generation: Generation, installed: Installed) -> Index:
    """The index that the generation was installed from.

    Raises:
        RecoveryNeededError: it is missing, was changed, or is of another version's format.
    """
    data = _read(generation.index, installed.index_sha256)
    try:
        return decode_index(data)
    except DamagedBundleError as error:
        raise RecoveryNeededError(f"{generation.index}: {error}", remedy=REPAIR) from error


def known_index(generation: Generation, installed: Installed) -> Index | None:
    """The same, where it can be had."""
    try:
        return load_index(generation, installed)
    except RecoveryNeededError:
        return None


def require_inventory(generation: Generation, installed: Installed) -> None:
    """See that what was written down when the generation was sealed is there, and unchanged.

    Raises:
        RecoveryNeededError: it is missing or was changed.
    """
    path = generation.inventory
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error
    if actual != installed.inventory_sha256:
        raise _changed(path)


def require_torch(index: Index, generation: Generation) -> None:
    """See that torch is the one that was installed; its inventory must have been proved.

    Raises:
        VerificationError: says what it was replaced by, or what became of its lock.
    """
    if fault := torch_lock.find_fault(index, generation):
        raise VerificationError(fault, remedy=REPAIR)


def require_no_drift(generation: Generation, *, deep: bool, listener: Listener) -> None:
    """Compare every file with the inventory.

    Raises:
        VerificationError: names the files that are missing or changed.
    """
    listener.phase("files", sum(item.size for item in inventory.read(generation.inventory)))
    drift = inventory.compare(
        generation.places,
        inventory.read(generation.inventory),
        deep=deep,
        progress=listener.advance,
    )
    if drift:
        paths = [f"{path} (changed)" for path in drift.changed]
        paths += [f"{path} (missing)" for path in drift.missing]
        more = f"\n  … and {len(paths) - _MANY} more" if len(paths) > _MANY else ""
        listed = "".join(f"\n  {path}" for path in paths[:_MANY])
        raise VerificationError(
            f"{len(paths)} of {drift.count} files in {generation.folder} are not as they were "
            f"installed:{listed}{more}",
            remedy=REPAIR,
        )


def tell_additions(generation: Generation, listener: Listener) -> None:
    """Warn of files that are not in the inventory; those that Python runs at start by name."""
    items = inventory.read(generation.inventory)
    added = list(inventory.additions(generation.places, items))
    if not added:
        return
    listener.warn(f"{len(added)} files were added since, such as {added[0]}.")
    for path in added:
        if path.endswith(_RUN_AT_START):
            listener.warn(f"{path} was added, and runs whenever this Python starts.")


def _read(path: Path, sha256: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _changed(path)
    return data


def _unreadable(path: Path, error: OSError) -> RecoveryNeededError:
    return RecoveryNeededError(f"{path} cannot be read: {error.strerror}.", remedy=REPAIR)


def _changed(path: Path) -> RecoveryNeededError:
    return RecoveryNeededError(f"{path} was changed after the installation.", remedy=REPAIR)


def require_nothing_banned(index: Index, generation: Generation) -> None:
    """Look for blacklisted distributions that came in after the installation.

    Raises:
        VerificationError: names each, with the rule's reason.
    """
    found = list(_banned(index, generation.site_packages))
    if found:
        listed = "".join(f"\n  {line}" for line in found)
        raise VerificationError(
            f"Blacklisted packages are installed in {generation.venv}:{listed}",
            remedy=f"Uninstall them. {REPAIR}",
        )


def _banned(index: Index, site_packages: Path) -> Iterator[str]:
    for name, version, _ in dist_infos(site_packages):
        for rule in index.blacklist:
            if rule.holds_on(index.target) and rule.bans(name, read_version(version)):
                yield f"{name} {version}: {rule.reason}"
