"""The small stack can be had, and is as varied as the tests that use it take it for."""

from pathlib import Path

import pytest

from builder.facts import load_facts
from builder.lock.checking import check_lock
from builder.lock.model import load_lock, lock_path
from builder.manifest import load_manifest
from tests.support.small_stack import PINS, TARGET, VARIANT, lock_small_stack

pytestmark = pytest.mark.slow


def test_it_is_locked_as_pinned(tmp_path: Path) -> None:
    manifest_path = lock_small_stack(tmp_path)
    lock = load_lock(lock_path(manifest_path, VARIANT, TARGET))
    assert {wheel.name: str(wheel.version) for wheel in lock.wheels} == PINS
    assert check_lock(lock, load_manifest(manifest_path), load_facts()) == []
    assert sum(wheel.size or 0 for wheel in lock.wheels) < 4_000_000
