"""PyInstaller's PKG at the end of a stub, as its own reader has it."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import DamagedBundleError

if TYPE_CHECKING:
    from PyInstaller.archive.readers import CArchiveReader

FREEZE_AGAIN = "Make another one with: python -m builder freeze --target TARGET --output FILE"
# PyInstaller's PKG_ITEM_BINARY.
BINARY = "b"


@contextmanager
def open_package(stub: Path) -> "Iterator[CArchiveReader]":
    """The PKG of a stub.

    Raises:
        DamagedBundleError: it cannot be read, or what is read of it in the context.
    """
    # Costs every command a quarter of a second when it is imported at the top.
    from PyInstaller.archive import readers  # noqa: PLC0415

    try:
        yield readers.CArchiveReader(str(stub))
    except (readers.ArchiveReadError, struct.error, zlib.error, ValueError, OSError) as error:
        raise DamagedBundleError(
            f"The PKG of the stub {stub} is damaged: {error}.", remedy=FREEZE_AGAIN
        ) from error
