"""The small stack, built once by the real builder, for every test that needs a bundle."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.bundle.model import Index, decode_index
from tests.support.commands import run_builder
from tests.support.debian import require_root
from tests.support.machine import STICK
from tests.support.minimal_root import MinimalRoot, open_minimal_root
from tests.support.small_stack import NEWER_CLICK, VARIANT, SmallBundle, lock_small_stack


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    """``SmallStack-cpu.run`` and all that it was made from. Look, do not touch."""
    folder = tmp_path_factory.mktemp("small")
    manifest = lock_small_stack(folder)
    return built(SmallBundle(manifest=manifest, cache=folder / "cache", output=folder / "dist"))


@pytest.fixture(scope="session")
def newer(small: SmallBundle, tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    """Its version 1.1.0, in which one package is another. Look, do not touch."""
    folder = tmp_path_factory.mktemp("newer")
    manifest = lock_small_stack(folder, version="1.1.0", click=NEWER_CLICK)
    return built(SmallBundle(manifest=manifest, cache=small.cache, output=folder / "dist"))


def built(bundle: SmallBundle) -> SmallBundle:
    done = run_builder(
        *("--cuda", VARIANT, "--runtime", "host"),
        *("--manifest", bundle.manifest, "--cache", bundle.cache, "--output", bundle.output),
    )
    assert done.returncode == 0, done.stderr
    return bundle


@pytest.fixture
def root(small: SmallBundle, tmp_path: Path) -> Iterator[MinimalRoot]:
    """A machine with the stick plugged in."""
    (tmp_path / "root").mkdir()
    with open_minimal_root(tmp_path / "root") as opened:
        opened.copy_in(small.installer, STICK)
        yield opened


@pytest.fixture
def index(small: SmallBundle) -> Index:
    return decode_index((small.beside / "bundle.json").read_bytes())


@pytest.fixture
def work(small: SmallBundle, tmp_path: Path) -> SmallBundle:
    """The same manifest, lock, cache and stub, to be spoilt; nothing is built yet."""
    shutil.copytree(small.manifest.parent / "locks", tmp_path / "locks")
    shutil.copytree(small.cache, tmp_path / "cache")
    manifest = tmp_path / small.manifest.name
    shutil.copyfile(small.manifest, manifest)
    return SmallBundle(manifest=manifest, cache=tmp_path / "cache", output=tmp_path / "dist")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    require_root()
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)
