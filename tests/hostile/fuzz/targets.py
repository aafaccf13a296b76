"""What parses bytes that may be anybody's, and what must hold then, whatever they are.

They are understood, or refused with a code that says so; never another error, never much
memory, never much time, and never a file outside of the folder.
"""

import io
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.bundle import layout, pe
from bootstrap.bundle.errors import ExitCode, ReportedError
from bootstrap.bundle.frame import read_frame
from bootstrap.bundle.model import decode_index, encode_index
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.records import parse_rows
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.index import judge_index
from bootstrap.bundle.vetting.wheel import vet_wheel
from bootstrap.bundle.wheel import BundleWheel
from bootstrap.bundle.zips import zstd
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
    verdict = Verdict("index")
    size = layout.SIGNATURE_HEADER_SIZE + sum(entry.size for entry in index.entries)
    judge_index(index, verdict, payload_size=size, index_place=None)
    verdict.require_none("None.")


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


def _wheel(data: bytes, folder: Path) -> None:
    """In a bundle whose index says of it what is true, so that all of it is looked at."""
    path = folder / "wheel"
    path.write_bytes(data)
    reader = BundleReader.open(tiny_bundle(folder, wheel=path))
    (wheel,) = reader.index.wheels
    with BundleWheel(reader, wheel) as opened:
        for content in opened.contents():
            if sum(map(len, content.chunks())) != content.size:
                raise BrokenPromiseError(f"{content.path} has not the size that was announced")


def _vetting(data: bytes, _: Path) -> None:
    """The builder's way: to the last byte."""
    vet_wheel(io.BytesIO(data), "demo-1.0-py3-none-any.whl", depth="contents", remedy="None.")


def _wheel_seeds(folder: Path) -> Iterator[bytes]:
    files = {"demo/__init__.py": b"x = 1\n" * 9, "demo/empty": b""}
    wheel = make_wheel(folder, "demo", "1.0", files)
    yield wheel.read_bytes()
    yield transcoded(wheel, folder / "transcoded.whl").read_bytes()


def _runtime(data: bytes, folder: Path) -> None:
    """The tar archive within, since Zstandard has a hash of its own."""
    _packed_runtime(zstd.compress(data), folder)


def _runtime_seeds(_: Path) -> Iterator[bytes]:
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
            info = tarfile.TarInfo("bin/python3.11")
            info.size = 5
            archive.addfile(info, io.BytesIO(b"hello"))
            for kind, name, goal in (
                (tarfile.SYMTYPE, "x" * 90, "python3.11"),
                (tarfile.LNKTYPE, "\u00e9", "bin/python3.11"),
            ):
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = kind, goal
                archive.addfile(link)
        # Two empty blocks end it; the rest of tar's 10 KiB is of no use here.
        data = packed.getvalue().rstrip(b"\0")
        yield data + bytes(-len(data) % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)


def _packed_runtime(data: bytes, folder: Path) -> None:
    reader = BundleReader.open(tiny_bundle(folder, runtime=data))
    unpack_runtime(reader, Generation.of(folder, "1", reader.index), lambda _: None)


def _packed_seeds(folder: Path) -> Iterator[bytes]:
    yield from map(zstd.compress, _runtime_seeds(folder))


def _record(data: bytes, _: Path) -> None:
    list(parse_rows(data))


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
    FuzzTarget(name="vetting", parse=_vetting, seeds=_wheel_seeds),
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
