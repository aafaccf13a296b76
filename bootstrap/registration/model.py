"""What the system is told of an installation."""

import hashlib
import ntpath
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bootstrap.bundle.model import Index
from bootstrap.state import Installed

UNINSTALLER = "uninstall.exe"
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]+')
_LONGEST_PLACE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What an installation is known by.

    Attributes:
        target: its folder.
    """

    product: str
    target: Path

    @classmethod
    def of_installed(cls, installed: Installed, target: Path) -> "Place":
        """What the installation in ``target`` was registered by.

        One folder has many spellings (``SUBST``, short names), and may have been moved since.
        """
        place = Path(installed.place)
        others = place.exists() and not place.samefile(target)
        known = installed.place and not others
        return cls(product=installed.product, target=place if known else target)

    @property
    def key(self) -> str:
        """Its name in the registry: the same for the same product in the same folder."""
        folder = ntpath.normcase(str(self.target))
        digest = hashlib.sha256(folder.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{self.product}-{digest[:8]}"

    def menu(self, usual_target: Path) -> str:
        """Its folder in the Start menu, which names the target unless it is the usual one."""
        if ntpath.normcase(str(self.target)) == ntpath.normcase(str(usual_target)):
            return self.product
        place = _FORBIDDEN.sub(" ", str(self.target)).strip()
        return f"{self.product} ({place[-_LONGEST_PLACE:].strip()})"

    @property
    def uninstaller(self) -> str:
        """The program that removes it."""
        return rf"{self.target}\{UNINSTALLER}"

    @property
    def uninstall_arguments(self) -> str:
        """What that program gets."""
        return f'--uninstall --target "{self.target}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration(Place):
    """One installation.

    Attributes:
        size: bytes that it takes.
    """

    version: str
    variant: str
    company: str
    size: int
    installed: datetime

    @classmethod
    def of(cls, index: Index, installed: Installed, target: Path) -> "Registration":
        """That of a bundle which was installed in ``target``."""
        size = index.runtime.installed_size + sum(wheel.installed_size for wheel in index.wheels)
        return cls(
            product=index.product,
            target=target,
            version=index.version,
            variant=index.variant,
            company=index.company,
            size=size,
            installed=installed.installed,
        )

    @property
    def values(self) -> dict[str, str | int]:
        """The values of its key (Windows Installer, "Uninstall Registry Key").

        Whoever reads the list starts the commands as they stand there, so paths are quoted.
        """
        command = f'"{self.uninstaller}" {self.uninstall_arguments}'
        return {
            "DisplayName": f"{self.product} ({self.variant})",
            "DisplayVersion": self.version,
            "Publisher": self.company,
            "InstallLocation": str(self.target),
            "InstallDate": f"{self.installed:%Y%m%d}",
            "EstimatedSize": self.size // 1024,
            "DisplayIcon": self.uninstaller,
            "UninstallString": command,
            "QuietUninstallString": f"{command} --silent",
            "NoModify": 1,
            "NoRepair": 1,
        }
