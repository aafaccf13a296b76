"""Allowances of the committed manifests, beside the committed locks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.bundle.policy import Allowance
from builder.allowances import idle_allowances
from builder.lock.model import load_lock
from builder.manifest import DEFAULT_PATH, load_manifest

MANIFESTS = sorted(DEFAULT_PATH.parent.rglob(DEFAULT_PATH.name))


def all_allowances() -> Iterator[Allowance]:
    for path in MANIFESTS:
        yield from load_manifest(path).allowances


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_each_is_of_use(path: Path) -> None:
    assert idle_allowances(load_manifest(path), path) == []


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_a_wheel_that_needs_one_has_it_in_every_manifest(path: Path) -> None:
    """What one manifest had to allow, another with the same wheel must allow, too."""
    locks = (path.parent / "locks").glob("pylock.*.toml")
    locked = {wheel.sha256 for lock in locks for wheel in load_lock(lock).wheels}
    allowed = {allowance.sha256 for allowance in load_manifest(path).allowances}
    assert {a.sha256 for a in all_allowances()} & locked <= allowed
