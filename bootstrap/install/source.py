"""A wheel inside the bundle, as the ``installer`` library wants it.

Every file is hashed while it is read and compared with its row in ``RECORD``; the
``RECORD`` itself is compared with the index. So each installed byte hangs on one
chain from the lock.
"""

import base64
import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, Self, cast

from installer.sources import WheelContentElement, WheelSource
from packaging.utils import parse_wheel_filename

from bootstrap.bundle.errors import ReportedError
from bootstrap.bundle.model import Wheel
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.zips import zipfile, zstd
from bootstrap.errors import RefusedContentError

# Up to this size a file is read and checked whole before a byte of it is written.
_SMALL = 1 << 20
_ANOTHER = "Get another copy of the bundle, and tell whoever made it."


class VerifiedBytes(io.BytesIO):
    """A small file that was checked; ``record_hash`` is as in its RECORD row."""

    def __init__(self, data: bytes, record_hash: str) -> None:
        super().__init__(data)
        self.record_hash = record_hash


class VerifyingStream(io.RawIOBase):
    """A large file that is checked when its end is reached.

    Args:
        stream: what is read.
        record_hash: ``algorithm=value`` as in RECORD.
        damaged: makes the error to raise when the hash differs.
    """

    def __init__(
        self, stream: io.BufferedIOBase, record_hash: str, damaged: Callable[[], ReportedError]
    ) -> None:
        super().__init__()
        self.record_hash = record_hash
        self._stream = stream
        self._damaged = damaged
        self._digest = hashlib.new(record_hash.partition("=")[0])

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._digest.update(data)
        if (not data or size < 0) and _row_hash(self._digest) != self.record_hash:
            raise self._damaged()
        return data


class BundleWheel(WheelSource):
    """One wheel of an opened bundle.

    Args:
        reader: the bundle.
        wheel: which one; its file name gives the distribution's name.
    """

    def __init__(self, reader: BundleReader, wheel: Wheel) -> None:
        distribution, version = wheel.filename.split("-")[:2]
        super().__init__(distribution, version)
        self._reader = reader
        self._wheel = wheel
        self._archive = self._open()
        self._info = self._find_dist_info()
        self._record = self._read_record()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._archive.close()

    def _open(self) -> zipfile.ZipFile:
        try:
            # zipfile reads many small pieces of the directory; the buffer serves those.
            raw = self._reader.open_entry(self._wheel.entry)
            return zipfile.ZipFile(io.BufferedReader(raw, 1 << 16))
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
        except (KeyError, zipfile.BadZipFile, zstd.ZstdError) as error:
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
        path = f"{self._info}/{filename}"
        return self._verified(self._archive.getinfo(path)).getvalue().decode("utf-8")

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
        record_path = f"{self._info}/RECORD"
        for info in self._archive.infolist():
            if info.is_dir():
                continue
            row = (info.filename, self._record[info.filename], str(info.file_size))
            executable = bool((info.external_attr >> 16) & 0o111)
            if info.filename == record_path:
                yield row, io.BytesIO(), False
            elif info.file_size <= _SMALL or self._is_script(info.filename):
                yield row, self._verified(info), executable
            else:
                with self._archive.open(info) as stream:
                    checked = VerifyingStream(
                        cast("io.BufferedIOBase", stream),
                        self._row(info),
                        lambda path=info.filename: self._damage(path),  # type: ignore[misc]
                    )
                    yield row, cast("BinaryIO", checked), executable

    def _is_script(self, path: str) -> bool:
        # Their first line may be rewritten, for which they must be seekable.
        return path.startswith(f"{self.data_dir}/scripts/")

    def _row(self, info: zipfile.ZipInfo) -> str:
        row = self._record.get(info.filename, "")
        if "=" not in row:
            raise self._refusal(f"its RECORD has no hash for {info.filename}")
        return row

    def _verified(self, info: zipfile.ZipInfo) -> VerifiedBytes:
        row = self._row(info)
        try:
            data = self._archive.read(info)
        except (zipfile.BadZipFile, zstd.ZstdError, OSError) as error:
            raise self._reader.damage(self._wheel.entry, because=str(error)) from error
        if _row_hash(hashlib.new(row.partition("=")[0], data)) != row:
            raise self._damage(info.filename)
        return VerifiedBytes(data, row)

    def _damage(self, path: str) -> ReportedError:
        return self._reader.damage(self._wheel.entry, because=f"{path} is not as in its RECORD")


def wheel_scheme_name(wheel: Wheel) -> str:
    """The distribution's folder name below the environment's headers."""
    return parse_wheel_filename(wheel.filename)[0]


def _row_hash(digest: "hashlib._Hash") -> str:
    value = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    return f"{digest.name}={value}"
