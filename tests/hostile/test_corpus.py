"""What fuzzing has kept, and what it would have found."""

from pathlib import Path

import pytest

from bootstrap.bundle.errors import DamagedBundleError, NoSpaceError
from tests.hostile.fuzz.keeping import save, smallest_with_all_lines
from tests.hostile.fuzz.replay import all_saved, try_again
from tests.hostile.fuzz.targets import (
    TARGETS,
    BrokenPromiseError,
    FuzzTarget,
    find_target,
    seeds_of,
)

_MOST_BYTES = 300_000


def test_saved_inputs_are_understood_or_refused() -> None:
    wrong = {str(path): told for path in all_saved() if (told := try_again(path)[0])}
    assert not wrong


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_seeds_reach_what_is_to_be_tried(target: FuzzTarget) -> None:
    refused = [seed for seed in seeds_of(target) if target.check(seed)]
    assert not refused


def test_the_corpus_is_small_and_there() -> None:
    sizes = [path.stat().st_size for path in all_saved()]
    assert sum(sizes) < _MOST_BYTES
    assert {path.parent.name for path in all_saved()} == {target.name for target in TARGETS}


def raising(error: Exception) -> FuzzTarget:
    def parse(_: bytes, __: Path) -> None:
        raise error

    return FuzzTarget(name="x", parse=parse, seeds=lambda _: iter(()))


def test_another_code_breaks_the_promise() -> None:
    raising(DamagedBundleError("x", remedy="x")).check(b"")
    with pytest.raises(BrokenPromiseError, match="code 20"):
        raising(NoSpaceError("x", remedy="x")).check(b"")


def test_another_error_breaks_it() -> None:
    with pytest.raises(KeyError):
        raising(KeyError("x")).check(b"")


def test_writing_elsewhere_breaks_it() -> None:
    def parse(_: bytes, folder: Path) -> None:
        (folder.parent / "canary").write_bytes(b"")

    target = FuzzTarget(name="x", parse=parse, seeds=lambda _: iter(()))
    with pytest.raises(BrokenPromiseError, match="outside of the folder"):
        target.check(b"")


def test_short_inputs_that_reach_something_new_are_kept(tmp_path: Path) -> None:
    target = find_target("record")
    kept = smallest_with_all_lines(target, [b"a,b\n" * 9, b"a,b\n", b"\xff", b"\xff\xff"])
    assert kept == [b"\xff", b"a,b\n"]
    save(kept, tmp_path)
    save(kept[:1], tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"\xff"]
