"""Wheels given back: the originals as they were, transcoded ones deflated and checked."""

import hashlib
import random
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bootstrap import extract
from bootstrap.bundle import zips
from bootstrap.bundle.errors import DamagedBundleError, NoSpaceError, RefusedContentError
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import UnsafeTargetError
from bootstrap.events import Listener
from bootstrap.extract import extract_wheelhouse
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle, tiny_index
from tests.support.transcoding import add_folder, members, transcoded, varied_wheel

NAME = "demo-1.0-py3-none-any.whl"


@pytest.fixture
def original(tmp_path: Path) -> Path:
    wheel = varied_wheel(tmp_path)
    add_folder(wheel)
    return wheel


def bundle_of(original: Path) -> Path:
    """With that wheel, transcoded."""
    folder = original.parent
    return tiny_bundle(folder, wheel=transcoded(original, folder / "transcoded"), original=original)


def give_back(bundle: Path, folder: Path) -> Path:
    extract_wheelhouse(BundleReader.open(bundle), folder, Listener())
    return folder / "wheelhouse" / NAME


def locked(folder: Path) -> dict[str, Any]:
    lock = tomllib.loads((folder / "pylock.toml").read_text())
    (package,) = lock["packages"]
    (wheel,) = package["wheels"]
    return dict(wheel)


def test_a_transcoded_wheel_comes_back_as_an_ordinary_one(original: Path, tmp_path: Path) -> None:
    made = give_back(bundle_of(original), tmp_path / "out")
    assert members(made) == members(original)
    with zipfile.ZipFile(made) as archive:
        assert archive.testzip() is None
        assert {i.compress_type for i in archive.infolist()} == {zipfile.ZIP_DEFLATED}
    told = locked(tmp_path / "out")
    assert told["path"] == f"wheelhouse/{NAME}"
    assert told["size"] == made.stat().st_size
    assert told["hashes"] == {"sha256": hashlib.sha256(made.read_bytes()).hexdigest()}
    assert [path.name for path in made.parent.iterdir()] == [NAME]


def test_it_is_the_same_every_time(original: Path, tmp_path: Path) -> None:
    bundle = bundle_of(original)
    one, two = give_back(bundle, tmp_path / "one"), give_back(bundle, tmp_path / "two")
    assert one.read_bytes() == two.read_bytes()
    assert (tmp_path / "one/pylock.toml").read_text() == (tmp_path / "two/pylock.toml").read_text()


def test_an_original_comes_back_byte_for_byte(original: Path, tmp_path: Path) -> None:
    made = give_back(tiny_bundle(tmp_path, wheel=original), tmp_path / "out")
    assert made.read_bytes() == original.read_bytes()
    told = locked(tmp_path / "out")
    assert told["size"] == original.stat().st_size
    assert told["hashes"] == {"sha256": hashlib.sha256(original.read_bytes()).hexdigest()}


def test_a_large_member_keeps_its_64_bit_fields(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(zips.zipfile, "ZIP64_LIMIT", 1_000_000)
        made = give_back(bundle_of(original), tmp_path / "out")
    assert members(made) == members(original)


def test_what_somebody_has_put_beside_the_wheels_stays(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(wheelhouse: Path) -> None:
        (wheelhouse / "thesis.txt").write_text("years of work")
        raise KeyboardInterrupt

    monkeypatch.setattr(extract, "bring_to_disk", interrupt)
    with pytest.raises(KeyboardInterrupt):
        give_back(bundle_of(original), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["wheelhouse", "thesis.txt"]


def with_record(folder: Path, rows: str) -> Path:
    files = {"demo/a.py": b"1", "demo-1.0.dist-info/RECORD": rows.encode()}
    return make_wheel(folder, "demo", "1.0", files)


@pytest.mark.parametrize(
    ("rows", "error", "told"),
    [
        ("demo-1.0.dist-info/RECORD,,\n", RefusedContentError, "record-unlisted"),
        ("demo/a.py,sha256=,1\n", RefusedContentError, "record-hash"),
        ("demo/a.py,crc7=abc,1\n", RefusedContentError, "record-weak-hash"),
    ],
)
def test_a_record_that_says_nothing_is_refused(
    tmp_path: Path, rows: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        give_back(bundle_of(with_record(tmp_path, rows)), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_member_that_is_not_as_in_its_record(tmp_path: Path) -> None:
    rows = "".join(
        f"{path},sha256={'A' * 43},\n"
        for path in ("demo-1.0.dist-info/METADATA", "demo-1.0.dist-info/WHEEL", "demo/a.py")
    )
    bundle = bundle_of(with_record(tmp_path, rows + "demo-1.0.dist-info/RECORD,,\n"))
    with pytest.raises(DamagedBundleError, match="METADATA is not as in its RECORD"):
        give_back(bundle, tmp_path / "out")


def test_another_record_than_the_indexs(original: Path, tmp_path: Path) -> None:
    made = transcoded(original, tmp_path / "transcoded")
    index = tiny_index(wheel=made, original=original)
    (wheel,) = index.wheels
    wheel = msgspec.structs.replace(wheel, record_sha256="00" * 32)
    group = msgspec.structs.replace(index.groups[0], wheels=(wheel,))
    index = msgspec.structs.replace(index, groups=(group,))
    bundle = tiny_bundle(tmp_path, index, wheel=made)
    with pytest.raises(DamagedBundleError, match="its RECORD was changed"):
        give_back(bundle, tmp_path / "out")


def test_a_flipped_bit_is_damage_and_leaves_nothing(original: Path, tmp_path: Path) -> None:
    bundle = bundle_of(original)
    reader = BundleReader.open(bundle)
    entry = reader.index.wheels[0].entry
    data, chance = bundle.read_bytes(), random.Random(3)  # noqa: S311
    for number in range(20):
        place = reader.payload_offset + entry.offset + chance.randrange(entry.size - 2000)
        bundle.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        with pytest.raises(DamagedBundleError, match="demo-1"):
            give_back(bundle, tmp_path / f"out{number}")
        assert list((tmp_path / f"out{number}").iterdir()) == []


def test_a_folder_with_something_in_it_is_refused(original: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsafeTargetError, match="is not empty"):
        give_back(tiny_bundle(tmp_path, wheel=original), tmp_path)


def test_a_full_disk_leaves_nothing(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bootstrap.extract.write_deflated", full)
    with pytest.raises(NoSpaceError, match="became full while extracting demo-1"):
        give_back(bundle_of(original), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_progress_reaches_its_end(original: Path, tmp_path: Path) -> None:
    class Counting(Listener):
        done, total = 0, 0

        def phase(self, name: str, total: int) -> None:
            del name
            self.total = total

        def advance(self, count: int) -> None:
            self.done += count

    heard = Counting()
    bundle = tiny_bundle(tmp_path, wheel=original)
    extract_wheelhouse(BundleReader.open(bundle), tmp_path / "out", heard)
    assert heard.done == heard.total == original.stat().st_size
