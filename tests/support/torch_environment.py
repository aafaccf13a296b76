"""A small environment with a stand-in for torch, sealed as the installer does; and its faults."""

import shutil
import venv
from pathlib import Path

import msgspec

from bootstrap import torch_lock
from bootstrap.bundle.model import Group, Index
from bootstrap.bundle.reader import BundleReader
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.install.seal import write_inventory, write_pip_configuration, write_torch_watch
from bootstrap.install.wheels import install_wheels
from tests.support.small_stack import PYTHON, make_wheel
from tests.support.tiny_bundle import tiny_bundle, tiny_index

VERSION = "2.6.0"


def torch_files(build: str, version: str, cuda: str | None = None) -> dict[str, bytes]:
    """What is in a torch that says ``build`` of itself, with a script as the real one has."""
    script = b"[console_scripts]\ntorchrun = torch:main\n"
    return {
        "torch/__init__.py": b"",
        "torch/version.py": f"__version__ = '{build}'\ncuda: str | None = {cuda!r}\n".encode(),
        f"torch-{version}.dist-info/entry_points.txt": script,
    }


def torch_index(wheel: Path, version: str = VERSION) -> Index:
    """The index of a bundle that brings this one wheel."""
    index = tiny_index(wheel=wheel)
    demo = index.wheels[0]
    entry = msgspec.structs.replace(demo.entry, name=f"wheels/{wheel.name}")
    torch = msgspec.structs.replace(
        demo, name="torch", version=version, filename=wheel.name, entry=entry
    )
    return msgspec.structs.replace(index, groups=(Group(name="torch", wheels=(torch,)),))


class TorchEnvironment:
    """One generation with a torch of pip's own index: its version leaves out the build.

    Args:
        folder: an empty one.
        watch: with ``--watch-torch``.
    """

    def __init__(self, folder: Path, *, watch: bool = False) -> None:
        wheel = make_wheel(
            folder, "torch", VERSION, torch_files(f"{VERSION}+cu124", VERSION, "12.4")
        )
        self.index = torch_index(wheel)
        self.generation = Generation(
            root=folder / "my modèls", name="g1", target="linux_x86_64", python_version=PYTHON
        )
        venv.EnvBuilder(symlinks=True).create(self.generation.venv)
        reader = BundleReader.open(tiny_bundle(folder, self.index, wheel=wheel))
        known = install_wheels(reader, self.generation, Earlier.none(), Listener())
        torch_lock.write(self.index, self.generation)
        write_pip_configuration(self.index, self.generation)
        if watch:
            write_torch_watch(self.generation)
        write_inventory(self.generation, known)

    @property
    def site(self) -> Path:
        return self.generation.site_packages

    @property
    def info(self) -> Path:
        return self.site / f"torch-{VERSION}.dist-info"

    @property
    def record(self) -> Path:
        return self.info / "RECORD"

    @property
    def lock(self) -> Path:
        return self.generation.venv / torch_lock.FILE_NAME

    def replace(self, version: str) -> None:
        """As pip does: the old files go, others come."""
        shutil.rmtree(self.info)
        self.add(version)
        self.overwrite(version)

    def add(self, version: str) -> None:
        """Another torch beside what is there, as ``pip install --no-deps --target`` makes it."""
        info = self.site / f"torch-{version}.dist-info"
        info.mkdir()
        (info / "INSTALLER").write_text("pip\n")
        (info / "RECORD").write_text("torch/__init__.py,,\n")

    def overwrite(self, version: str) -> None:
        """The module alone, as somebody copies it."""
        (self.site / "torch" / "version.py").write_text(f"__version__ = '{version}'\n")

    def reinstall(self) -> None:
        """The same again, by another program."""
        (self.info / "INSTALLER").write_text("pip\n")
        with self.record.open("a") as file:
            file.write(f"torch-{VERSION}.dist-info/REQUESTED,,\n")

    def rewrite_lock(self, old: str, new: str) -> None:
        text = self.lock.read_text()
        assert old in text
        self.lock.write_text(text.replace(old, new))
