"""Where the parts of one generation lie. Paths only."""

from dataclasses import dataclass
from pathlib import Path

from bootstrap import inventory
from bootstrap.bundle.model import Index, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One complete installed environment: ``<target>/generations/<name>``."""

    root: Path
    name: str
    target: Target
    python_version: str

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
        """The virtual environment."""
        return self.folder / "venv"

    @property
    def scripts(self) -> Path:
        """Its ``bin`` or ``Scripts``."""
        return self.venv / ("Scripts" if self.target == "win_amd64" else "bin")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.scripts / ("python.exe" if self.target == "win_amd64" else "python")

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
