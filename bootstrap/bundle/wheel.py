"""A wheel inside the bundle: its files, each compared with its row in RECORD while it is read.

The ``RECORD`` itself is compared with the index, and so is the wheel's directory, which says what
else there is to know. So each byte and each mode hangs on one chain from the lock.
"""

import hashlib
import io
from collections.abc import Iterator
from typing import Self

from bootstrap.bundle import layout
from bootstrap.bundle.directory import open_archive
from bootstrap.bundle.errors import DamagedBundleError, RefusedContentError
from bootstrap.bundle.members import MemberStream
from bootstrap.bundle.model import Wheel
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.records import parse_record, row_hash
from bootstrap.bundle.zips import UNREADABLE, zipfile

_ANOTHER = "Get another copy of the bundle, and tell whoever made it."
# Of at least the strength of SHA-256, by the format; weaker ones would end the chain.
_ALGORITHMS = frozenset({"sha256", "sha384", "sha512"})
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

    def __init__(self, wheel: "BundleWheel", info: zipfile.ZipInfo, record_hash: str) -> None:
        self.record_hash = record_hash
        self.size: int = info.file_size
        self.info = info
        self._wheel = wheel

    @property
    def path(self) -> str:
        """In the wheel, with forward slashes."""
        return str(self.info.filename)

    @property
    def executable(self) -> bool:
        """Whether its mode says so."""
        return bool((self.info.external_attr >> 16) & 0o111)

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
        record: the same, path to ``algorithm=value``.

    Raises:
        DamagedBundleError: its directory or its RECORD is not what was stored.
        RefusedContentError: it is no wheel.
    """

    def __init__(self, reader: BundleReader, wheel: Wheel) -> None:
        self._reader = reader
        self._wheel = wheel
        self.file = self.open_file()
        self._archive = self._open()
        self._require_sizes()
        self.dist_info = self._find_dist_info()
        self.record_bytes = self._read_record()
        self.record = self._parse_record()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._archive.close()
        self.file.close()

    def open_file(self) -> io.BufferedReader:
        """The wheel as a file of its own."""
        return io.BufferedReader(self._reader.open_entry(self._wheel.entry), _BUFFER)

    def _open(self) -> zipfile.ZipFile:
        try:
            return open_archive(self.file, self._wheel.directory, self._wheel.entry.size)
        except UNREADABLE as error:
            raise self.damage(str(error)) from error

    def _require_sizes(self) -> None:
        # They are believed before the content is read: so much memory and room is taken.
        files = (info for info in self._archive.infolist() if not info.is_dir())
        if sum(info.file_size for info in files) != self._wheel.installed_size:
            raise self.damage("its directory has other sizes than the index")

    def _find_dist_info(self) -> str:
        folders = {name.partition("/")[0] for name in self._archive.namelist()}
        found = [name for name in folders if name.endswith(".dist-info")]
        if len(found) != 1:
            raise self.refusal(f"it has {len(found)} .dist-info folders")
        return found[0]

    @property
    def record_path(self) -> str:
        """Of the RECORD, in the wheel."""
        return f"{self.dist_info}/RECORD"

    def _read_record(self) -> bytes:
        try:
            data: bytes = self._archive.read(self.record_path)
        except (KeyError, *UNREADABLE) as error:
            raise self.damage(str(error)) from error
        if layout.sha256_hex(data) != self._wheel.record_sha256:
            raise self.damage("its RECORD was changed")
        return data

    def _parse_record(self) -> dict[str, str]:
        try:
            return parse_record(self.record_bytes)
        except ValueError as error:
            raise self.refusal(f"its RECORD cannot be understood ({error})") from error

    def infos(self) -> list[zipfile.ZipInfo]:
        """Of all members, folders too, in the order in which they lie in the wheel."""
        return sorted(self._archive.infolist(), key=lambda info: int(info.header_offset))

    def contents(self) -> Iterator[Content]:
        """Every file but the RECORD, in that order, none opened yet.

        Raises:
            RefusedContentError: RECORD has no hash for one, or a weak one.
        """
        for info in self.infos():
            if not info.is_dir() and info.filename != self.record_path:
                yield self.content(info)

    def content(self, of: zipfile.ZipInfo | str) -> Content:
        """One file, by its place or its path.

        Raises:
            KeyError: there is none with that path.
            RefusedContentError: RECORD has no hash for it, or a weak one.
        """
        info = self._archive.getinfo(of) if isinstance(of, str) else of
        row = self.record.get(info.filename, "")
        if row.partition("=")[0] not in _ALGORITHMS:
            raise self.refusal(f"its RECORD has no hash for {info.filename} that is of use")
        return Content(self, info, row)

    def require_complete(self) -> None:
        """Every member has a row and every row a member.

        Raises:
            RefusedContentError: names the first that does not.
        """
        members = {info.filename for info in self._archive.infolist() if not info.is_dir()}
        unlisted = sorted(members - self.record.keys())
        absent = sorted(self.record.keys() - members)
        if unlisted:
            raise self.refusal(f"{unlisted[0]} is not in its RECORD")
        if absent:
            raise self.refusal(f"its RECORD lists {absent[0]}, which is not there")

    def refusal(self, why: str) -> RefusedContentError:
        """The error for a wheel that nobody damaged, and that is not to be used."""
        return RefusedContentError(f"{self._wheel.filename} is refused: {why}.", remedy=_ANOTHER)

    def damage(self, because: str) -> DamagedBundleError:
        """The error for bytes that are not what was stored."""
        return self._reader.damage(self._wheel.entry, because=because)
