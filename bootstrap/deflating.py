"""Makes an ordinary wheel, which stock pip and uv install, of a transcoded one.

The members are the same in the same order, deflated, and compared with RECORD on the way.
"""

import base64
import csv
import hashlib
import io
from collections.abc import Callable, Mapping
from typing import BinaryIO

from bootstrap.bundle.model import Wheel
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.zips import zipfile
from bootstrap.errors import RefusedContentError

_CHUNK = 1 << 18
# Measured (docs/adr/0010): level 6 makes them 4 % smaller in two and a half times the time.
_LEVEL = 1


def write_deflated(
    reader: BundleReader, wheel: Wheel, file: BinaryIO, progress: Callable[[int], None]
) -> None:
    """Write one wheel, checked in the same pass.

    Args:
        reader: the bundle.
        wheel: which one.
        file: where it goes; it can be sought in.
        progress: gets counts of uncompressed bytes; what it raises ends the work.

    Raises:
        DamagedBundleError: a member is not what its RECORD says; what was written must not
            be used.
        RefusedContentError: the RECORD does not speak of a member.
    """
    raw = io.BufferedReader(reader.open_entry(wheel.entry), _CHUNK)
    with (
        zipfile.ZipFile(raw) as archive,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as made,
    ):
        rows = _record(archive, reader, wheel)
        for info in archive.infolist():
            if info.is_dir():
                made.writestr(_like(info), b"")
            elif (
                _copy(archive, info, made, _algorithm(rows, info, wheel), progress)
                != rows[info.filename]
            ):
                raise reader.damage(wheel.entry, because=f"{info.filename} is not as in its RECORD")


def _record(archive: zipfile.ZipFile, reader: BundleReader, wheel: Wheel) -> dict[str, str]:
    """Path to ``algorithm=value``; the RECORD itself has the hash that the index knows."""
    names = [name for name in archive.namelist() if name.endswith(".dist-info/RECORD")]
    (path,) = [name for name in names if name.count("/") == 1]
    data = archive.read(path)
    if hashlib.sha256(data).hexdigest() != wheel.record_sha256:
        raise reader.damage(wheel.entry, because="its RECORD was changed")
    rows = {row[0]: row[1] for row in csv.reader(io.StringIO(data.decode("utf-8"))) if row}
    return rows | {path: _row_hash(hashlib.sha256(data))}


def _algorithm(rows: Mapping[str, str], info: zipfile.ZipInfo, wheel: Wheel) -> str:
    algorithm, _, value = rows.get(info.filename, "").partition("=")
    if not value or algorithm not in hashlib.algorithms_available:
        raise RefusedContentError(
            f"{wheel.filename} is refused: its RECORD has no hash for {info.filename}.",
            remedy="Get another copy of the bundle, and tell whoever made it.",
        )
    return algorithm


def _copy(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    made: zipfile.ZipFile,
    algorithm: str,
    progress: Callable[[int], None],
) -> str:
    """Copy a member; what its row in RECORD must be."""
    digest = hashlib.new(algorithm)
    with archive.open(info) as stream, made.open(_like(info), "w") as member:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            member.write(chunk)
            progress(len(chunk))
    return _row_hash(digest)


def _like(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    like = zipfile.ZipInfo(info.filename, info.date_time)
    like.compress_type = zipfile.ZIP_DEFLATED
    like.compress_level = _LEVEL
    like.file_size = info.file_size
    like.external_attr = info.external_attr
    like.create_system = info.create_system
    return like


def _row_hash(digest: "hashlib._Hash") -> str:
    value = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    return f"{digest.name}={value}"
