"""A payload in volumes: read across their borders, and each fault is told by its number."""

import errno
import io
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bootstrap.bundle.errors import DamagedBundleError, ExitCode
from bootstrap.bundle.model import Index, decode_index, encode_index
from bootstrap.bundle.reader import BundleReader
from bootstrap.events import Listener
from bootstrap.extract import extract_wheelhouse
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.install.wheels import install_wheels
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle, tiny_index


def volume(path: Path, number: int) -> Path:
    return path.parent / f"tiny.7z.{number:03d}"


def payload(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob("tiny.7z.*")))


def check_all(path: Path) -> None:
    reader = BundleReader.open(path)
    reader.require_volumes()
    reader.verify_volumes(lambda _: None, lambda _: None)
    reader.verify_rest()


@pytest.mark.parametrize("size", [1, 5, 31, 32, 33, 100, 500, 10_000])
def test_members_are_read_across_borders(tmp_path: Path, size: int) -> None:
    reader = BundleReader.open(tiny_bundle(tmp_path, volume_size=size))
    reader.require_volumes()
    whole = payload(reader.path)
    seen: list[int] = []
    for entry in reader.index.entries:
        reader.verify_entry(entry, seen.append)
        with reader.open_entry(entry) as file:
            assert file.read() == whole[entry.offset : entry.offset + entry.size]
    assert sum(seen) == sum(entry.size for entry in reader.index.entries)
    assert reader.read_entry(reader.index.documents[0]) == b"read me\n"
    check_all(reader.path)


def test_the_index_is_read_without_volumes(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path, volume_size=100)
    for file in tmp_path.glob("*.7z.*"):
        file.unlink()
    reader = BundleReader.open(path)
    assert len(reader.index.volumes) == 6
    reader.verify_rest()
    with pytest.raises(DamagedBundleError) as caught:
        reader.require_volumes()
    assert caught.value.message == (
        "tiny.run needs its 6 volumes, tiny.7z.001 to tiny.7z.006, and none of them lies beside it."
    )
    assert caught.value.remedy == f"Copy all of them beside {path}."


def remove(path: Path) -> None:
    volume(path, 3).unlink()


def cut_off(path: Path) -> None:
    volume(path, 3).write_bytes(volume(path, 3).read_bytes()[:-1])


def append(path: Path) -> None:
    volume(path, 3).write_bytes(volume(path, 3).read_bytes() + b"x")


def swap(path: Path) -> None:
    third, fourth = volume(path, 3).read_bytes(), volume(path, 4).read_bytes()
    volume(path, 3).write_bytes(fourth)
    volume(path, 4).write_bytes(third)


def take_from_another_build(path: Path) -> None:
    volume(path, 3).write_bytes(b"y" * volume(path, 3).stat().st_size)


