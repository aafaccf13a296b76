"""What 7-Zip would show of a bundle is what its index lists; the runtime is vetted, too."""

import hashlib
import io
import struct
import subprocess
import sys
import tarfile as plain_tarfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from bootstrap.bundle import layout, tarball
from bootstrap.bundle.errors import ExitCode
from bootstrap.bundle.policy import Allowance
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.sevenzip import ListingError, read_names
from bootstrap.bundle.value import Target
from bootstrap.bundle.vetting import tree
from bootstrap.bundle.vetting.findings import VettingError
from bootstrap.bundle.zips import tarfile, zstd
from builder.pack import compose as composing
from builder.pack.compose import compose
from builder.pack.container import PayloadWriter
from builder.progress import Progress
from builder.wheels import read_wheel
from tests.hostile.wheels.case import With
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle
from tests.support.tiny_contents import tiny_contents

PTH = b"import demo\n"
FILES = {"demo/__init__.py": b"", "demo.pth": PTH}


def archive_of(*names: str) -> io.BytesIO:
    file = io.BytesIO()
    with PayloadWriter(cast("BinaryIO", file)) as writer:
        for name in names:
            writer.add_bytes(name.encode() * 3, name)
    return file


@pytest.mark.parametrize("count", [1, 2, 50, 700])
def test_names_are_those_that_were_stored(count: int) -> None:
    names = [f"docs/ä {number} \U0001f4a5.txt" for number in range(count)]
    assert read_names(cast("io.RawIOBase", archive_of(*names))) == names


def test_what_is_no_table_is_told() -> None:
    data = archive_of("docs/a.txt", "bundle.json").getvalue()
    for place in range(len(data)):
        for mask in (1, 0x80, 0xFF):
            damaged = bytearray(data)
            damaged[place] ^= mask
            try:
                read_names(cast("io.RawIOBase", io.BytesIO(damaged)))
            except ListingError:
                continue
    for size in range(len(data)):
        with pytest.raises(ListingError):
            read_names(cast("io.RawIOBase", io.BytesIO(data[:size])))


def test_a_table_that_is_packed_into_itself_is_told() -> None:
    # Packed by copying, from the very place where it lies.
    size = 17
    packed = bytes([23, 6, 0, 1, 9, size, 0])
    table = packed + bytes([7, 11, 1, 0, 1, 1, 0, 12, size, 0])
    start = struct.pack("<6s2BIQQI", layout.SEVEN_ZIP_SIGNATURE, 0, 4, 0, 0, size, 0)
    with pytest.raises(ListingError, match="no header, but 23"):
        read_names(cast("io.RawIOBase", io.BytesIO(start + table)))


@pytest.mark.parametrize("volume_size", [None, 3000])
@pytest.mark.parametrize("name", ["wheels/hidden-1.0-py3-none-any.whl", "docs/README.txt"])
def test_a_member_that_the_index_does_not_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, volume_size: int | None
) -> None:
    write = composing._write_members

    def more(contents: object, writer: PayloadWriter, advance: object) -> object:
        members = write(contents, writer, advance)  # type: ignore[arg-type]
        writer.add_bytes(b"", name)
        return members

    contents = tiny_contents(tmp_path, {"demo/a.py": b"1"}, volume_size=volume_size)
    honest, hostile = tmp_path / "honest", tmp_path / "hostile"
    honest.mkdir()
    hostile.mkdir()
    compose(contents, honest / "x.run", Progress())
    BundleReader.open(honest / "x.run").require_volumes()
    monkeypatch.setattr(composing, "_write_members", more)
    compose(contents, hostile / "x.run", Progress())
    with pytest.raises(VettingError, match=r"index-unlisted|index-duplicate"):
        BundleReader.open(hostile / "x.run").require_volumes()


def member(name: str, kind: bytes = plain_tarfile.REGTYPE, link: str = "") -> plain_tarfile.TarInfo:
    made = plain_tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


LINK, HARD = plain_tarfile.SYMTYPE, plain_tarfile.LNKTYPE
BAD: list[tuple[str, str, list[plain_tarfile.TarInfo]]] = [
    *(
        (f"named {name!r}", rule, [member(name)])
        for name, rule in {
            "../outside": "name-traversal",
            "python/../../outside": "name-traversal",
            "/outside": "name-absolute",
            "C:/outside": "name-drive",
            "python/a\\b": "name-backslash",
            "python/con.py": "name-reserved",
            "python/a.": "name-trailing",
            "python/a:b": "name-stream",
            "python/a\x1bb": "name-control",
            "python/" + "a" * 300: "name-long",
            "python//a": "name-empty",
            "python/./a": "name-dot",
        }.items()
    ),
    *(
        (f"kind {kind!r}", "tar-type", [member("python/x", kind)])
        for kind in (plain_tarfile.FIFOTYPE, plain_tarfile.CHRTYPE, plain_tarfile.BLKTYPE)
    ),
    *(
        (f"link {kind!r} to {goal!r}", "tar-link", [member("python/bin/x", kind, goal)])
        for kind in (LINK, HARD)
        for goal in (
            "/etc/passwd",
            "../../../outside",
            "C:/outside",
            "..\\..\\outside",
            "//server/x",
        )
    ),
    # Each for itself stays inside, and the second leads out through the first.
    (
        "a link through a link",
        "tar-link",
        [
            member("python/a/b/up", LINK, "../../.."),
            member("python/out", LINK, "a/b/up/../outside"),
        ],
    ),
    ("two of one name", "duplicate", [member("python/a"), member("python/a")]),
    ("a folder that is a file", "name-file-and-folder", [member("python/a"), member("python/a/b")]),
    ("a file that is a folder", "name-file-and-folder", [member("python/a/b"), member("python/a")]),
    (
        "through a link",
        "name-file-and-folder",
        [member("python/a", LINK, "bin"), member("python/a/b")],
    ),
]


