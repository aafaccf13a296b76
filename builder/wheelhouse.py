"""A folder of wheels, looked at as if it were locked."""

from pathlib import Path

from bootstrap.bundle.value import Target
from builder.errors import UsageError
from builder.fetch import hash_file
from builder.lock.model import Lock, LockedWheel
from builder.wheels import WheelFacts, read_wheel


def read_wheelhouse(
    folder: Path, variant: str, target: Target, python: str
) -> tuple[Lock, tuple[WheelFacts, ...]]:
    """A lock of exactly the wheels in ``folder``, and their facts.

    Raises:
        UsageError: there are no wheels.
        RefusedContentError: one of them is not a usable wheel.
    """
    paths = sorted(folder.glob("*.whl"))
    if not paths:
        raise UsageError(
            f"There are no wheels in {folder}.", remedy="Give the right folder with --wheelhouse."
        )
    wheels = tuple(read_wheel(path, path.name) for path in paths)
    lock = Lock(
        variant=variant,
        target=target,
        python=python,
        requirements_sha256="",
        wheels=tuple(_locked(wheel) for wheel in wheels),
        path=folder,
    )
    return lock, wheels


def _locked(wheel: WheelFacts) -> LockedWheel:
    return LockedWheel(
        name=wheel.name,
        version=wheel.version,
        filename=wheel.filename,
        sha256=hash_file(wheel.path),
        size=wheel.path.stat().st_size,
    )
