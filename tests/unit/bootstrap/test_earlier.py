"""What an earlier generation has is taken from there only if it is the very same."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap import inventory
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import InstallError
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.install.wheels import install_wheels
from bootstrap.install.written import WrittenFiles
from bootstrap.storage import Lender
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle

LARGE = "demo/large.bin"
FILES = {
    "demo/__init__.py": b"x = 1\n",
    # More than what is written apart from the rest of its wheel.
    LARGE: bytes(range(256)) * (33 << 10),
    "demo-1.0.data/scripts/demo": b"#!python\nprint(1)\n",
}


class World:
    """A bundle, and a target in which it is installed once."""

    def __init__(self, folder: Path) -> None:
        self.reader = BundleReader.open(
            tiny_bundle(folder, wheel=make_wheel(folder, "demo", "1.0", FILES))
        )
        self.target = folder / "target"
        self.old = self.generation("old")
        install_wheels(self.reader, self.old, Earlier.none(), Listener())

    def generation(self, name: str) -> Generation:
        return Generation(root=self.target, name=name, target="linux_x86_64", python_version="3.11")

    def file(self, name: str, path: str = LARGE) -> Path:
        return self.generation(name).site_packages / path

    def upgrade(self) -> WrittenFiles:
        new = self.generation("new")
        earlier = Earlier.of(self.old, new.folder, stays=False)
        return install_wheels(self.reader, new, earlier, Listener())

    def shares(self, path: str = LARGE) -> bool:
        return self.file("old", path).samefile(self.file("new", path))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_is_the_same_is_shared(world: World) -> None:
    known = world.upgrade()
    assert world.shares(LARGE)
    assert world.shares("demo/__init__.py")
    # It says where its interpreter is, which is another one.
    script = world.generation("new").scripts / "demo"
    assert str(world.generation("new").home_python) in script.read_text()
    folder = world.generation("new").folder
    for path, record_hash in known:
        assert inventory.hash_file(str(folder / path)) == record_hash


def change_unseen(path: Path) -> None:
    """The same size and times as before."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"?")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace_by_link(path: Path) -> None:
    twin = path.with_name("twin")
    path.rename(twin)
    path.symlink_to(twin)


def make_executable(path: Path) -> None:
    path.chmod(0o755)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def forbid(path: Path) -> None:
    """Also to root: a folder is no file."""
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "harm", [change_unseen, replace_by_link, make_executable, empty, forbid, Path.unlink]
)
def test_what_differs_comes_from_the_bundle(world: World, harm: Callable[[Path], object]) -> None:
    harm(world.file("old"))
    world.upgrade()
    new = world.file("new")
    assert new.read_bytes() == FILES[LARGE]
    assert not new.is_symlink()
    assert new.stat().st_mode & 0o111 == 0
    assert world.shares("demo/__init__.py")


def give_to_another(path: Path) -> None:
    os.chown(path, 4711, 4711)


def open_to_all(path: Path) -> None:
    path.chmod(0o666)


def mark(path: Path) -> None:
    path.chmod(0o4644)


def back_up(path: Path) -> None:
    path.with_name("backup").hardlink_to(path)


def lead_elsewhere(path: Path) -> None:
    """The user works on the package, in a folder of his own."""
    own = path.parent.rename(path.parents[4] / "work")
    path.parent.symlink_to(own)


@pytest.mark.skipif(os.name == "nt", reason="it has none of this")
@pytest.mark.parametrize("harm", [give_to_another, open_to_all, mark, back_up, lead_elsewhere])
def test_only_what_is_like_a_new_file_is_shared(
    world: World, harm: Callable[[Path], object]
) -> None:
    """The content is right, but the file is not, or not ours alone."""
    if harm is give_to_another and os.geteuid() != 0:
        pytest.skip("only root gives files away")
    harm(world.file("old"))
    world.upgrade()
    new = world.file("new")
    assert not world.shares()
    assert new.read_bytes() == FILES[LARGE]
    assert new.stat().st_uid == os.geteuid()
    assert new.stat().st_mode & 0o7133 == 0


@pytest.mark.skipif(os.name == "nt", reason="it has no umask")
def test_another_umask_holds_for_all_files(world: World) -> None:
    before = os.umask(0o077)
    try:
        world.upgrade()
    finally:
        os.umask(before)
    assert {world.file("new", path).stat().st_mode & 0o777 for path in list(FILES)[:2]} == {0o600}


def test_a_generation_that_is_gone_has_nothing(world: World) -> None:
    shutil.rmtree(world.old.folder)
    world.upgrade()
    assert world.file("new").read_bytes() == FILES[LARGE]


def test_what_is_there_already_stays(world: World) -> None:
    """Another wheel has brought it; whether it is the same is asked when all are there."""
    there = world.file("new")
    there.parent.mkdir(parents=True)
    there.write_bytes(b"another")
    with pytest.raises(InstallError, match="Two wheels bring demo/large"):
        world.upgrade()
    assert there.read_bytes() == b"another"


def test_across_file_systems_it_is_a_copy(tmp_path: Path) -> None:
    shared = Path("/dev/shm")  # noqa: S108 (of all file systems the one that is always another)
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    source, to = shared / f"llmsetup-test-{os.getpid()}", tmp_path / "to"
    source.write_bytes(b"content")
    try:
        assert Lender().lend(str(source), str(to), executable=True)
    finally:
        source.unlink()
    assert to.read_bytes() == b"content"
    assert to.stat().st_mode & 0o777 == 0o755
