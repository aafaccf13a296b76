"""A folder of wheels, looked at as if it were locked."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bootstrap.bundle.policy import Allowance, allowance_for
from bootstrap.bundle.value import Target
from builder.errors import UsageError
from builder.fetch import hash_file
from builder.lock.model import Lock, LockedWheel
from builder.wheels import WheelFacts, read_each, read_wheel


def read_wheelhouse(
    folder: Path,
    variant: str,
    target: Target,
    python: str,
    allowances: Sequence[Allowance] = (),
) -> tuple[Lock, tuple[WheelFacts, ...]]:
    """A lock of exactly the wheels in ``folder``, and their facts.

    Raises:
        UsageError: there are no wheels.
        RefusedContentError: some of them break rules of vetting; tells of all.
    """
    paths = sorted(folder.glob("*.whl"))
    if not paths:
        raise UsageError(
            f"There are no wheels in {folder}.", remedy="Give the right folder with --wheelhouse."
        )
    hashes = {path: hash_file(path) for path in paths}
    wheels = read_each(
        partial(
            read_wheel,
            path,
            path.name,
            depth="contents",
            allowance=allowance_for(path.name, hashes[path], allowances),
        )
        for path in paths
    )
    lock = Lock(
        variant=variant,
        target=target,
        python=python,
        requirements_sha256="",
        wheels=tuple(_locked(wheel, hashes[wheel.path]) for wheel in wheels),
        path=folder,
    )
    return lock, wheels


def _locked(wheel: WheelFacts, sha256: str) -> LockedWheel:
    return LockedWheel(
        name=wheel.name,
        version=wheel.version,
        filename=wheel.filename,
        sha256=sha256,
        size=wheel.path.stat().st_size,
    )
