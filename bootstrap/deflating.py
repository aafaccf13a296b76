"""Makes an ordinary wheel, which stock pip and uv install, of a transcoded one.

The members are the same in the same order, deflated, and compared with RECORD on the way.
"""

from collections.abc import Callable, Iterable
from typing import BinaryIO

from bootstrap.bundle.model import Wheel
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.vetting.archive import Member
from bootstrap.bundle.wheel import BundleWheel
from bootstrap.bundle.zips import zipfile

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
        RefusedContentError: it breaks a rule of vetting.
    """
    with (
        BundleWheel(reader, wheel) as source,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as made,
    ):
        for info in source.infos():
            if info.is_dir():
                made.writestr(_like(info), b"")
                continue
            with made.open(_like(info), "w") as member:
                for chunk in _chunks(source, info):
                    member.write(chunk)
                    progress(len(chunk))


def _chunks(source: BundleWheel, info: Member) -> Iterable[bytes]:
    """A member's bytes; those of RECORD have the hash that the index knows."""
    if info.filename == source.record_path:
        return [source.record_bytes]
    return source.content(info).chunks()


def _like(info: Member) -> zipfile.ZipInfo:
    # Transcoding has left no other time than this, the earliest of an archive.
    like = zipfile.ZipInfo(info.filename)
    like.compress_type = zipfile.ZIP_DEFLATED
    like.compress_level = _LEVEL
    like.file_size = info.file_size
    like.external_attr = info.external_attr
    like.create_system = info.create_system
    return like
