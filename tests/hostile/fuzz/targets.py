"""What parses bytes that may be anybody's, and what must hold then, whatever they are.

They are understood, or refused with a code that says so; never another error, never much
memory, never much time, and never a file outside of the folder.
"""

import contextlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bootstrap.bundle import layout, pe
from bootstrap.bundle.directory import describe_directory
from bootstrap.bundle.errors import ExitCode, ReportedError
from bootstrap.bundle.frame import Frame, read_frame
from bootstrap.bundle.model import Directory, Entry, Group, Wheel, decode_index, encode_index
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.records import parse_record
from bootstrap.bundle.wheel import BundleWheel
from bootstrap.bundle.zips import UNREADABLE, zipfile, zstd
from bootstrap.generation import Generation
from bootstrap.install.runtime import unpack_runtime
from tests.hostile.mutations.trials import peak_memory, within
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle, tiny_index
from tests.support.tiny_pe import append_signature, tiny_pe
from tests.support.transcoding import transcoded

_CODES = frozenset({ExitCode.DAMAGED, ExitCode.NOT_TRUSTED, ExitCode.REFUSED_CONTENT})
_SECONDS = 10
# One window of Zstandard, and as much again for all else.
_MEMORY = 128 << 20
_NO_HASH = "00" * 32


class BrokenPromiseError(AssertionError):
    """What must hold does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzTarget:
    """One parser.

    Attributes:
        name: of the folder of its corpus, too.
        parse: gets bytes, and an empty folder to write to.
        refusals: errors that its callers expect, besides those that are reported.
        seeds: inputs to begin with; gets a folder to work in.
    """

    name: str
    parse: Callable[[bytes, Path], None]
    seeds: Callable[[Path], Iterator[bytes]]
    refusals: tuple[type[Exception], ...] = ()

    def check(self, data: bytes) -> bool:
        """Parse these bytes; whether they were refused.

        Raises:
            BrokenPromiseError: what must hold does not.
            Exception: the parser's own, which is none that its callers expect.
        """
        before, refused = peak_memory(), False
        with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
            folder = Path(name) / "inside"
            folder.mkdir()
            try:
                with within(_SECONDS):
                    self.parse(data, folder)
            except ReportedError as error:
                if error.exit_code not in _CODES:
                    raise BrokenPromiseError(f"code {error.exit_code}: {error}") from error
                refused = True
            except self.refusals:
                refused = True
            if [path.name for path in Path(name).iterdir()] != ["inside"]:
                raise BrokenPromiseError("something was written outside of the folder")
        if peak_memory() > before + _MEMORY:
            raise BrokenPromiseError(f"{peak_memory() - before:,} bytes of memory")
        return refused


def _index(data: bytes, _: Path) -> None:
    index = decode_index(data)
    if decode_index(encode_index(index)) != index:
        raise BrokenPromiseError("written and read again, it is another index")


def _index_seeds(_: Path) -> Iterator[bytes]:
    yield encode_index(tiny_index())
    yield encode_index(tiny_index(cuda=False))


def _frame(data: bytes, _: Path) -> None:
    path = Path("bundle")
    frame = read_frame(io.BytesIO(data), path)
    for offset, size in frame.rest([]):
        if offset < 0 or size <= 0 or offset + size > len(data):
            raise BrokenPromiseError(f"{offset} and {size} are not in the file")


def _bundle(data: bytes, folder: Path) -> None:
    path = folder / "tiny.run"
    path.write_bytes(data)
    reader = BundleReader.open(path)
    reader.require_volumes()
    for entry in reader.index.entries:
        reader.verify_entry(entry, lambda _: None)
    reader.verify_rest()
    reader.program()


def _bundle_seeds(folder: Path) -> Iterator[bytes]:
    yield tiny_bundle(folder).read_bytes()
    windows = tiny_bundle(folder, program=tiny_pe())
    yield windows.read_bytes()
    append_signature(windows)
    yield windows.read_bytes()


def _open(data: bytes, folder: Path, *, wheel: Wheel | None = None) -> BundleReader:
    """A bundle whose payload is these bytes, and whose index says so.

    Args:
        data: a wheel if ``wheel`` is given, otherwise the runtime.
        folder: where it goes.
        wheel: what the index says of it, but for its hash and size.
    """
    path = folder / "payload"
    path.write_bytes(data)
    whole = Entry(name="whole", offset=0, size=len(data), sha256=layout.sha256_hex(data))
    index = tiny_index(cuda=False)
    runtime = msgspec.structs.replace(index.runtime, entry=whole)
    groups: tuple[Group, ...] = ()
    if wheel:
        nothing = Entry(name="nothing", offset=0, size=0, sha256=layout.sha256_hex(b""))
        runtime = msgspec.structs.replace(index.runtime, entry=nothing)
        wheel = msgspec.structs.replace(wheel, entry=whole)
        groups = (msgspec.structs.replace(index.groups[0], wheels=(wheel,)),)
    index = msgspec.structs.replace(index, runtime=runtime, groups=groups, documents=())
    trailer = layout.Trailer(
        payload_offset=0,
        payload_size=len(data),
        index_offset=0,
        index_size=0,
        index_sha256=_NO_HASH,
        rest_sha256=_NO_HASH,
    )
    frame = Frame(trailer=trailer, size=len(data), pkg_end=len(data), header_places=())
    return BundleReader(path, frame, encode_index(index))


def _wheel(data: bytes, folder: Path) -> None:
    """A wheel whose hashes in the index are right, so that all of it is looked at."""
    reader = _open(data, folder, wheel=_described(data))
    (wheel,) = reader.index.wheels
    with BundleWheel(reader, wheel) as opened:
        for content in opened.contents():
            if sum(map(len, content.chunks())) != content.size:
                raise BrokenPromiseError(f"{content.path} has not the size that was announced")


def _described(data: bytes) -> Wheel:
    """What a builder that believes everything would say of it."""
    (plain,) = tiny_index().wheels
    directory, record, size = Directory(offset=0, sha256=_NO_HASH), _NO_HASH, 0
    with contextlib.suppress(*UNREADABLE):
        directory = describe_directory(io.BufferedReader(io.BytesIO(data)))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            size = sum(info.file_size for info in infos)
            for info in infos:
                if info.filename.endswith(".dist-info/RECORD") and info.file_size < 1 << 20:
                    record = layout.sha256_hex(archive.read(info))
    return msgspec.structs.replace(
        plain, directory=directory, record_sha256=record, installed_size=min(size, 1 << 50)
    )


def _wheel_seeds(folder: Path) -> Iterator[bytes]:
    files = {"demo/__init__.py": b"x = 1\n" * 9, "demo/empty": b""}
    wheel = make_wheel(folder, "demo", "1.0", files)
    yield wheel.read_bytes()
    yield transcoded(wheel, folder / "transcoded.whl").read_bytes()


def _runtime(data: bytes, folder: Path) -> None:
    """The tar archive within, since Zstandard has a hash of its own."""
    reader = _open(zstd.compress(data), folder)
    unpack_runtime(reader, Generation.of(folder, "1", reader.index), lambda _: None)


def _runtime_seeds(_: Path) -> Iterator[bytes]:
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
            info = tarfile.TarInfo("bin/python3.11")
            info.size = 5
            archive.addfile(info, io.BytesIO(b"hello"))
            for kind, name in ((tarfile.SYMTYPE, "x" * 90), (tarfile.LNKTYPE, "\u00e9")):
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = kind, "python3.11"
                archive.addfile(link)
        yield packed.getvalue()[:4096]


def _packed_runtime(data: bytes, folder: Path) -> None:
    reader = _open(data, folder)
    unpack_runtime(reader, Generation.of(folder, "1", reader.index), lambda _: None)


def _packed_seeds(folder: Path) -> Iterator[bytes]:
    yield from map(zstd.compress, _runtime_seeds(folder))


def _record(data: bytes, _: Path) -> None:
    parse_record(data)


def _record_seeds(_: Path) -> Iterator[bytes]:
    yield b'a/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n"b,c",,\n'


def _pe(data: bytes, _: Path) -> None:
    pe.find_signing(data)


def _pe_seeds(_: Path) -> Iterator[bytes]:
    yield tiny_pe()
    yield tiny_pe(wide=False)


TARGETS = (
    FuzzTarget(name="index", parse=_index, seeds=_index_seeds),
    FuzzTarget(name="frame", parse=_frame, seeds=_bundle_seeds),
    FuzzTarget(name="bundle", parse=_bundle, seeds=_bundle_seeds),
    FuzzTarget(name="wheel", parse=_wheel, seeds=_wheel_seeds),
    FuzzTarget(name="runtime", parse=_runtime, seeds=_runtime_seeds),
    FuzzTarget(name="packed-runtime", parse=_packed_runtime, seeds=_packed_seeds),
    FuzzTarget(name="record", parse=_record, seeds=_record_seeds, refusals=(ValueError,)),
    FuzzTarget(name="pe", parse=_pe, seeds=_pe_seeds),
)


def find_target(name: str) -> FuzzTarget:
    """The target of that name."""
    return next(target for target in TARGETS if target.name == name)


def seeds_of(target: FuzzTarget) -> list[bytes]:
    """Its inputs to begin with."""
    folder = Path(tempfile.mkdtemp(prefix="seeds-"))
    try:
        return list(target.seeds(folder))
    finally:
        shutil.rmtree(folder)
