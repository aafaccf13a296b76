"""Wheelhouses made to measure: many small wheels, or a few large ones. Deterministic.

The wheels need each other as the branches of a tree do, ten at each, and so a resolver's
result looks: one is asked for, and the others come with it.
"""

import base64
import hashlib
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import Version

from benchmarks.stacks import TARGET, Stack
from builder.fetch import hash_file
from builder.lock.model import Lock, LockedWheel, encode_lock, lock_path
from builder.lock.requirements import digest
from builder.manifest import Manifest, Package, PackageGroup, Variant, VariantTarget
from tests.support.small_stack import PYTHON, make_wheel

FILES = 100
_BRANCHES = 10
_VARIANT = "cpu"
_VERSION = "1.0"
# METADATA, WHEEL and RECORD.
_METADATA_FILES = 3
# Of a module: two digits of text for each, so that it shrinks by half as others do.
_RANDOM_BYTES = 512
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is to be made.

    Attributes:
        wheels: how many.
        large: bytes of the one random file of each; 0 gives each :data:`FILES` small ones.
    """

    wheels: int
    large: int = 0

    @property
    def files(self) -> int:
        """In all wheels."""
        return self.wheels * ((1 + _METADATA_FILES) if self.large else FILES)


def manifest() -> Manifest:
    """Asks for the root of the tree, and checks nothing afterwards."""
    packages = (Package(order=1, name=str(canonicalize_name(_name(0)))),)
    return Manifest(
        product="Scaling",
        version="1.0.0",
        company="Example",
        python=PYTHON,
        groups=(PackageGroup(name="all", packages=packages),),
        variants={
            _VARIANT: Variant(cuda=None, targets={TARGET.name: VariantTarget(pins={})}),
        },
        blacklist=(),
        checks=(),
    )


def write_manifest(folder: Path) -> Path:
    """Write the manifest into a folder and return its path."""
    path = folder / "dependencies.json"
    path.write_bytes(msgspec.json.encode(manifest()))
    return path


def make_stack(work: Work, folder: Path, cache: Path) -> Stack:
    """Make the wheels, straight into the builder's cache, and lock them.

    Args:
        work: how many and how large.
        folder: where manifest and lock go.
        cache: the folder of the cache.
    """
    asked = manifest()
    path = lock_path(write_manifest(folder), _VARIANT, TARGET.name)
    path.parent.mkdir()
    files = cache / "files"
    files.mkdir(parents=True)
    lock = Lock(
        variant=_VARIANT,
        target=TARGET.name,
        python=asked.python,
        requirements_sha256=digest(asked, _VARIANT, TARGET.name),
        wheels=tuple(_make(work, number, files) for number in range(work.wheels)),
        path=path,
    )
    path.write_bytes(encode_lock(lock))
    return Stack(
        manifest_path=folder / "dependencies.json",
        variant=_VARIANT,
        changing=canonicalize_name(_name(0)),
    )


def _make(work: Work, number: int, files: Path) -> LockedWheel:
    """One wheel, by its hash, in the folder ``files``."""
    make = large_wheel if work.large else small_wheel
    wheel = make(files, number, work)
    sha256 = hash_file(wheel)
    locked = LockedWheel(
        name=canonicalize_name(_name(number)),
        version=Version(_VERSION),
        filename=wheel.name,
        sha256=sha256,
        size=wheel.stat().st_size,
    )
    wheel.rename(files / sha256)
    return locked


def _name(number: int) -> str:
    return f"part_{number:05d}"


def branches(number: int, count: int) -> list[int]:
    """Which of ``count`` wheels the wheel with this number needs."""
    first = _BRANCHES * number + 1
    return [branch for branch in range(first, first + _BRANCHES) if branch < count]


def small_wheel(folder: Path, number: int, work: Work) -> Path:
    """A wheel of :data:`FILES` small modules."""
    name, source = _name(number), random.Random(number)  # noqa: S311 (not for secrets)
    modules = {
        f"{name}/module_{place:03d}.py": f'DATA = "{source.randbytes(_RANDOM_BYTES).hex()}"\n'
        for place in range(FILES - _METADATA_FILES)
    }
    content = {path: text.encode() for path, text in modules.items()}
    needs = [_name(branch) for branch in branches(number, work.wheels)]
    return make_wheel(folder, name, _VERSION, content, requires=needs)


def large_wheel(folder: Path, number: int, work: Work) -> Path:
    """A wheel with one file of random bytes, which nobody holds in memory."""
    name = _name(number)
    info = f"{name}-{_VERSION}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {_VERSION}\n"]
    metadata += [f"Requires-Dist: {_name(branch)}\n" for branch in branches(number, work.wheels)]
    texts = {
        f"{info}/METADATA": "".join(metadata),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path, digest_of_data = folder / f"{name}-{_VERSION}-py3-none-any.whl", hashlib.sha256()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(_member(f"{name}/data.bin"), "w", force_zip64=True) as file:
            for chunk in _random(number, work.large):
                digest_of_data.update(chunk)
                file.write(chunk)
        rows = [_row(f"{name}/data.bin", digest_of_data.digest(), work.large)]
        rows += [
            _row(member, hashlib.sha256(text.encode()).digest(), len(text.encode()))
            for member, text in texts.items()
        ]
        record = f"{info}/RECORD"
        for member, text in {**texts, record: "\n".join([*rows, f"{record},,\n"])}.items():
            archive.writestr(_member(member), text)
    return path


def _random(seed: int, size: int) -> Iterator[bytes]:
    source = random.Random(seed)  # noqa: S311 (not for secrets)
    for start in range(0, size, _CHUNK):
        yield source.randbytes(min(_CHUNK, size - start))


def _member(path: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))


def _row(path: str, digest_of_it: bytes, size: int) -> str:
    value = base64.urlsafe_b64encode(digest_of_it).decode().rstrip("=")
    return f"{path},sha256={value},{size}"
