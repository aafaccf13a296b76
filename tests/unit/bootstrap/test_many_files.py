"""However many files there are, few of them lie in memory, and nothing is lost on the way."""

from collections import deque
from pathlib import Path

import msgspec
import pytest

from bootstrap import inventory, parallel
from bootstrap.bundle.policy import Allowance
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import InstallError
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install import written
from bootstrap.install.earlier import Earlier
from bootstrap.install.wheels import install_wheels
from bootstrap.install.written import WrittenFiles
from tests.support.effort import highest_memory, lasting_memory
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle, tiny_index

# In Python each path takes some 150 bytes, and so does each hash.
_BYTES_A_FILE = 60
_FOLDERS, _FILES = 40, 100


@pytest.fixture
def generation(tmp_path: Path) -> Generation:
    made = Generation(root=tmp_path, name="g", target="linux_x86_64", python_version="3.11")
    made.folder.mkdir(parents=True)
    return made


def fill(generation: Generation, written_files: WrittenFiles, count: int) -> None:
    folder = f"{generation.folder}/some"
    for number in range(count):
        name = f"folder_{number % 7}/and_a_longer_name_{number:06d}.py"
        written_files.add(f"{folder}/{name}", f"sha256={number:043d}")


def install(reader: BundleReader, target: Path) -> WrittenFiles:
    made = Generation(root=target, name="g", target="linux_x86_64", python_version="3.11")
    made.folder.mkdir(parents=True)
    return install_wheels(reader, made, Earlier.none(), Listener())


def test_rows_come_back_in_order(generation: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "_MOST", 16)
    many = WrittenFiles(generation)
    fill(generation, many, 100)
    for name in ("b", "a.d/x", "a/x", 'odd "é, \udce9\n.py'):
        many.add(str(generation.folder / name), "sha256=x")
    rows = list(many)
    assert len(rows) == 104
    assert rows == sorted(rows, key=lambda row: inventory.order(row[0]))
    assert ('odd "é, \udce9\n.py', "sha256=x") in rows
    # Once more, as for bytecode and then for the inventory.
    assert list(many) == rows
    # Nothing of it is in the way of the inventory, or stays.
    assert [path.name for path in generation.root.iterdir()] == ["generations"]
    assert not any(generation.folder.iterdir())


def test_written_files_take_no_memory(
    generation: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "_MOST", 1000)
    count = 20_000
    many = WrittenFiles(generation)

    def work() -> None:
        fill(generation, many, count)
        deque(many, maxlen=0)

    assert highest_memory(work) < count * _BYTES_A_FILE


def test_installed_files_take_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "_MOST", 500)
    count = 4000
    files = {f"demo/folder_{n % 9}/module_{n:05d}.py": b"x" for n in range(count)}
    reader = BundleReader.open(
        tiny_bundle(tmp_path, wheel=make_wheel(tmp_path, "demo", "1.0", files))
    )
    # What is imported meanwhile is there the second time.
    install(reader, tmp_path / "first")
    # The wheel's own directory is gone again with the wheel.
    assert lasting_memory(lambda: install(reader, tmp_path / "second")) < count * _BYTES_A_FILE


def test_an_inventory_takes_no_memory(
    generation: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "_AHEAD", 64)
    for number in range(_FOLDERS):
        folder = generation.folder / f"a_folder_with_a_name_{number:03d}"
        folder.mkdir()
        for name in range(_FILES):
            (folder / f"module_with_a_name_{name:03d}.py").write_bytes(b"x")
    items = list(inventory.take(generation.places, []))
    lines = b"".join(inventory.encode(items))
    assert len(items) == _FOLDERS * _FILES
    generation.inventory.write_bytes(lines)
    known = [(item.path, item.hash) for item in items]
    del items

    def take() -> None:
        deque(inventory.encode(inventory.take(generation.places, known)), maxlen=0)

    def compare() -> None:
        items = inventory.read(generation.inventory)
        drift = inventory.compare(generation.places, items, deep=False, progress=lambda _: None)
        assert drift.count == _FOLDERS * _FILES
        assert not drift

    def look_for_others() -> None:
        items = inventory.read(generation.inventory)
        assert list(inventory.additions(generation.places, items)) == []

    for work in (take, compare, look_for_others):
        assert highest_memory(work) < _FOLDERS * _FILES * _BYTES_A_FILE, work.__name__


@pytest.mark.parametrize("size", [10, 9 << 20])
def test_what_two_wheels_bring_must_be_the_same(tmp_path: Path, size: int) -> None:
    """Here one wheel brings a file twice, which comes to the same."""
    for other, refused in (b"x", False), (b"y", True):
        folder = tmp_path / f"{size}-{refused}"
        folder.mkdir()
        files = {
            "demo/data.bin": b"x" * size,
            "demo-1.0.data/purelib/demo/data.bin": b"x" * (size - 1) + other,
        }
        wheel = make_wheel(folder, "demo", "1.0", files)
        index = tiny_index(wheel=wheel)
        allowance = Allowance(
            filename=wheel.name,
            sha256=index.wheels[0].sha256,
            rules=("name-collision",),
            reason="It stands for two wheels.",
        )
        index = msgspec.structs.replace(index, allowances=(allowance,))
        reader = BundleReader.open(tiny_bundle(folder, index, wheel=wheel))
        if refused:
            with pytest.raises(InstallError, match="Two wheels bring demo/data"):
                install(reader, folder)
        else:
            known = list(install(reader, folder))
            assert len(known) == len({path for path, _ in known})
