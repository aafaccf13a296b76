"""Locks of wheels that tests have made, as if somebody had resolved them."""

from collections.abc import Iterable
from pathlib import Path

from builder.fetch import hash_file
from builder.lock.model import Lock, LockedWheel
from builder.wheels import WheelFacts


def lock_wheels(wheels: Iterable[WheelFacts], path: Path, *, variant: str = "cpu") -> Lock:
    """A lock for Linux of exactly these, with what their files are now."""
    return Lock(
        variant=variant,
        target="linux_x86_64",
        python="3.11",
        requirements_sha256="",
        wheels=tuple(
            LockedWheel(
                name=wheel.name,
                version=wheel.version,
                filename=wheel.filename,
                sha256=hash_file(wheel.path),
                size=wheel.path.stat().st_size,
            )
            for wheel in wheels
        ),
        path=path,
    )
