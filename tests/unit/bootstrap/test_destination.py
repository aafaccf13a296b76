"""What is written is written whole, or told; and it is counted."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap import inventory
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import NoSpaceError
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.install.wheels import install_wheels
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle

if sys.platform == "win32":
    pytest.skip("Windows has no limit of this kind", allow_module_level=True)

import resource

LIMIT = 100 << 10


def generation(folder: Path, name: str) -> Generation:
    return Generation(root=folder, name=name, target="linux_x86_64", python_version="3.11")


@pytest.fixture
def largest_file() -> Iterator[None]:
    """The system takes the first part of what is longer, and complains of the next."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("largest_file")
@pytest.mark.parametrize("more", [1, LIMIT // 2])
def test_a_file_cut_off_by_the_system_is_told(tmp_path: Path, more: int) -> None:
    # One piece, so that nothing is written after it.
    wheel = make_wheel(tmp_path, "demo", "1.0", {"demo/data.bin": bytes(LIMIT + more)})
    reader = BundleReader.open(tiny_bundle(tmp_path, wheel=wheel))
    new = generation(tmp_path, "new")
    with pytest.raises(NoSpaceError):
        install_wheels(reader, new, Earlier.none(), Listener())


class Counting(Listener):
    """What has been said to be done."""

    def __init__(self) -> None:
        self.done = 0
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        with self._lock:
            self.done += count


def test_what_is_told_adds_up_to_what_was_announced(tmp_path: Path) -> None:
    """Made up of all kinds: a script, an entry point's, a large file, what a later one has."""
    files = {
        "demo/__init__.py": b"x = 1\n",
        "demo/large.bin": bytes(9 << 20),
        "demo-1.0.data/scripts/demo": b"#!python\nprint(1)\n",
        "demo-1.0.dist-info/entry_points.txt": b"[console_scripts]\ndemo2 = demo:x\n",
    }
    reader = BundleReader.open(
        tiny_bundle(tmp_path, wheel=make_wheel(tmp_path, "demo", "1.0", files))
    )
    old, new = generation(tmp_path, "old"), generation(tmp_path, "new")
    listener = Counting()
    known = install_wheels(reader, old, Earlier.none(), listener)
    assert listener.done == reader.index.wheels[0].installed_size
    old.inventory.write_bytes(b"".join(inventory.encode(inventory.take(old.places, known))))
    install_wheels(reader, new, Earlier.of(old, new.folder, stays=False), listener)
    assert listener.done == 2 * reader.index.wheels[0].installed_size
