"""A wheel inside the bundle: its files, each compared with its row in RECORD while it is read.

It is vetted when it is opened. The ``RECORD`` itself is compared with the index, and so is the
wheel's directory, which says what else there is to know. So each byte and each mode hangs on one
chain from the lock.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import Self

from bootstrap.bundle import layout
from bootstrap.bundle.directory import open_compared
from bootstrap.bundle.errors import DamagedBundleError
from bootstrap.bundle.members import MemberStream
from bootstrap.bundle.model import Wheel
from bootstrap.bundle.policy import allowance_for
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.records import row_hash
from bootstrap.bundle.vetting.archive import Member
from bootstrap.bundle.vetting.wheel import VettedWheel, vet_wheel
from bootstrap.bundle.zips import zipfile

_ANOTHER = "Get another copy of the bundle, and tell whoever made it."
# Many small files lie within one reading of this many bytes.
_BUFFER = 1 << 20


class Content:
    """One file of a wheel; nothing is read before it is asked for.

    Args:
        wheel: that it belongs to.
        info: its place there.
        record_hash: ``algorithm=value`` as in RECORD.

    Attributes:
        size: bytes.
    """

    def __init__(self, wheel: "BundleWheel", info: Member, record_hash: str) -> None:
        self.record_hash = record_hash
        self.size: int = info.file_size
        self.info = info
        self._wheel = wheel

    @property
    def path(self) -> str:
        """In the wheel, with forward slashes."""
        return self.info.filename

    @property
    def executable(self) -> bool:
        """Whether its mode says so."""
        return bool(self.info.mode & 0o111)

    def read(self) -> bytes:
        """All of it, for the few files that somebody looks into.

        Raises:
            DamagedBundleError: it is not what its RECORD row says.
        """
        return b"".join(self.chunks())

    def chunks(self, *, alone: bool = False) -> Iterator[bytes]:
        """Its bytes in pieces; if they end without an error, all of them were right.

        Args:
            alone: by a handle of its own, so that other files may be read meanwhile.

        Raises:
            DamagedBundleError: they are not what its RECORD row says.
        """
        if not alone:
            yield from self._read(self._wheel.file)
            return
        with self._wheel.open_file() as file:
            yield from self._read(file)

    def _read(self, file: io.BufferedIOBase) -> Iterator[bytes]:
        digest = hashlib.new(self.record_hash.partition("=")[0])
        try:
            stream = MemberStream(file, self.info)
            while chunk := stream.read():
                digest.update(chunk)
                yield chunk
        except (zipfile.BadZipFile, OSError) as error:
            raise self._wheel.damage(f"{self.path}: {error}") from error
        if row_hash(digest) != self.record_hash:
            raise self._wheel.damage(f"{self.path} is not as in its RECORD")


class BundleWheel:
    """One wheel of an opened bundle, as a context.

    Args:
        reader: the bundle.
        wheel: which one.

    Attributes:
        file: the wheel as a file, for whoever reads one member after the other.
        dist_info: name of its ``.dist-info`` folder.
        record_bytes: its RECORD.

    Raises:
        DamagedBundleError: its directory or its RECORD is not what was stored.
        VettingError: it breaks rules.
    """

    def __init__(self, reader: BundleReader, wheel: Wheel) -> None:
        self._reader = reader
        self._wheel = wheel
        self.file = self.open_file()
        try:
            self._vetted = self._vet()
            self._require_same()
        except BaseException:
            self.file.close()
            raise
        self.dist_info = self._vetted.dist_info
        self.record_bytes = self._vetted.record_bytes
        self._files = {info.filename: info for info in self._vetted.members if not info.is_dir()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def open_file(self) -> io.BufferedReader:
        """The wheel as a file of its own."""
        return io.BufferedReader(self._reader.open_entry(self._wheel.entry), _BUFFER)

    def _vet(self) -> VettedWheel:
        wheel = self._wheel
        allowances = self._reader.index.allowances
        try:
            return vet_wheel(
                open_compared(self.file, wheel.directory, wheel.entry.size),
                wheel.filename,
                # The builder has looked at the rest, and every byte is compared when installed.
                depth="directory",
                allowance=allowance_for(wheel.filename, wheel.sha256, allowances),
                remedy=_ANOTHER,
            )
        except (ValueError, OSError) as error:
            raise self.damage(str(error)) from error

    def _require_same(self) -> None:
        # Sizes are believed before the content is read: so much memory and room is taken.
        files = (info for info in self._vetted.members if not info.is_dir())
        if sum(info.file_size for info in files) != self._wheel.installed_size:
            raise self.damage("its directory has other sizes than the index")
        record = layout.sha256_hex(self._vetted.record_bytes)
        if record != self._wheel.record_sha256:
            raise self.damage("its RECORD was changed")

    @property
    def record_path(self) -> str:
        """Of the RECORD, in the wheel."""
        return self._vetted.record_path

    @property
    def paths(self) -> Iterable[str]:
        """Of all files, in no particular order."""
        return self._files.keys()

    def infos(self) -> list[Member]:
        """Of all members, folders too, in the order in which they lie in the wheel."""
        return sorted(self._vetted.members, key=lambda info: info.header_offset)

    def contents(self) -> Iterator[Content]:
        """Every file but the RECORD, in that order, none opened yet."""
        for info in self.infos():
            if not info.is_dir() and info.filename != self.record_path:
                yield self.content(info)

    def content(self, of: Member | str) -> Content:
        """One file, by its place or its path.

        Raises:
            KeyError: there is none with that path.
        """
        info = self._files[of] if isinstance(of, str) else of
        return Content(self, info, self._vetted.record[info.filename].hash)

    def damage(self, because: str) -> DamagedBundleError:
        """The error for bytes that are not what was stored."""
        return self._reader.damage(self._wheel.entry, because=because)
