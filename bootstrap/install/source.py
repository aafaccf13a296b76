"""A wheel inside the bundle, as the ``installer`` library wants it.

Every file is hashed while it is read and compared with its row in ``RECORD``; the
``RECORD`` itself is compared with the index. So each installed byte hangs on one
chain from the lock.
"""

import base64
import csv
import hashlib
import io
from collections.abc import Iterator
from typing import BinaryIO, Self, cast

from backports.zstd import zipfile
from installer.sources import WheelContentElement, WheelSource
from packaging.utils import parse_wheel_filename

from bootstrap.bundle.errors import ReportedError
from bootstrap.bundle.model import Wheel
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import RefusedContentError
from bootstrap.install.archive import MemberStream

_ANOTHER = "Get another copy of the bundle, and tell whoever made it."
# Many small files lie within one reading of this many bytes.
_BUFFER = 1 << 20


class Content(io.RawIOBase):
    """One file of a wheel; nothing is read before it is asked for.

    Args:
        wheel: that it belongs to.
        info: its place there.
        record_hash: ``algorithm=value`` as in RECORD.

    Attributes:
        size: bytes.
    """

    def __init__(self, wheel: "BundleWheel", info: zipfile.ZipInfo, record_hash: str) -> None:
        super().__init__()
        self.record_hash = record_hash
        self.size: int = info.file_size
        self._wheel = wheel
        self._info = info

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """All of it, as ``installer`` wants it for the few files that it looks into.

        Raises:
            DamagedBundleError: it is not what its RECORD row says.
        """
        if size >= 0:
            raise io.UnsupportedOperation("read in parts by chunks()")
        return b"".join(self.chunks())

    def chunks(self, *, alone: bool = False) -> Iterator[bytes]:
        """Its bytes in pieces; if the last one comes, they were all right.

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
            stream = MemberStream(file, self._info)
            while chunk := stream.read():
                digest.update(chunk)
                yield chunk
        except (zipfile.BadZipFile, OSError) as error:
            raise self._wheel.damage(self._info.filename, because=str(error)) from error
        if row_hash(digest) != self.record_hash:
            raise self._wheel.damage(self._info.filename)


class BundleWheel(WheelSource):
    """One wheel of an opened bundle.

    Args:
        reader: the bundle.
        wheel: which one; its file name gives the distribution's name.

    Attributes:
        file: the wheel as a file, for whoever reads one member after the other.
    """

    def __init__(self, reader: BundleReader, wheel: Wheel) -> None:
        distribution, version = wheel.filename.split("-")[:2]
        super().__init__(distribution, version)
        self._reader = reader
        self._wheel = wheel
        self.file = self.open_file()
        self._archive = self._open()
        self._info = self._find_dist_info()
        self._record = self._read_record()

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
            return zipfile.ZipFile(self.file)
        except (zipfile.BadZipFile, OSError) as error:
            raise self._reader.damage(self._wheel.entry, because=str(error)) from error

    def _find_dist_info(self) -> str:
        folders = {name.partition("/")[0] for name in self._archive.namelist()}
        found = [name for name in folders if name.endswith(".dist-info")]
        if len(found) != 1:
            raise self._refusal(f"it has {len(found)} .dist-info folders")
        return found[0]

    def _read_record(self) -> dict[str, str]:
        try:
            data = self._archive.read(f"{self._info}/RECORD")
        except (KeyError, zipfile.BadZipFile) as error:
            raise self._reader.damage(self._wheel.entry, because=str(error)) from error
        if hashlib.sha256(data).hexdigest() != self._wheel.record_sha256:
            raise self._reader.damage(self._wheel.entry, because="its RECORD was changed")
        rows = csv.reader(io.StringIO(data.decode("utf-8")))
        return {row[0]: row[1] for row in rows if row}

    def _refusal(self, why: str) -> RefusedContentError:
        return RefusedContentError(f"{self._wheel.filename} is refused: {why}.", remedy=_ANOTHER)

    @property
    def dist_info_dir(self) -> str:
        return self._info

    @property
    def data_dir(self) -> str:
        return f"{self._info.removesuffix('.dist-info')}.data"

    @property
    def dist_info_filenames(self) -> list[str]:
        prefix = f"{self._info}/"
        return [name.removeprefix(prefix) for name in self._record if name.startswith(prefix)]

    def read_dist_info(self, filename: str) -> str:
        info = self._archive.getinfo(f"{self._info}/{filename}")
        return self._content(info).read().decode("utf-8")

    def validate_record(self) -> None:
        """Every member has a row and every row a member.

        Raises:
            RefusedContentError: names the first that does not.
        """
        members = {info.filename for info in self._archive.infolist() if not info.is_dir()}
        unlisted = sorted(members - self._record.keys())
        absent = sorted(self._record.keys() - members)
        if unlisted:
            raise self._refusal(f"{unlisted[0]} is not in its RECORD")
        if absent:
            raise self._refusal(f"its RECORD lists {absent[0]}, which is not there")

    def get_contents(self) -> Iterator[WheelContentElement]:
        """Every file, in the order in which they lie in the wheel, none opened yet."""
        record_path = f"{self._info}/RECORD"
        for info in sorted(self._archive.infolist(), key=lambda info: info.header_offset):
            if info.is_dir():
                continue
            row = (info.filename, self._record[info.filename], str(info.file_size))
            if info.filename == record_path:
                yield row, io.BytesIO(), False
            else:
                executable = bool((info.external_attr >> 16) & 0o111)
                yield row, cast("BinaryIO", self._content(info)), executable

    def _content(self, info: zipfile.ZipInfo) -> Content:
        row = self._record.get(info.filename, "")
        if "=" not in row:
            raise self._refusal(f"its RECORD has no hash for {info.filename}")
        return Content(self, info, row)

    def damage(self, path: str, because: str | None = None) -> ReportedError:
        """The error for a file of it that is not as it should be."""
        why = f"{path} is not as in its RECORD"
        return self._reader.damage(
            self._wheel.entry, because=f"{path}: {because}" if because else why
        )


def wheel_scheme_name(wheel: Wheel) -> str:
    """The distribution's folder name below the environment's headers."""
    return parse_wheel_filename(wheel.filename)[0]


def row_hash(digest: "hashlib._Hash") -> str:
    """``algorithm=value`` as in a row of RECORD."""
    value = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    return f"{digest.name}={value}"
