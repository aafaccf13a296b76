"""One wheel, transcoded: what stays, what changes, and what the bytes depend on."""

import hashlib
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from bootstrap.bundle import zips
from bootstrap.bundle.members import LARGEST_WINDOW_LOG
from builder.errors import RefusedContentError
from builder.progress import Bar
from builder.transcode import RECIPES, Recipe
from builder.transcode.memory import MemoryBudget
from builder.transcode.wheel import StoppedError, Transcoding, transcode
from builder.wheels import read_wheel
from tests.support.small_stack import make_wheel
from tests.support.transcoding import (
    FILES,
    add_folder,
    members,
    methods,
    transcoded,
    varied_wheel,
)

ZSTD = zips.zipfile.ZIP_ZSTANDARD
STORED = zips.zipfile.ZIP_STORED


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return varied_wheel(tmp_path)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_it_is_the_same_wheel(wheel: Path, tmp_path: Path, recipe: Recipe) -> None:
    add_folder(wheel)
    made = transcoded(wheel, tmp_path / "made", recipe)
    assert members(made) == members(wheel)
    assert made.stat().st_size < wheel.stat().st_size
    script = next(m for m in members(made) if m[0].endswith("scripts/demo"))
    assert stat.S_IMODE(script[2] >> 16) == 0o755


