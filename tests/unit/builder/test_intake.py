"""Wheels as they come: read, begun with, and stored as asked."""

import hashlib
from pathlib import Path

import pytest

from builder.errors import DamagedBundleError, NoSpaceError, RefusedContentError
from builder.fetch import Cache, WantedFile, fetch
from builder.intake import Vetter, open_intake
from builder.lock.model import Lock
from builder.progress import Progress
from builder.wheelhouse import read_wheelhouse
from builder.wheels import read_wheel
from tests.support.made_locks import lock_wheels
from tests.support.small_stack import make_wheel
from tests.support.transcoding import members

_INDEX = "http://127.0.0.1/simple"


def lock_of(*wheels: Path) -> Lock:
    return lock_wheels((read_wheel(wheel, wheel.name) for wheel in wheels), Path("lock"))


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wanted(lock: Lock) -> list[WantedFile]:
    return [
        WantedFile(project=w.name, filename=w.filename, sha256=w.sha256, size=w.size, index=_INDEX)
        for w in lock.wheels
    ]


@pytest.fixture
def wheels(tmp_path: Path) -> list[Path]:
    return [
        make_wheel(tmp_path, name, "1.0", {f"{name}/a.py": f"# {name}\n".encode() * 5000})
        for name in ("one", "two")
    ]


@pytest.fixture
def cache(tmp_path: Path, wheels: list[Path]) -> Cache:
    """With both wheels in it."""
    (tmp_path / "cache/files").mkdir(parents=True)
    for wheel in wheels:
        (tmp_path / "cache/files" / sha256_of(wheel)).write_bytes(wheel.read_bytes())
    return Cache(tmp_path / "cache")


def test_all_that_is_refused_is_told_at_once(tmp_path: Path) -> None:
    bad = [
        make_wheel(tmp_path, name, "1.0", {f"{name}.pth": b"import os\n"}) for name in ("a", "b")
    ]
    good = make_wheel(tmp_path, "c", "1.0", {"c.py": b""})
    with pytest.raises(RefusedContentError) as caught:
        read_wheelhouse(tmp_path, "cpu", "linux_x86_64", "3.11")
    for wheel in bad:
        assert f"{wheel.name} is refused" in caught.value.message
    assert good.name not in caught.value.message
    assert caught.value.remedy.count("allowances") == 1


def test_what_is_cached_arrives_at_once(cache: Cache, wheels: list[Path]) -> None:
    lock = lock_of(*wheels)
    with open_intake(lock, "fast", cache, Progress(), Vetter(())) as intake:
        files = fetch(
            wanted(lock), cache, offline=True, jobs=1, progress=Progress(), arrived=intake.take
        )
        assert [wheel.filename for wheel in intake.wheels] == [wheel.name for wheel in wheels]
        stored = intake.stored()
    for locked in lock.wheels:
        assert members(stored[locked.name].path) == members(files[locked.sha256])
        assert stored[locked.name].path != files[locked.sha256]


def test_nothing_arrives_where_something_is_missing(cache: Cache, wheels: list[Path]) -> None:
    lock = lock_of(*wheels)
    (cache.root / "files" / sha256_of(wheels[1])).unlink()
    arrived: list[str] = []
    with pytest.raises(Exception, match="1 of 2 files could not be had"):
        fetch(
            wanted(lock),
            cache,
            offline=True,
            jobs=1,
            progress=Progress(),
            arrived=lambda file, _: arrived.append(file.filename),
        )
    assert arrived == []


def test_store_keeps_the_originals(cache: Cache, wheels: list[Path]) -> None:
    lock = lock_of(*wheels)
    with open_intake(lock, "store", cache, Progress(), Vetter(())) as intake:
        for file in wanted(lock):
            intake.take(file, cache.root / "files" / file.sha256)
        stored = intake.stored()
    for locked in lock.wheels:
        assert stored[locked.name].path == cache.root / "files" / locked.sha256
        assert stored[locked.name].sha256 == locked.sha256
    assert not (cache.root / "transcoded").exists()


def test_what_is_no_wheel_is_refused_or_damaged(cache: Cache, wheels: list[Path]) -> None:
    lock = lock_of(*wheels)
    rotten, honest = wanted(lock)
    path = cache.root / "files" / rotten.sha256
    path.write_bytes(b"PK")
    with open_intake(lock, "fast", cache, Progress(), Vetter(())) as intake:
        with pytest.raises(DamagedBundleError, match="one-1"):
            intake.take(rotten, path)
        assert not path.exists()
        path = cache.root / "files" / hashlib.sha256(b"PK").hexdigest()
        path.write_bytes(b"PK")
        with pytest.raises(RefusedContentError, match="two-1"):
            intake.take(
                WantedFile(
                    project="two",
                    filename=honest.filename,
                    sha256=path.name,
                    size=2,
                    index=_INDEX,
                ),
                path,
            )


def test_room_is_asked_for_before_anything_is_fetched(
    cache: Cache, wheels: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.disk._free", lambda _: 10)
    lock = lock_of(*wheels)
    with (
        pytest.raises(NoSpaceError, match="kB are needed"),
        open_intake(lock, "fast", cache, Progress(), Vetter(())),
    ):
        pytest.fail("there is no room")
    with open_intake(lock, "store", cache, Progress(), Vetter(())):
        pass
