"""Names what differs between two builds: the file, the archive in it, the entry, the field."""

import io
import marshal
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType

import pefile
from PyInstaller.archive.readers import (
    PKG_ITEM_PYSOURCE,
    PKG_ITEM_PYZ,
    CArchiveReader,
    ZlibArchiveReader,
)

from bootstrap.bundle import layout
from bootstrap.bundle.model import decode_index
from bootstrap.bundle.zips import tarfile, zstd

# Name and content, in the order in which they lie there.
Parts = Iterator[tuple[str, bytes]]
_WIDTH = 24
_BLOCK = 1 << 16


def differing_files(one: Path, other: Path) -> list[str]:
    """What differs between two folders; empty when every file has the same bytes.

    Hidden files are the builder's own bookkeeping and do not count.
    """
    found = []
    for name in sorted(_files(one) | _files(other)):
        if not ((one / name).is_file() and (other / name).is_file()):
            found.append(f"{name}: only in one of them")
            continue
        found += differences(name, (one / name).read_bytes(), (other / name).read_bytes())
    return found


def _files(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if not path.name.startswith(".")}


def differences(name: str, one: bytes, other: bytes) -> list[str]:
    """What differs between two files, as deep as their structure is known.

    Args:
        name: what the messages begin with.
        one: the bytes of one.
        other: and of the other.
    """
    if one == other:
        return []
    for opener in _OPENERS:
        if (ours := opener(one)) and (theirs := opener(other)):
            return _differing_parts(name, list(ours), list(theirs)) or [
                f"{name}: the same parts, packed otherwise{_place(one, other)}"
            ]
    return [f"{name}{_place(one, other)}"]


def _differing_parts(
    name: str, ours: list[tuple[str, bytes]], theirs: list[tuple[str, bytes]]
) -> list[str]:
    names, other_names = [part for part, _ in ours], [part for part, _ in theirs]
    alone = [f"{name}: {part} in one only" for part in sorted({*names} ^ {*other_names})]
    common = [part for part in names if part in {*other_names}]
    if common != [part for part in other_names if part in {*names}]:
        return [*alone, f"{name}: the order of its entries, {names[:3]} and {other_names[:3]}"]
    mine, yours = dict(ours), dict(theirs)
    inner = [differences(f"{name} → {part}", mine[part], yours[part]) for part in common]
    return [*alone, *(difference for found in inner for difference in found)]


def _place(one: bytes, other: bytes) -> str:
    shorter = min(len(one), len(other))
    blocks = range(0, shorter, _BLOCK)
    near = next((at for at in blocks if one[at : at + _BLOCK] != other[at : at + _BLOCK]), shorter)
    ends = range(near, min(near + _BLOCK, shorter))
    at = next((at for at in ends if one[at] != other[at]), shorter)
    return f" at {at:,}: {one[at : at + _WIDTH]!r} and {other[at : at + _WIDTH]!r}"


def _bundle(data: bytes) -> Parts | None:
    """An installer without volumes: program, payload, PKG."""
    size = layout.pkg_size(data[-layout.COOKIE_SIZE :])
    if size is None:
        return None
    begin = len(data) - size
    trailer = layout.parse_trailer(data[begin - layout.TRAILER_SIZE : begin])
    return _bundle_parts(data, trailer, begin) if trailer else None


def _bundle_parts(data: bytes, trailer: layout.Trailer, begin: int) -> Parts:
    yield "bootloader", data[: trailer.payload_offset]
    index = data[trailer.index_offset : trailer.index_offset + trailer.index_size]
    yield "bundle.json", index
    described = decode_index(index)
    for entry in () if described.volumes else described.entries:
        at = trailer.payload_offset + entry.offset
        yield entry.name, data[at : at + entry.size]
    yield "program", data[: trailer.payload_offset] + data[begin:]


def _program(data: bytes) -> Parts | None:
    """What PyInstaller makes: a bootloader, and a PKG behind it."""
    size = layout.pkg_size(data[-layout.COOKIE_SIZE :])
    return _program_parts(data, len(data) - size) if size else None


def _program_parts(data: bytes, begin: int) -> Parts:
    yield "bootloader", data[:begin]
    with tempfile.NamedTemporaryFile() as file:
        file.write(data[begin:])
        file.flush()
        package = CArchiveReader(file.name)
        yield "options", repr(package.options).encode()
        for name, (*_, kind) in package.toc.items():
            if kind == PKG_ITEM_PYZ:
                archive = package.open_embedded_archive(name)
                yield from _modules(archive)
            content = package.extract(name)
            if kind == PKG_ITEM_PYSOURCE:
                yield f"{name}: code", _described(marshal.loads(content)).encode()  # noqa: S302
            yield f"{name}: kind", kind.encode()
            yield name, content


def _modules(archive: ZlibArchiveReader) -> Parts:
    for name in archive.toc:
        code = archive.extract(name)
        if isinstance(code, CodeType):
            yield f"{name}: code", _described(code).encode()


def _described(code: CodeType) -> str:
    """What a code object holds, its parts behind it; sets, which have no order, as they lie."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    constants = [constant for constant in code.co_consts if not isinstance(constant, CodeType)]
    own = f"{code.co_filename} {code.co_name} {constants} {code.co_names} {code.co_code.hex()}"
    return "\n".join([own, *map(_described, inner)])


def _image(data: bytes) -> Parts | None:
    """A Windows program: each field of its headers, each section."""
    try:
        image = pefile.PE(data=data, fast_load=True)
    except pefile.PEFormatError:
        return None
    return _image_parts(image)


def _image_parts(image: pefile.PE) -> Parts:
    for header in (image.FILE_HEADER, image.OPTIONAL_HEADER, *image.sections):
        for field, said in header.dump_dict().items():
            if isinstance(said, dict):
                yield f"{header.name} {field}", str(said["Value"]).encode()
    for section in image.sections:
        yield section.Name.decode(errors="replace"), section.get_data()


def _zip(data: bytes) -> Parts | None:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return None
    return _zip_parts(data)


def _zip_parts(data: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            told = (info.date_time, oct(info.external_attr), info.create_system, info.extra)
            yield f"{info.filename}: time, mode, system, extra", repr(told).encode()
            start = info.header_offset
            yield f"{info.filename}: packed", data[start : start + 30 + info.compress_size]


def _tar(data: bytes) -> Parts | None:
    if not data.startswith(b"\x28\xb5\x2f\xfd"):
        return None
    return _tar_parts(data)


def _tar_parts(data: bytes) -> Parts:
    with tarfile.open(fileobj=io.BytesIO(zstd.decompress(data))) as archive:
        for member in archive:
            told = member.get_info()
            yield f"{member.name}: header", repr({**told, "size": 0}).encode()
            content = archive.extractfile(member) if member.isfile() else None
            yield member.name, content.read() if content else b""


def _lines(data: bytes) -> Parts | None:
    """A text: each line by its number."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    rows = text.splitlines()
    return (
        ((f"line {row}", line.encode()) for row, line in enumerate(rows, 1)) if rows[1:] else None
    )


_OPENERS: tuple[Callable[[bytes], Parts | None], ...] = (
    *(_bundle, _program, _image, _tar, _zip, _lines),
)
