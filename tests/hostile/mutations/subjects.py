"""Small bundles of each kind, packed by the real code, to be damaged."""

import io
import random
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.value import Target
from bootstrap.bundle.zips import zstd
from builder.fetch import hash_file
from builder.pack.compose import compose
from builder.pack.contents import Contents
from builder.progress import Progress
from builder.runtime.model import PreparedRuntime
from builder.wheels import StoredWheel
from tests.support.small_stack import make_wheel
from tests.support.tiny_contents import tiny_contents
from tests.support.tiny_pe import append_signature, tiny_pe
from tests.support.transcoding import transcoded

# Name to bytes of an installer and of what lies beside it.
Files = dict[str, bytes]
_CHANCE = random.Random(6)  # noqa: S311 (not for secrets)
_NOISE = _CHANCE.randbytes(90_000)
# The smallest that there are, and a bit: so they have bytes behind what is glanced at.
_VOLUME_SIZE = 70_000
_CODE = b"\x7fELF" + _CHANCE.randbytes(500)
KINDS = ("store", "fast", "volumes", "windows", "signed")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An intact bundle.

    Attributes:
        folder: where it lies, with its volumes and nothing else.
        installer: file name.
        other: another build of the same product, under the same names.
        installable: it is meant for this machine.
    """

    name: str
    folder: Path
    installer: str
    other: Path
    installable: bool

    @property
    def path(self) -> Path:
        """The installer."""
        return self.folder / self.installer

    @cached_property
    def files(self) -> Files:
        """All of it."""
        return _read(self.folder)

    @cached_property
    def foreign(self) -> Files:
        """All of the other build."""
        return _read(self.other)

    @cached_property
    def reader(self) -> BundleReader:
        """It, opened."""
        return BundleReader.open(self.path)


def _read(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Leave these files in the folder, and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)


def make_subject(kind: str, folder: Path) -> Subject:
    """Pack a bundle of this kind (one of :data:`KINDS`) twice, with different contents.

    The same bytes come out whenever and wherever that is done.

    Args:
        kind: one file with the original wheel, with a transcoded one, with volumes, for Windows,
            and that with a signature.
        folder: where both builds and their parts go.
    """
    for which, version in (("a", 1), ("b", 2)):
        _pack(kind, folder / which, version)
    return open_subject(kind, folder)


def open_subject(kind: str, folder: Path) -> Subject:
    """What :func:`make_subject` has made there, by whichever process."""
    made = folder / "a" / "bundle"
    (installer,) = (path.name for path in made.iterdir() if path.suffix in (".run", ".exe"))
    return Subject(
        name=kind,
        folder=made,
        installer=installer,
        other=folder / "b" / "bundle",
        installable=kind in ("store", "fast", "volumes"),
    )


def _pack(kind: str, folder: Path, version: int) -> None:
    parts, made = folder / "parts", folder / "bundle"
    parts.mkdir(parents=True, exist_ok=True)
    made.mkdir(exist_ok=True)
    contents = _contents(kind, parts, version)
    path = made / contents.installer_name
    if not path.exists():
        draft = path.with_name(f"{path.name}.part")
        compose(contents, draft, Progress())
        if kind == "signed":
            append_signature(draft)
        draft.rename(path)


def _contents(kind: str, parts: Path, version: int) -> Contents:
    windows = kind in ("windows", "signed")
    target: Target = "win_amd64" if windows else "linux_x86_64"
    files = _files(version, noise=3 if kind == "volumes" else 1)
    stored = None
    if kind == "fast":
        wheel = make_wheel(parts, "demo", "1.0", files)
        path = transcoded(wheel, parts / "transcoded.whl")
        stored = StoredWheel(path=path, sha256=hash_file(path))
    contents = tiny_contents(
        parts,
        files,
        volume_size=_VOLUME_SIZE if kind == "volumes" else None,
        target=target,
        program=tiny_pe() if windows else _CODE,
        stored=stored,
    )
    documents = {
        "README.txt": b"read me %d\n" % version * 20,
        "licence.txt": b"do as you like\n" * 20,
        "shell.sh": b"#!/bin/sh\n",
    }
    runtime = _runtime(parts, contents.runtime, version)
    return replace(contents, runtime=runtime, documents=documents)


def _files(version: int, noise: int) -> dict[str, bytes]:
    """Members of every kind that is installed in a way of its own."""
    return {
        "demo/__init__.py": b"VERSION = %d\n" % version,
        "demo/text.py": b"print('the same again and again')\n" * 300,
        **{f"demo/noise_{n}.bin": bytes([version, n]) + _NOISE[n:] for n in range(noise)},
        "demo/empty.txt": b"",
        "demo-1.0.data/scripts/demo": b"#!python\nprint(1)\n",
        "demo-1.0.dist-info/entry_points.txt": b"[console_scripts]\ndemo2 = demo:x\n",
    }


def _runtime(parts: Path, plain: PreparedRuntime, version: int) -> PreparedRuntime:
    """An archive as runtimes are; nothing in it runs."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in (
            ("bin/python3.11", b"#!/bin/sh\n# %d\n" % version),
            ("lib/python3.11/os.py", b"# an operating system\n" * 100),
            ("lib/noise.bin", _NOISE[:9_000]),
        ):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, "python3.11"
        archive.addfile(link)
    path = parts / "python.tar.zst"
    path.write_bytes(zstd.compress(packed.getvalue()))
    return replace(plain, archive=path)