def make_a_folder(path: Path) -> None:
    volume(path, 3).unlink()
    volume(path, 3).mkdir()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (remove, "volume 3 of 6 (tiny.7z.003) is missing"),
        (cut_off, "volume 3 of 6 (tiny.7z.003) is cut off (has 99 of 100 bytes)"),
        (append, "volume 3 of 6 (tiny.7z.003) is too long (has 101 of 100 bytes)"),
        (take_from_another_build, "volume 3 of 6 (tiny.7z.003) begins with other bytes"),
        (make_a_folder, "volume 3 of 6 (tiny.7z.003) is no ordinary file"),
    ],
)
def test_a_wrong_volume_is_told_at_once(
    tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    path = tiny_bundle(tmp_path, volume_size=100)
    spoil(path)
    reader = BundleReader.open(path)
    with pytest.raises(DamagedBundleError) as caught:
        reader.require_volumes()
    assert caught.value.exit_code is ExitCode.DAMAGED
    assert caught.value.message.startswith(f"tiny.run: {told}")
    assert caught.value.remedy == f"Copy only that file again, beside {path}."


def test_all_wrong_volumes_are_told_together(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path, volume_size=100)
    swap(path)
    volume(path, 1).unlink()
    with pytest.raises(DamagedBundleError) as caught:
        BundleReader.open(path).require_volumes()
    assert caught.value.message == (
        "tiny.run: volume 1 of 6 (tiny.7z.001) is missing; "
        "volume 3 of 6 (tiny.7z.003) has the content of volume 4: they were swapped; "
        "volume 4 of 6 (tiny.7z.004) has the content of volume 3: they were swapped."
    )
    assert caught.value.remedy == f"Copy only these files again, beside {path}."


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A bundle whose volumes are larger than their heads."""
    noise = random.Random(1).randbytes(500_000)  # noqa: S311
    wheel = make_wheel(tmp_path, "demo", "1.0", {"demo/noise.bin": noise, "demo/__init__.py": b""})
    (tmp_path / "stick").mkdir()
    return tiny_bundle(tmp_path / "stick", wheel=wheel, volume_size=150_000)


def flip(path: Path, number: int, place: int) -> None:
    data = bytearray(volume(path, number).read_bytes())
    data[place] ^= 1
    volume(path, number).write_bytes(data)


DAMAGED = r"volume 3 of 4 \(tiny\.7z\.003\) is damaged; wheels/demo-1\.0-\S+ lies there"


def test_a_flipped_byte_is_named_by_whoever_reads_it(large: Path, tmp_path: Path) -> None:
    flip(large, 3, 100_000)
    reader = BundleReader.open(large)
    reader.require_volumes()
    entry = reader.index.wheels[0].entry
    with pytest.raises(DamagedBundleError, match=DAMAGED) as caught:
        reader.verify_entry(entry, lambda _: None)
    assert caught.value.remedy == f"Copy only that file again, beside {large}."
    with pytest.raises(DamagedBundleError, match=DAMAGED):
        extract_wheelhouse(reader, tmp_path / "out", Listener())
    assert list((tmp_path / "out").rglob("*.whl")) == []
    generation = Generation(
        root=tmp_path / "target", name="1", target="linux_x86_64", python_version="3.11"
    )
    with pytest.raises(DamagedBundleError, match=DAMAGED):
        install_wheels(reader, generation, Earlier.none(), Listener())
    with pytest.raises(DamagedBundleError, match=r"\(tiny\.7z\.003\) is damaged\.$"):
        check_all(large)


def test_a_volume_that_vanishes_meanwhile_is_named(large: Path) -> None:
    reader = BundleReader.open(large)
    reader.require_volumes()
    volume(large, 3).unlink()
    with pytest.raises(DamagedBundleError, match=r"volume 3 of 4 \(tiny\.7z\.003\) is missing"):
        reader.verify_entry(reader.index.wheels[0].entry, lambda _: None)


def test_a_disk_that_cannot_read_is_told_with_the_volume(
    large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = io.open

    def check(file: object) -> None:
        if file == volume(large, 3):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(file))

    def open_checked(file: Any, *more: Any, **named: Any) -> Any:
        check(file)
        return usual(file, *more, **named)

    class Checked(io.FileIO):
        def __init__(self, file: Path) -> None:
            check(file)
            super().__init__(file)

    reader = BundleReader.open(large)
    monkeypatch.setattr(io, "open", open_checked)
    monkeypatch.setattr(io, "FileIO", Checked)
    told = r"volume 3 of 4 \(tiny\.7z\.003\) cannot be read \(Input/output error\)"
    for read in (
        reader.require_volumes,
        lambda: reader.verify_entry(reader.index.wheels[0].entry, lambda _: None),
        lambda: reader.verify_volumes(lambda _: None, lambda _: None),
    ):
        with pytest.raises(DamagedBundleError, match=told):
            read()


def test_every_byte_of_every_volume_is_checked(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path, volume_size=200)
    for number in (1, 2, 3):
        good = volume(path, number).read_bytes()
        for place in range(len(good)):
            flip(path, number, place)
            with pytest.raises(DamagedBundleError, match=f"volume {number} of 3"):
                check_all(path)
            volume(path, number).write_bytes(good)
    check_all(path)


def test_an_installer_finds_its_volumes_under_any_name(tmp_path: Path) -> None:
    path = tiny_bundle(tmp_path, volume_size=100)
    check_all(path.rename(tmp_path / "renamed (1).run"))


def test_volumes_and_installer_of_two_builds_do_not_go_together(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        wheel = make_wheel(tmp_path, "demo", "1.0", {"demo/x.py": name.encode() * 30})
        tiny_bundle(tmp_path / name, wheel=wheel, volume_size=100)
    shutil.copyfile(tmp_path / "one/tiny.run", tmp_path / "two/tiny.run")
    with pytest.raises(DamagedBundleError, match="it is from another bundle"):
        BundleReader.open(tmp_path / "two/tiny.run").require_volumes()


def with_volume(index: Index, **changes: object) -> bytes:
    data = msgspec.json.decode(encode_index(index))
    volume = {"name": "a.7z.001", "size": 5, "sha256": "00", "head_sha256": "00", **changes}
    return msgspec.json.encode({**data, "volumes": [volume]})


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../a.7z.001"},
        {"name": "/a.7z.001"},
        {"name": "..\\a.7z.001"},
        {"name": "C:a.7z.001"},
        {"name": "a.7z.001\n"},
        {"name": "install.json"},
        {"size": 0},
    ],
    ids=str,
)
def test_a_volume_that_could_lie_elsewhere_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(DamagedBundleError, match=r"volumes\[0\]"):
        decode_index(with_volume(tiny_index(), **change))
    assert decode_index(with_volume(tiny_index())).volumes[0].name == "a.7z.001"