def test_a_member_without_a_mode_gets_none(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        start = archive.start_dir
    data = wheel.read_bytes()
    place = data.index(b"demo/tiny.txt", start) - 46 + 38
    wheel.write_bytes(data[:place] + bytes(4) + data[place + 4 :])
    with zips.zipfile.ZipFile(transcoded(wheel, tmp_path / "made")) as archive:
        assert archive.getinfo("demo/tiny.txt").external_attr == 0


def test_what_cannot_shrink_is_stored(wheel: Path, tmp_path: Path) -> None:
    found = methods(transcoded(wheel, tmp_path / "made"))
    stored = {name for name, method in found.items() if method == STORED}
    assert stored >= {"demo/__init__.py", "demo/tiny.txt", "demo/noise.bin"}
    assert {name for name in found if name not in stored} >= {"demo/text.py", "demo/far.bin"}
    assert set(found.values()) == {STORED, ZSTD}


def test_the_bytes_depend_on_the_content_only(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / wheel.name
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(other, "w") as new:
        for info in old.infolist():
            like = zipfile.ZipInfo(info.filename, (2026, 11, 24, 1, 2, 4))
            like.external_attr, like.create_system = info.external_attr, info.create_system
            like.extra = struct.pack("<HHI", 0x7777, 4, 5)
            new.writestr(like, old.read(info))
    one = transcoded(wheel, tmp_path / "one").read_bytes()
    assert transcoded(other, tmp_path / "two").read_bytes() == one


def test_no_extra_fields_and_one_time(wheel: Path, tmp_path: Path) -> None:
    with zips.zipfile.ZipFile(transcoded(wheel, tmp_path / "made")) as archive:
        for info in archive.infolist():
            assert (info.date_time, info.extra, info.comment) == ((1980, 1, 1, 0, 0, 0), b"", b"")


def window(made: Path, name: str) -> int:
    """The window that a member's frame asks its reader for, in bytes (RFC 8878, 3.1.1.1)."""
    with zips.zipfile.ZipFile(made) as archive:
        place = archive.getinfo(name).header_offset
    with made.open("rb") as file:
        file.seek(place + 26)
        name_length, extra_length = struct.unpack("<HH", file.read(4))
        file.seek(place + 30 + name_length + extra_length)
        frame = file.read(18)
    descriptor = frame[4]
    if descriptor & 0x20:
        width = {0: 1, 1: 2, 2: 4, 3: 8}[descriptor >> 6]
        return int.from_bytes(frame[5 : 5 + width], "little") + (256 if width == 2 else 0)
    exponent, mantissa = frame[5] >> 3, frame[5] & 7
    return (1 << (10 + exponent)) * (8 + mantissa) // 8


@pytest.mark.parametrize("log", [None, 23, 25])
def test_the_window_is_the_recipes(wheel: Path, tmp_path: Path, log: int | None) -> None:
    """Fails where the library no longer takes a compressor of ours."""
    recipe = Recipe(name="test", level=5, window_log=log)
    made = transcoded(wheel, tmp_path / "made", recipe)
    size = len(FILES["demo/far.bin"])
    expected = {None: 2 << 20, 23: 8 << 20, 25: size}[log]
    assert window(made, "demo/far.bin") == expected
    assert window(made, "demo/text.py") == len(FILES["demo/text.py"])
    assert (made.stat().st_size < 6_000_000) == (log is not None)


@pytest.mark.skipif(zips.zstd.zstd_version != "1.5.7", reason="other versions, other bytes")
def test_known_bytes(wheel: Path, tmp_path: Path) -> None:
    """Where this fails on purpose, the edition of recipes must be raised."""
    recipe = Recipe(name="test", level=5, window_log=24)
    made = transcoded(wheel, tmp_path / "made", recipe).read_bytes()
    assert hashlib.sha256(made).hexdigest()[:16] == "d046ce4a90395279"


def test_a_large_member_gets_64_bit_fields(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(zips.zipfile, "ZIP64_LIMIT", 1_000_000)
        made = transcoded(wheel, tmp_path / "made")
    with zips.zipfile.ZipFile(made) as archive:
        assert archive.getinfo("demo/far.bin").extract_version >= 45
        assert archive.testzip() is None
    assert members(made) == members(wheel)


def spoil(wheel: Path, name: str) -> None:
    """Change a byte in the middle of a member."""
    with zipfile.ZipFile(wheel) as archive:
        info = archive.getinfo(name)
    data = bytearray(wheel.read_bytes())
    data[info.header_offset + 60 + info.compress_size // 2] ^= 1
    wheel.write_bytes(data)


@pytest.mark.parametrize("name", ["demo/far.bin", "demo/noise.bin"])
def test_a_member_that_cannot_be_unpacked_is_named(wheel: Path, tmp_path: Path, name: str) -> None:
    spoil(wheel, name)
    with pytest.raises(RefusedContentError, match=rf"^demo-1\.0\S+ is not a .*: {name} cannot be"):
        transcoded(wheel, tmp_path / "made")


@pytest.mark.parametrize("size", [FILES["demo/middle.bin"], FILES["demo/text.py"]], ids=len)
def test_a_directory_that_lies_of_a_size_is_refused(tmp_path: Path, size: bytes) -> None:
    wheel = make_wheel(tmp_path, "demo", "1.0", {"demo/a.bin": size})
    data = wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        place = archive.start_dir
    entry = data.index(b"demo/a.bin", place) - 46
    larger = struct.pack("<L", len(size) + 7)
    wheel.write_bytes(data[: entry + 24] + larger + data[entry + 28 :])
    with pytest.raises(RefusedContentError, match=rf"a\.bin has {len(size)} bytes, not"):
        transcoded(wheel, tmp_path / "made")


def test_a_wheel_that_has_a_member_twice_is_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "demo", "1.0", {"demo/a.py": b"1"})
    with zipfile.ZipFile(wheel, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("demo/a.py", b"2")
    with pytest.raises(RefusedContentError, match=r"\[duplicate\] demo/a\.py"):
        read_wheel(wheel, wheel.name)


def test_it_stops_between_two_chunks(wheel: Path, tmp_path: Path) -> None:
    asked = iter([False, False, True])
    by = Transcoding(
        recipe=RECIPES["fast"],
        memory=MemoryBudget(1 << 30),
        advance=Bar().advance,
        stopped=lambda: next(asked),
    )
    with pytest.raises(StoppedError):
        transcode(wheel, wheel.name, tmp_path / "made", by)


def test_progress_is_the_originals_bytes(wheel: Path, tmp_path: Path) -> None:
    heard: list[int] = []
    by = Transcoding(
        recipe=RECIPES["fast"],
        memory=MemoryBudget(1 << 30),
        advance=heard.append,
        stopped=lambda: False,
    )
    transcode(wheel, wheel.name, tmp_path / "made", by)
    assert sum(heard) == wheel.stat().st_size


def test_memory_is_planned_as_it_is_used() -> None:
    fast, small = (
        Recipe(name="a", level=9, window_log=None),
        Recipe(name="b", level=9, window_log=26),
    )
    assert small.memory(1 << 30) - fast.memory(1 << 30) == (64 - 4) << 20
    assert fast.memory(100_000) == small.memory(100_000) == 500_000


def test_installers_read_what_every_recipe_makes() -> None:
    logs = [recipe.window_log for recipe in RECIPES.values() if recipe.window_log]
    assert logs
    assert max(logs) <= LARGEST_WINDOW_LOG
