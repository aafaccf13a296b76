"""Whatever is wrong with a wheel inside a bundle is told as what it is."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from bootstrap.bundle.errors import DamagedBundleError, RefusedContentError
from bootstrap.bundle.reader import BundleReader
from bootstrap.crew import Crew, Task
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install import wheels
from bootstrap.install.earlier import Earlier
from bootstrap.install.wheels import install_wheels
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle
from tests.support.transcoding import transcoded

# Small ones are checked before they are written, large ones while they are.
FILES = {
    "demo/__init__.py": b"x = 1\n" * 50,
    "demo/large.bin": random.Random(1).randbytes(1_200_000),  # noqa: S311
    "demo/text.txt": b"the same again and again\n" * 60_000,
    "demo-1.0.data/scripts/demo": b"#!python\nprint(1)\n",
    "demo-1.0.dist-info/entry_points.txt": b"[console_scripts]\ndemo2 = demo:x\n",
}
ROUNDS = 400


def generation(folder: Path) -> Generation:
    return Generation(root=folder, name="1", target="linux_x86_64", python_version="3.11")


def installed(folder: Path) -> dict[str, bytes]:
    site = generation(folder).site_packages
    return {str(p.relative_to(site)): p.read_bytes() for p in site.rglob("*") if p.is_file()}


@pytest.fixture(params=["store", "fast"])
def bundle(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    wheel = make_wheel(tmp_path, "demo", "1.0", FILES)
    if request.param == "store":
        return tiny_bundle(tmp_path, wheel=wheel)
    return tiny_bundle(tmp_path, wheel=transcoded(wheel, tmp_path / "made"), original=wheel)


def install(bundle: Path, folder: Path) -> None:
    install_wheels(BundleReader.open(bundle), generation(folder), Earlier.none(), Listener())


def test_an_intact_one_is_installed(bundle: Path, tmp_path: Path) -> None:
    install(bundle, tmp_path / "target")
    found = installed(tmp_path / "target")
    assert found["demo/text.txt"] == FILES["demo/text.txt"]
    assert (generation(tmp_path / "target").scripts / "demo").stat().st_mode & 0o111


def flip(bundle: Path, place: int, mask: int) -> None:
    with bundle.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ mask]))


def test_one_flipped_bit_is_damage_or_of_no_consequence(bundle: Path, tmp_path: Path) -> None:
    """Of no consequence are bits that nobody reads, such as the time in a member's own header."""
    reader = BundleReader.open(bundle)
    entry = reader.index.wheels[0].entry
    start = reader.payload_offset + entry.offset
    target = tmp_path / "target"
    install(bundle, target)
    good = installed(target)
    chance, outcomes = random.Random(2), Counter[str]()  # noqa: S311
    # Half of them at the end, where the zip's directory is.
    ends = [entry.size - 1 - chance.randrange(900) for _ in range(ROUNDS // 2)]
    for place in [chance.randrange(entry.size) for _ in range(ROUNDS // 2)] + ends:
        mask = 1 << chance.randrange(8)
        shutil.rmtree(target, ignore_errors=True)
        flip(bundle, start + place, mask)
        try:
            install(bundle, target)
        except DamagedBundleError as error:
            outcomes[error.message.partition(")")[0]] += 1
        else:
            assert installed(target) == good
            outcomes["fine"] += 1
        flip(bundle, start + place, mask)
    where = f"{bundle.name}: {entry.name} (at offset {start}, {entry.size:,} bytes"
    assert set(outcomes) <= {"fine", where}
    # No bit of the directory is of no consequence: it holds the modes, which RECORD does not.
    assert outcomes[where] > ROUNDS * 0.95


def test_a_mode_that_was_changed_is_damage(bundle: Path, tmp_path: Path) -> None:
    reader = BundleReader.open(bundle)
    (wheel,) = reader.index.wheels
    first = reader.payload_offset + wheel.entry.offset + wheel.directory.offset
    # APPNOTE.TXT, 4.3.12: external file attributes; the upper half is the mode.
    flip(bundle, first + 38 + 2, 0o100)
    with pytest.raises(DamagedBundleError, match="its directory was changed"):
        install(bundle, tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"demo-1.0.dist-info/RECORD": b"demo-1.0.dist-info/RECORD,,\n"}, "record-unlisted"),
        ({"../outside.py": b""}, "name-traversal"),
        ({"demo-1.0.data/scripts/../../../outside": b"x"}, "name-traversal"),
    ],
    ids=["unlisted", "traversal", "script traversal"],
)
def test_an_intact_but_hostile_one_is_refused(
    tmp_path: Path, files: dict[str, bytes], told: str
) -> None:
    wheel = make_wheel(tmp_path, "demo", "1.0", {"demo/__init__.py": b"", **files})
    bundle = tiny_bundle(tmp_path, wheel=wheel)
    with pytest.raises(RefusedContentError, match=told):
        install(bundle, tmp_path / "target")
    assert not list(tmp_path.rglob("outside*"))


def told_of(hostile: bytes, original: Path, folder: Path) -> Exception:
    """What installing says of a wheel that is as the bundle has it, but not as it was."""
    wheel = folder / "hostile" / original.name
    wheel.parent.mkdir()
    wheel.write_bytes(hostile)
    bundle = tiny_bundle(folder, wheel=wheel, original=original)
    with pytest.raises((DamagedBundleError, RefusedContentError)) as told:
        install(bundle, folder / "target")
    return told.value


def in_directory(offset: int, value: bytes) -> Callable[[bytes], bytes]:
    """The directory tells something else of the RECORD, which comes last."""

    def change(data: bytes) -> bytes:
        place = data.rindex(b"PK\1\2") + offset
        return data[:place] + value + data[place + len(value) :]

    return change


def spoil_record(data: bytes) -> bytes:
    """A block of a kind that deflate does not have."""
    place = data.rindex(b"demo-1.0.dist-info/RECORD", 0, data.index(b"PK\1\2"))
    place += len("demo-1.0.dist-info/RECORD")
    return data[:place] + b"\xff" + data[place + 1 :]


# PKWARE's APPNOTE.TXT, 4.3.12: method, uncompressed size.
@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (in_directory(10, b"\x61"), "method-unsupported"),
        (in_directory(24, b"\xfe\xff\xff\xff"), "bomb"),
        (spoil_record, "content-damaged"),
    ],
    ids=["method", "size", "RECORD"],
)
def test_what_no_archive_has_is_no_bug(
    tmp_path: Path, harm: Callable[[bytes], bytes], why: str
) -> None:
    wheel = make_wheel(tmp_path, "demo", "1.0", FILES)
    assert why in str(told_of(harm(wheel.read_bytes()), wheel, tmp_path))


