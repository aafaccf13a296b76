"""Where the parts of one generation lie."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bootstrap import inventory
from bootstrap.bundle.evidence import FOLDER_NAME as EVIDENCE_NAME
from bootstrap.bundle.model import Index
from bootstrap.bundle.value import Target

LINK_NAME = ".venv"
# What that name is: see bootstrap.live.
Way = Literal["symlink", "junction", "folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One complete installed environment: ``<target>/generations/<name>``.

    Attributes:
        way: how it goes live.
        live: it has gone live, so that by the way ``folder`` its environment lies elsewhere.
    """

    root: Path
    name: str
    target: Target
    python_version: str
    way: Way = "symlink"
    live: bool = False

    @classmethod
    def of(cls, root: Path, name: str, index: Index) -> "Generation":
        """The generation called ``name`` of the installation in ``root``."""
        return cls(root=root, name=name, target=index.target, python_version=index.python)

    @property
    def folder(self) -> Path:
        """All of it."""
        return self.root / "generations" / self.name

    @property
    def runtime(self) -> Path:
        """The relocatable CPython, base of the virtual environment."""
        return self.folder / "python"

    @property
    def venv(self) -> Path:
        """The virtual environment, where it lies now."""
        moved = self.live and self.way == "folder"
        return self.root / LINK_NAME if moved else self.folder / "venv"

    @property
    def home(self) -> Path:
        """The virtual environment as its own scripts and configuration know it.

        Only a symbolic link leaves it where it is for good; on Windows they go by the name that
        stays, also before it is there.
        """
        return self.folder / "venv" if self.way == "symlink" else self.root / LINK_NAME

    @property
    def places(self) -> Mapping[str, Path]:
        """Where its files lie: prefix of their path, with a slash, to folder."""
        inside = self.venv.parent == self.folder
        return {"": self.folder} if inside else {"": self.folder, "venv/": self.venv}

    @property
    def scripts(self) -> Path:
        """Its ``bin`` or ``Scripts``."""
        return self.venv / ("Scripts" if self.target == "win_amd64" else "bin")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.scripts / ("python.exe" if self.target == "win_amd64" else "python")

    @property
    def home_python(self) -> Path:
        """Its interpreter, as its own scripts call it."""
        return self.home / self.python.relative_to(self.venv)

    @property
    def site_packages(self) -> Path:
        """Where its distributions go, ``purelib`` and ``platlib`` in one."""
        if self.target == "win_amd64":
            return self.venv / "Lib" / "site-packages"
        return self.venv / "lib" / f"python{self.python_version}" / "site-packages"

    @property
    def include(self) -> Path:
        """Where headers of distributions go, as ``venv`` has it."""
        if self.target == "win_amd64":
            return self.venv / "Include"
        return self.venv / "include" / "site" / f"python{self.python_version}"

    @property
    def index(self) -> Path:
        """The index of the bundle that it came from."""
        return self.folder / "bundle.json"

    @property
    def inventory(self) -> Path:
        """Every file with its hash, as installed."""
        return self.folder / inventory.FILE_NAME

    @property
    def evidence(self) -> Path:
        """SBOM, licences and provenance of what is in it."""
        return self.venv / EVIDENCE_NAME

    @property
    def documents(self) -> Path:
        """The files for the user."""
        return self.folder / "docs"


def new_name(bundle_id: str, taken: set[str]) -> str:
    """A name for a generation of this bundle; installing it again gets a number behind."""
    number = 1
    name = bundle_id
    while name in taken:
        number += 1
        name = f"{bundle_id}.{number}"
    return name


def dist_infos(site_packages: Path) -> Iterator[tuple[str, str, Path]]:
    """Name and version, as the folder says them, of each ``.dist-info``, and its path; sorted."""
    for info in sorted(site_packages.glob("*.dist-info")):
        name, _, version = info.name.removesuffix(".dist-info").partition("-")
        yield name, version, info


def home_of(venv: Path) -> Path | None:
    """The folder of the Python that an environment is made from; None when it is none."""
    try:
        text = (venv / "pyvenv.cfg").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r"^home *= *(.+?) *$", text, flags=re.MULTILINE)
    return Path(found[1]) if found else None
