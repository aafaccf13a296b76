"""Linux: the same functions as :mod:`bootstrap.registration.windows`, and nothing to do.

There is no list of programs that everybody looks into, and the installer itself removes.
"""

from pathlib import Path

from bootstrap.bundle.reader import BundleReader
from bootstrap.events import Listener
from bootstrap.registration.model import Place, Registration


def write_uninstaller(reader: BundleReader, target: Path) -> None:
    """None is needed."""
    del reader, target


def remove_uninstaller(target: Path, listener: Listener) -> bool:
    """There is none."""
    del target, listener
    return False


def register(registration: Registration) -> None:
    """There is nowhere to."""
    del registration


def unregister(place: Place) -> None:
    """There is nowhere to."""
    del place
