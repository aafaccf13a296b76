"""Whoever wants to stop need not wait for a large file: within a second, whatever is being done.

The files are of several GB, none of which is on a disk; whole they would take much longer.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from bootstrap import inventory, storage
from bootstrap.bundle.model import Entry
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.tarball import unpack_tar
from bootstrap.bundle.zips import tarfile
from bootstrap.crew import Crew
from bootstrap.extract import _describe
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.inventory import Item
from bootstrap.stopping import StoppedError
from bootstrap.storage import Lender, brought_to_disk
from tests.support.tiny_bundle import tiny_bundle

LARGE = 64 << 30
ALLOWED_SECONDS = 1.0

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the file would take its room there")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(LARGE)
    return path


@contextmanager
def soon(act: Callable[[], object]) -> Iterator[None]:
    """Do something while the body works, which must then be over at once."""
    acted = list[float]()

    def later() -> None:
        acted.append(time.monotonic())
        act()

    timer = threading.Timer(0.2, later)
    timer.start()
    try:
        yield
    finally:
        ended = time.monotonic()
        timer.cancel()
        timer.join()
    assert ended - acted[0] < ALLOWED_SECONDS


@contextmanager
def interrupted() -> Iterator[None]:
    """Somebody presses Ctrl-C while the body works."""
    main = threading.main_thread().ident
    assert main
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (
            pytest.raises(KeyboardInterrupt),
            soon(lambda: signal.pthread_kill(main, signal.SIGINT)),
        ):
            yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def nobody_left() -> Iterator[None]:
    """All threads of the body end at once, too: the program would wait for them at its end."""
    before = set(threading.enumerate())
    yield
    end = time.monotonic() + ALLOWED_SECONDS
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, end - time.monotonic()))
        assert not thread.is_alive()


def test_hashing_stops(large: Path) -> None:
    stop = threading.Event()
    with soon(stop.set), pytest.raises(StoppedError):
        inventory.has_hash(str(large), "sha256=x", stop)


def test_copying_stops_and_leaves_nothing(large: Path) -> None:
    stop, to = threading.Event(), large.with_name("copy")
    # With a second name, it may have no third.
    large.with_name("backup").hardlink_to(large)
    with soon(stop.set), pytest.raises(StoppedError):
        Lender().lend(str(large), str(to), executable=False, stop=stop)
    assert not to.exists()


def test_describing_a_wheel_stops(large: Path) -> None:
    reader = BundleReader.open(tiny_bundle(large.parent))
    transcoded = msgspec.structs.replace(reader.index.wheels[0], sha256="00" * 32)
    stop = threading.Event()
    with soon(stop.set), pytest.raises(StoppedError):
        _describe(transcoded, large, stop)


def test_a_crew_that_takes_from_an_earlier_generation_stops(large: Path) -> None:
    def generation(name: str) -> Generation:
        return Generation(
            root=large.parent, name=name, target="linux_x86_64", python_version="3.11"
        )

    old, new = generation("old"), generation("new")
    for made in (old, new):
        made.folder.mkdir(parents=True)
    large.rename(old.folder / "large.bin")
    earlier = Earlier.of(old, new.folder, stays=False)

    def take() -> None:
        full = str(new.folder / "large.bin")
        earlier.give(full, "sha256=x", LARGE, executable=False, stop=crew.stop)

    crew = Crew(1, [take])
    with nobody_left(), interrupted():
        crew.work(lambda: None)


@pytest.mark.parametrize("count", [1, 5])
def test_verifying_deep_stops(large: Path, count: int) -> None:
    item = Item(path="large.bin", hash="sha256=x", size=LARGE, times=(0, 0))
    with nobody_left(), interrupted():
        inventory.compare({"": large.parent}, [item] * count, deep=True, progress=lambda _: None)


def test_an_inventory_stops(large: Path) -> None:
    with interrupted():
        list(inventory.take({"": large.parent}, []))


def test_checking_a_medium_stops(large: Path) -> None:
    reader = BundleReader.open(tiny_bundle(large.parent))
    entry = Entry(name="large", offset=0, size=LARGE - reader.payload_offset, sha256="x")
    os.truncate(reader.path, LARGE)
    with interrupted():
        reader.verify_entry(entry, lambda _: None)


def test_unpacking_stops(tmp_path: Path) -> None:
    archive = tmp_path / "large.tar"
    member = tarfile.TarInfo("large")
    # As large as a runtime may be.
    member.size = 4 << 30
    archive.write_bytes(member.tobuf(tarfile.PAX_FORMAT))
    os.truncate(archive, tarfile.BLOCKSIZE + member.size)
    with interrupted(), tarfile.open(archive, mode="r|") as opened:
        unpack_tar(opened, tmp_path, name="large.tar", target="linux_x86_64")
    (tmp_path / "large").unlink()


def test_waiting_for_the_disk_stops(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system itself cannot be told to; but nobody waits for it."""
    released = threading.Event()

    def write(*_: object, **__: object) -> tuple[()]:
        released.wait(20)
        return ()

    monkeypatch.setattr(storage, "write_out", write)
    with interrupted(), brought_to_disk(large.parent, lambda: None):
        pass
    with interrupted():
        storage.bring_to_disk(large.parent)
    monkeypatch.setattr(storage, "write_out", lambda *_: ())
    monkeypatch.setattr(storage, "write_out_rest", write)
    with interrupted(), brought_to_disk(large.parent, lambda: None):
        pass
    released.set()