@pytest.mark.parametrize("row", ["md5=AAAA", "shake_128=AAAA", "rot13=AAAA", "AAAA"])
def test_a_weak_hash_is_none(tmp_path: Path, row: str) -> None:
    rows = f"demo/__init__.py,{row},4\n" + "".join(
        f"demo-1.0.dist-info/{name},{row},\n" for name in ("METADATA", "WHEEL", "RECORD")
    )
    files = {"demo/__init__.py": b"true", "demo-1.0.dist-info/RECORD": rows.encode()}
    wheel = make_wheel(tmp_path, "demo", "1.0", files)
    with pytest.raises(RefusedContentError, match="record-weak-hash"):
        install(tiny_bundle(tmp_path, wheel=wheel), tmp_path / "target")


def test_a_row_that_lies_is_refused(tmp_path: Path) -> None:
    rows = "demo/__init__.py,sha256=AAAA,4\n" + "".join(
        f"demo-1.0.dist-info/{name},,\n" for name in ("METADATA", "WHEEL", "RECORD")
    )
    files = {"demo/__init__.py": b"true", "demo-1.0.dist-info/RECORD": rows.encode()}
    wheel = make_wheel(tmp_path, "demo", "1.0", files)
    with pytest.raises(RefusedContentError, match=r"record-no-hash"):
        install(tiny_bundle(tmp_path, wheel=wheel), tmp_path / "target")


def test_stopping_does_not_wait_for_a_hash(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Crew):
        def __init__(self, size: int, tasks: Iterable[Task]) -> None:
            super().__init__(size, tasks)
            self.stop.set()

    monkeypatch.setattr(wheels, "Crew", Stopped)
    install(bundle, tmp_path / "target")
    assert not (tmp_path / "target").exists()
