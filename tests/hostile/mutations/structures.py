"""What a bundle consists of, down to fields, as the real reader finds it."""

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.bundle import layout, pe
from bootstrap.bundle.frame import Frame, read_frame
from bootstrap.bundle.model import Entry
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.sections import Stretch
from bootstrap.bundle.zips import zipfile

_TRAILER = (
    *(("magic", 8), ("version", 4), ("reserved", 4), ("payload offset", 8), ("payload size", 8)),
    *(("index offset", 8), ("index size", 8), ("hash of the index", 32), ("hash of the rest", 32)),
    ("signature", 96),
)
_COOKIE = (("magic", 8), ("length", 4), ("toc", 4), ("toc length", 4), ("version", 4), ("lib", 64))
# APPNOTE.TXT, 4.3.12 and 4.3.16.
_CENTRAL, _END = b"PK\1\2", b"PK\5\6"
_LOCAL_FIXED, _NAME_AND_EXTRA = 30, struct.Struct("<HH")
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NUMBER = re.compile(rb"(?<=[ \[])-?\d+(?=[,\s\]])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A stretch of a file that means something.

    Attributes:
        kind: what it is; there may be many of a kind.
        file: name of the file.
        offset: first byte.
        size: bytes, at least one.
        read: somebody should notice when it changes.
    """

    kind: str
    file: str
    offset: int
    size: int
    read: bool = True

    @property
    def end(self) -> int:
        """First byte behind it."""
        return self.offset + self.size


def structures_of(path: Path) -> list[Structure]:
    """All of an intact bundle and its volumes; every byte lies in one at least."""
    reader = BundleReader.open(path)
    with path.open("rb") as file:
        frame = read_frame(file, path)
    found = [
        *_of_installer(path, frame),
        *_of_index(path, reader, frame),
        *(part for entry in reader.index.entries for part in _of_entry(reader, entry)),
        *_of_volumes(reader),
    ]
    found = [part for part in found if part.size]
    # What this does not know yet is damaged all the same.
    for name in {part.file for part in found}:
        covered = [(part.offset, part.size) for part in found if part.file == name]
        found += [
            Structure(kind="something else", file=name, offset=offset, size=size)
            for offset, size in layout.gaps(covered, path.with_name(name).stat().st_size)
        ]
    return found


def _of_installer(path: Path, frame: Frame) -> Iterator[Structure]:
    trailer = frame.trailer
    behind = trailer.index_offset + trailer.index_size
    end = trailer.payload_offset + trailer.payload_size
    cookie = frame.pkg_end - layout.COOKIE_SIZE
    for kind, begin, stop, read in (
        ("bootloader", 0, trailer.payload_offset, True),
        *_seven_zip("7z signature header", trailer.payload_offset),
        ("7z end header", behind, end, True),
        *_fields("trailer", _TRAILER, end, layout.TRAILER_SIZE),
        ("PKG", frame.pkg_begin, cookie, True),
        *_fields("cookie", _COOKIE, cookie, layout.COOKIE_SIZE),
        *(("place for signing", at, at + size, False) for at, size in frame.header_places),
        # The padding before it belongs to it.
        ("signature", frame.pkg_end, frame.size, False),
    ):
        yield Structure(kind=kind, file=path.name, offset=begin, size=stop - begin, read=read)
    with path.open("rb") as file:
        if pe.find_signing(file.read(pe.HEAD_SIZE)):
            yield Structure(kind="PE header", file=path.name, offset=0, size=pe.HEAD_SIZE // 10)


def _seven_zip(kind: str, begin: int) -> list[tuple[str, int, int, bool]]:
    return [(kind, begin, begin + layout.SIGNATURE_HEADER_SIZE, True)]


def _fields(
    of: str, fields: tuple[tuple[str, int], ...], begin: int, size: int
) -> Iterator[tuple[str, int, int, bool]]:
    if sum(width for _, width in fields) != size:
        raise ValueError(f"the {of} has other fields now")
    for name, width in fields:
        yield f"{of}: {name}", begin, begin + width, True
        begin += width


def _of_index(path: Path, reader: BundleReader, frame: Frame) -> Iterator[Structure]:
    begin = frame.trailer.index_offset
    yield Structure(kind="index", file=path.name, offset=begin, size=frame.trailer.index_size)
    for kind, pattern in (("index: text", _TEXT), ("index: number", _NUMBER)):
        for match in pattern.finditer(reader.index_bytes):
            size = match.end() - match.start()
            yield Structure(kind=kind, file=path.name, offset=begin + match.start(), size=size)


def _of_entry(reader: BundleReader, entry: Entry) -> Iterator[Structure]:
    kind = entry.name.partition("/")[0]
    yield from _placed(reader, entry, kind, 0, entry.size)
    if not entry.name.endswith(".whl"):
        return
    with reader.open_entry(entry) as section:
        data = section.readall()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        directory = archive.start_dir
    for info in infos:
        lengths = data[info.header_offset + 26 : info.header_offset + _LOCAL_FIXED]
        head = _LOCAL_FIXED + sum(_NAME_AND_EXTRA.unpack(lengths))
        content = info.header_offset + head
        what = "RECORD" if info.filename.endswith(".dist-info/RECORD") else "member"
        yield from _placed(reader, entry, f"{kind}: local header", info.header_offset, head)
        yield from _placed(reader, entry, f"{kind}: {what}", content, info.compress_size)
    end = data.rindex(_END)
    for match in re.finditer(re.escape(_CENTRAL), data[directory:end]):
        at = directory + match.start()
        yield from _placed(reader, entry, f"{kind}: central header", at, 46)
    yield from _placed(reader, entry, f"{kind}: central directory", directory, end - directory)
    yield from _placed(reader, entry, f"{kind}: end of directory", end, len(data) - end)


def _placed(
    reader: BundleReader, entry: Entry, kind: str, begin: int, size: int
) -> Iterator[Structure]:
    """The files and places in which a part of an entry lies."""
    offset = entry.offset + begin
    stretches = [Stretch(path=reader.path, offset=reader.payload_offset + offset, size=size)]
    if reader.index.volumes:
        stretches = reader.volumes.stretches(offset, size)
    for part in stretches:
        yield Structure(kind=kind, file=part.path.name, offset=part.offset, size=part.size)


def _of_volumes(reader: BundleReader) -> Iterator[Structure]:
    for volume in reader.index.volumes:
        yield Structure(kind="volume", file=volume.name, offset=0, size=volume.size)
    if reader.index.volumes:
        first, last = reader.index.volumes[0], reader.index.volumes[-1]
        for kind, begin, stop, _ in _seven_zip("7z signature header", 0):
            yield Structure(kind=kind, file=first.name, offset=begin, size=stop - begin)
        members = max(entry.offset + entry.size for entry in reader.index.entries)
        rest = reader.volumes.size - members
        yield Structure(
            kind="7z end header", file=last.name, offset=max(0, last.size - rest), size=rest
        )
