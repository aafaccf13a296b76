"""Made-up wheelhouses are right to the builder, the same each time, and of the asked size."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from installer.sources import WheelFile
from packaging.version import Version

from benchmarks.stacks import (
    TARGET,
    Stack,
    fill_wheelhouse,
    fresh_cache,
    question,
    requirements_of,
    with_wheel,
)
from benchmarks.synthetic import FILES, Work, branches, make_stack
from builder.facts import load_facts
from builder.fetch import Cache
from builder.graph import DependencyGraph
from builder.intake import Vetter, read_wheels
from builder.lock.checking import check_lock
from builder.lock.requirements import requirements
from builder.police import judge_wheels, open_case

SMALL = Work(wheels=12)
LARGE = Work(wheels=2, large=3_000_000)


def make(work: Work, folder: Path) -> Stack:
    folder.mkdir()
    return make_stack(work, folder, folder / "cache")


def test_every_wheel_but_the_first_is_needed_by_one() -> None:
    needed = [branch for number in range(25) for branch in branches(number, 25)]
    assert needed == list(range(1, 25))


@pytest.mark.parametrize("work", [SMALL, LARGE], ids=["small", "large"])
def test_the_builder_has_nothing_to_object_to(work: Work, tmp_path: Path) -> None:
    stack = make(work, tmp_path / "a")
    lock, manifest = stack.lock, stack.manifest
    assert check_lock(lock, manifest, load_facts()) == []
    wheels = read_wheels(lock, Cache(tmp_path / "a" / "cache").at_hand(stack.files), Vetter(()))
    assert len(wheels) == work.wheels
    assert not judge_wheels(open_case(lock, manifest, wheels, date(2026, 1, 1)))
    assert sum(wheel.footprint.file_count for wheel in wheels) == work.files
    graph = DependencyGraph(wheels, TARGET.marker_environment(lock.python))
    assert graph.chain(lock.wheels[-1].name, [stack.changing])


@pytest.mark.parametrize("work", [SMALL, LARGE], ids=["small", "large"])
def test_records_are_right_and_bytes_the_same(work: Work, tmp_path: Path) -> None:
    stacks = [make(work, tmp_path / name) for name in ("a", "b")]
    assert stacks[0].lock.wheels == stacks[1].lock.wheels
    stack = stacks[0]
    wheelhouse = fill_wheelhouse(stack, Cache(tmp_path / "a" / "cache"), tmp_path / "wheelhouse")
    for path in wheelhouse.iterdir():
        with WheelFile.open(path) as wheel:
            wheel.validate_record()
    sizes = [path.stat().st_size for path in wheelhouse.iterdir()]
    assert len(sizes) == work.wheels
    assert min(sizes) > work.large
    pins = requirements_of(wheelhouse).read_text(encoding="utf-8").splitlines()
    assert pins[:2] == ["part-00000==1.0", "part-00001==1.0"]


def test_small_wheels_shrink_as_others_do(tmp_path: Path) -> None:
    stack = make(Work(wheels=1), tmp_path / "a")
    (wheel,) = read_wheels(
        stack.lock, Cache(tmp_path / "a" / "cache").at_hand(stack.files), Vetter(())
    )
    assert wheel.footprint.file_count == FILES
    assert 0.4 < wheel.path.stat().st_size / wheel.installed_size < 0.8


def test_another_version_is_asked_for_with_all_others_pinned(tmp_path: Path) -> None:
    stack = make(SMALL, tmp_path / "a")
    asked = question(stack.manifest, stack.lock, stack.changing)
    wanted = {str(each) for each in requirements(asked, stack.variant, TARGET.name)}
    others = {f"part-{number:05d}==1.0" for number in range(1, SMALL.wheels)}
    assert wanted == {"part-00000<1.0", *others}


def test_another_version_changes_one_wheel_and_is_answered_for(tmp_path: Path) -> None:
    stack = make(SMALL, tmp_path / "a")
    (tmp_path / "b").mkdir()
    first = stack.lock.wheels[0]
    earlier = replace(first, version=Version("0.9"), filename="part_00000-0.9-py3-none-any.whl")
    other = with_wheel(stack, tmp_path / "b", earlier)
    assert check_lock(other.lock, other.manifest, load_facts()) == []
    assert set(other.lock.wheels) - set(stack.lock.wheels) == {earlier}
    assert set(stack.lock.wheels) - set(other.lock.wheels) == {first}


def test_a_fresh_cache_has_the_wheels_and_nothing_else(tmp_path: Path) -> None:
    stack = make(SMALL, tmp_path / "a")
    source = tmp_path / "a" / "cache"
    (source / "files" / "other").write_bytes(b"of another stack")
    (source / "stubs").mkdir()
    made = fresh_cache([stack], Cache(source), tmp_path / "fresh")
    assert [path.name for path in made.iterdir()] == ["files"]
    assert len(list((made / "files").iterdir())) == SMALL.wheels
    assert len(Cache(made).at_hand(stack.files)) == SMALL.wheels
