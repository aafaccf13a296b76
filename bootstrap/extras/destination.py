"""Where files of what somebody has added go: beside the bundle's, never over them."""

import hashlib
import os
import threading
from typing import BinaryIO

from installer.records import Hash, RecordEntry
from installer.utils import Scheme

from bootstrap import inventory
from bootstrap.bundle.records import row_hash
from bootstrap.errors import InstallError
from bootstrap.extras.model import Extra
from bootstrap.generation import Generation
from bootstrap.install.destination import VenvDestination
from bootstrap.install.earlier import Earlier
from bootstrap.install.written import WrittenFiles

_CHUNK = 1 << 20


class ExtraDestination(VenvDestination):
    """The new environment, for one distribution; its files are written as they come.

    Args:
        generation: what is being built.
        extra: the distribution.
        written: shared by all of them; it has only files that were not there before.
    """

    def __init__(self, generation: Generation, extra: Extra, written: WrittenFiles) -> None:
        super().__init__(
            generation,
            extra.name,
            written,
            Earlier.none(),
            later=None,
            stop=threading.Event(),
            progress=lambda _: None,
        )

    def write_to_fs(
        self,
        scheme: Scheme,
        path: str,
        stream: BinaryIO,
        is_executable: bool,  # noqa: FBT001
    ) -> RecordEntry:
        """Write one file, unless the very same one is there."""
        full = self._inside(scheme, path)
        self._make_folder(os.path.dirname(full))  # noqa: PTH120 (as in the base class)
        try:
            with open(full, "xb") as file:  # noqa: PTH123
                entry = _copy(path, stream, file)
        except FileExistsError as error:
            entry = _copy(path, stream, None)
            if not inventory.has_hash(full, str(entry.hash_)):
                raise InstallError(
                    f"{full} is there already.", remedy="Start again without --keep-extras."
                ) from error
            return entry
        if is_executable:
            os.chmod(full, 0o755)  # noqa: PTH101, S103
        self._written.add(full, str(entry.hash_))
        return entry


def _copy(path: str, stream: BinaryIO, file: BinaryIO | None) -> RecordEntry:
    """Hash a stream, and write it if there is somewhere to; its row of RECORD."""
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if file:
            file.write(chunk)
    return RecordEntry(path, Hash.parse(row_hash(digest)), size)