def unpack(path: Path, folder: Path, target: Target = "linux_x86_64") -> None:
    with tarfile.open(path, tarinfo=tarball.BoundedMember) as archive:
        tarball.unpack_tar(archive, folder, name=path.name, target=target)


def tar_of(path: Path, members: list[plain_tarfile.TarInfo]) -> Path:
    with plain_tarfile.open(path, "w", format=plain_tarfile.PAX_FORMAT) as archive:
        for each in members:
            archive.addfile(each)
    return path


@pytest.mark.parametrize(
    ("rule", "members"), [b[1:] for b in BAD], ids=[ascii(b[0])[:60] for b in BAD]
)
def test_a_hostile_runtime_is_refused(
    tmp_path: Path, rule: str, members: list[plain_tarfile.TarInfo]
) -> None:
    out = tmp_path / "out" / "here"
    out.mkdir(parents=True)
    path = tar_of(tmp_path / "python.tar", members)
    with pytest.raises(VettingError) as caught:
        unpack(path, out)
    assert rule in {finding.rule for finding in caught.value.findings}
    assert {each.name for each in tmp_path.rglob("*outside*")} == set()


def bomb_of(kind: bytes) -> bytes:
    """A header that announces far more than follows."""
    made = member("python/x", kind)
    made.size = 1 << 40
    return made.tobuf(plain_tarfile.GNU_FORMAT) + bytes(1 << 16)


def sparse_by_pax() -> bytes:
    made = member("python/x")
    made.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    return made.tobuf(plain_tarfile.PAX_FORMAT) + b"99999999\n".ljust(512, b"0") + bytes(1 << 16)


@pytest.mark.parametrize(
    ("rule", "data"),
    [
        *(("tar-header", bomb_of(kind)) for kind in (b"L", b"K", b"x", b"g", b"X")),
        ("tar-type", bomb_of(b"S")),
        ("tar-type", sparse_by_pax()),
    ],
)
def test_what_a_header_announces_is_not_read(tmp_path: Path, rule: str, data: bytes) -> None:
    """Also behind another member, and as it is read when installing."""
    first = member("python/a").tobuf(plain_tarfile.GNU_FORMAT)
    for whole in (data, first + data):
        path = tmp_path / "python.tar.zst"
        path.write_bytes(zstd.compress(whole))
        with (
            pytest.raises(VettingError) as caught,
            tarfile.open(path, "r|zst", tarinfo=tarball.BoundedMember) as archive,
        ):
            tarball.unpack_tar(archive, tmp_path / "out", name="x", target="linux_x86_64")
        assert {finding.rule for finding in caught.value.findings} == {rule}


def test_case_counts_where_it_counts(tmp_path: Path) -> None:
    members = [member("python/terminfo/E/Eterm"), member("python/terminfo/e/eterm")]
    path = tar_of(tmp_path / "python.tar", members)
    unpack(path, tmp_path / "linux", "linux_x86_64")
    with pytest.raises(VettingError, match="name-collision"):
        unpack(path, tmp_path / "windows", "win_amd64")


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_MOST_MEMBERS", 3)
    path = tar_of(tmp_path / "python.tar", [member(f"python/{number}") for number in range(5)])
    with pytest.raises(VettingError, match="tar-count"):
        unpack(path, tmp_path / "out")


def test_too_many_bytes(tmp_path: Path) -> None:
    """Refused by what the header says, before any of it is written."""
    large = member("python/large")
    large.size = 5 << 30
    path = tmp_path / "python.tar"
    path.write_bytes(large.tobuf(plain_tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(VettingError, match="tar-size"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def allowed(wheel: Path, sha256: str, pth: bytes = PTH) -> Allowance:
    return Allowance(
        filename=wheel.name,
        sha256=sha256,
        members={"demo.pth": hashlib.sha256(pth).hexdigest()},
        reason="It is harmless.",
    )


def test_an_allowed_file_may_run_and_no_other(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "demo", "1.0", FILES)
    with pytest.raises(VettingError, match="startup-code"):
        read_wheel(wheel, wheel.name)
    read_wheel(wheel, wheel.name, allowance=allowed(wheel, "00" * 32))
    with pytest.raises(VettingError, match="startup-code"):
        read_wheel(wheel, wheel.name, allowance=allowed(wheel, "00" * 32, b"import os\n"))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def make_hostile(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    def make(extra: dict[str, bytes]) -> Path:
        folder = tmp_path / "wheels"
        folder.mkdir()
        path = folder / "demo-1.0-py3-none-any.whl"
        path.write_bytes(With(extra=extra)(tmp_path))
        return path

    return make


def test_both_programs_say_12(
    tmp_path: Path, make_hostile: Callable[[dict[str, bytes]], Path]
) -> None:
    wheel = make_hostile({"../outside.py": b"", "demo.pth": b"import demo\n"})
    checked = run(
        *("builder", "check", "--cuda", "cpu", "--target", "win_amd64", "--wheelhouse"),
        wheel.parent,
    )
    bundle = tiny_bundle(tmp_path, wheel=wheel)
    out = tmp_path / "out"
    given = run("bootstrap", "--bundle", bundle, "--extract", out)
    for done in (checked, given):
        assert done.returncode == ExitCode.REFUSED_CONTENT, done.stderr
        for told in ("demo-1.0-py3-none-any.whl", "[name-traversal]", "[startup-code] demo.pth"):
            assert told in done.stderr + done.stdout
    assert not list(out.rglob("*.whl"))
    assert not (tmp_path / "canary").exists()
