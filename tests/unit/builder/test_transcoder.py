"""Many wheels: the pool, its memory, and what is kept for the next build."""

import hashlib
import random
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from builder.errors import DamagedBundleError, NoSpaceError, RefusedContentError
from builder.fetch import Cache
from builder.progress import Bar
from builder.transcode import RECIPES, Recipe, Transcoder, pool, shelf
from builder.transcode.memory import MemoryBudget
from builder.transcode.wheel import StoppedError, transcode
from builder.wheels import StoredWheel
from tests.support.small_stack import make_wheel
from tests.support.transcoding import members, varied_wheel

FAST = RECIPES["fast"]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def wheels(tmp_path: Path) -> list[Path]:
    chance = random.Random(2)  # noqa: S311
    files = [{f"p{n}/a.bin": chance.randbytes(1000 * n) + bytes(500_000 * n)} for n in (1, 2, 3)]
    made = [make_wheel(tmp_path, f"p{n}", "1.0", f) for n, f in enumerate(files, start=1)]
    return [*made, varied_wheel(tmp_path)]


def run(
    cache: Cache, wheels: Iterable[Path], recipe: Recipe = FAST, threads: int | None = None
) -> dict[str, StoredWheel]:
    with Transcoder(cache, recipe, Bar(), threads=threads) as transcoder:
        for wheel in wheels:
            transcoder.add(wheel, wheel.name, sha256_of(wheel))
        return transcoder.results()


def count_work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all that is really transcoded."""
    done: list[str] = []

    def counted(source: Path, filename: str, *more: Any) -> None:
        done.append(filename)
        transcode(source, filename, *more)

    monkeypatch.setattr(pool, "transcode", counted)
    return done


def test_each_is_there_under_the_hash_that_it_has(cache: Cache, wheels: list[Path]) -> None:
    made = run(cache, wheels)
    for wheel in wheels:
        stored = made[sha256_of(wheel)]
        assert members(stored.path) == members(wheel)
        assert sha256_of(stored.path) == stored.sha256
        assert stored.path.name == f"{stored.sha256}.whl"
        assert stored.path.parent.name == sha256_of(wheel)
    assert not list(cache.root.rglob("*.part"))


def test_the_number_of_threads_changes_nothing(tmp_path: Path, wheels: list[Path]) -> None:
    one = run(Cache(tmp_path / "one"), wheels, threads=1)
    many = run(Cache(tmp_path / "many"), reversed(wheels), threads=7)
    assert {k: v.sha256 for k, v in one.items()} == {k: v.sha256 for k, v in many.items()}


def test_a_second_build_transcodes_nothing(
    cache: Cache, wheels: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = count_work(monkeypatch)
    first = run(cache, wheels)
    assert sorted(done) == sorted(wheel.name for wheel in wheels)
    assert run(cache, wheels) == first
    assert len(done) == len(wheels)
    run(cache, wheels, RECIPES["small"])
    assert len(done) == 2 * len(wheels)


def test_a_recipe_is_another_when_anything_in_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = [
        Recipe(name="a", level=3, window_log=None),
        Recipe(name="a", level=4, window_log=None),
        Recipe(name="a", level=3, window_log=24),
        Recipe(name="b", level=3, window_log=None),
    ]
    found = {recipe.identity for recipe in recipes}
    monkeypatch.setattr("builder.transcode.recipe.zstd.zstd_version", "9.9.9")
    found |= {recipe.identity for recipe in recipes}
    assert len(found) == 8


def test_two_builds_at_once_share_the_work(
    cache: Cache, wheels: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = count_work(monkeypatch)
    made: list[dict[str, StoredWheel]] = []
    builds = [
        threading.Thread(target=lambda: made.append(run(cache, wheels, threads=2)))
        for _ in range(3)
    ]
    for build in builds:
        build.start()
    for build in builds:
        build.join()
    assert made[0] == made[1] == made[2]
    assert sorted(done) == sorted(wheel.name for wheel in wheels)


def test_what_a_killed_build_left_is_of_no_consequence(cache: Cache, wheels: list[Path]) -> None:
    run(cache, wheels[:1])
    (recipe,) = (cache.root / "transcoded").iterdir()
    half = recipe / sha256_of(wheels[1]) / "wheel.part"
    half.parent.mkdir()
    half.write_bytes(b"PK half of it")
    made = run(cache, wheels)
    assert members(made[sha256_of(wheels[1])].path) == members(wheels[1])
    assert not half.exists()


def test_a_wrong_original_is_told_and_goes(cache: Cache, wheels: list[Path]) -> None:
    right = sha256_of(wheels[0])
    data = bytearray(wheels[0].read_bytes())
    data[len(data) // 2] ^= 1
    wheels[0].write_bytes(data)
    with Transcoder(cache, FAST, Bar()) as transcoder:
        transcoder.add(wheels[0], wheels[0].name, right)
        with pytest.raises(DamagedBundleError, match=r"The cached p1-1\.0\S+ is damaged"):
            transcoder.results()
    assert not wheels[0].exists()
    assert not list(cache.root.rglob("*.whl"))


def test_the_next_one_hears_of_an_error(tmp_path: Path, cache: Cache, wheels: list[Path]) -> None:
    bad = tmp_path / "bad-1.0-py3-none-any.whl"
    bad.write_bytes(b"no wheel")
    with Transcoder(cache, FAST, Bar(), threads=1) as transcoder:
        transcoder.add(bad, bad.name, sha256_of(bad))
        with pytest.raises(RefusedContentError, match="bad-1"):
            transcoder.results()
        with pytest.raises(RefusedContentError, match="bad-1"):
            transcoder.add(wheels[0], wheels[0].name, sha256_of(wheels[0]))


def test_an_error_ends_all_at_once(cache: Cache, tmp_path: Path) -> None:
    files = {f"slow{n}/a.bin": random.Random(n).randbytes(20_000_000) for n in range(3)}  # noqa: S311
    slow = [make_wheel(tmp_path, k.partition("/")[0], "1.0", {k: v}) for k, v in files.items()]
    thorough = Recipe(name="thorough", level=15, window_log=None)
    hashes = [sha256_of(wheel) for wheel in slow]

    def fail() -> None:
        with Transcoder(cache, thorough, Bar(), threads=2) as transcoder:
            for wheel, sha256 in zip(slow, hashes, strict=True):
                transcoder.add(wheel, wheel.name, sha256)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    # Each takes seconds; whatever had been waited for would be there.
    assert not [path for path in cache.root.rglob("*") if path.suffix in (".part", ".whl")]


def test_waiting_for_another_build_can_be_stopped(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "_POLL_SECONDS", 0.01)
    mine = shelf.Shelf(cache, FAST)
    inside, leave = threading.Event(), threading.Event()

    def hold(target: Path) -> None:
        target.touch()
        inside.set()
        leave.wait()

    other = threading.Thread(target=lambda: mine.get("aa", hold, lambda: False))
    other.start()
    inside.wait()
    asked = iter([False, False, True])
    with pytest.raises(StoppedError):
        mine.get("aa", hold, lambda: next(asked))
    leave.set()
    other.join()


def test_the_largest_comes_first(
    cache: Cache, wheels: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = threading.Event()
    done: list[str] = []

    def note(source: Path, filename: str, target: Path, by: object) -> None:
        del source, by
        target.touch()
        done.append(filename)

    monkeypatch.setattr(pool, "transcode", note)
    monkeypatch.setattr(pool, "require_intact", lambda *_: begin.wait())
    with Transcoder(cache, FAST, Bar(), threads=1) as transcoder:
        for wheel in wheels:
            transcoder.add(wheel, wheel.name, sha256_of(wheel))
        begin.set()
        transcoder.results()
    by_size = [w.name for w in sorted(wheels, key=lambda wheel: -wheel.stat().st_size)]
    # The first may have begun before others were there.
    assert done[1:] == [name for name in by_size if name != done[0]]


def test_a_full_disk_is_told_with_its_option(
    cache: Cache, wheels: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shelf, "sync", full)
    with pytest.raises(NoSpaceError) as caught:
        run(cache, wheels)
    assert "--cache" in caught.value.remedy
    assert not list(cache.root.rglob("*.part"))


def test_memory_is_lent_and_no_more_than_there_is() -> None:
    budget, got = MemoryBudget(100), threading.Event()

    def borrow() -> None:
        # More than there is: all of it, alone.
        with budget.lend(5000):
            got.set()

    other = threading.Thread(target=borrow)
    with budget.lend(60), budget.lend(30):
        other.start()
        assert not got.wait(0.05)
    other.join()
    assert got.is_set()
    with budget.lend(100):
        pass
