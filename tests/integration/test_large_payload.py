"""More than fits into one file on a FAT disk: 4.4 GB, built and installed for real."""

import base64
import hashlib
import random
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.bundle.model import decode_index
from builder.fetch import hash_file
from builder.lock.model import LockedWheel, encode_lock
from builder.wheels import read_wheel
from tests.support.building import arguments, lock_of, relock
from tests.support.commands import events, run_builder
from tests.support.debian import require_debian
from tests.support.machine import TARGET, python
from tests.support.minimal_root import MinimalRoot
from tests.support.small_stack import SmallBundle, make_wheel

pytestmark = pytest.mark.slow

_BLOCK = random.Random(1).randbytes(1 << 20)  # noqa: S311
_BLOCKS = 2200
_ROOM = 16_000_000_000
_TIMEOUT = 600
_FAT32 = (4 << 30) - 1


@pytest.fixture
def large(work: SmallBundle) -> Iterator[SmallBundle]:
    """The small stack with two wheels more, of 2.3 GB each."""
    folder = work.manifest.parent
    if shutil.disk_usage(folder).free < _ROOM:
        pytest.skip(f"needs {_ROOM / 1e9:.0f} GB of disk")
    click = make_wheel(
        folder, "click", "8.3.0", {"click.py": b""}, requires=["huge_one", "huge_two"]
    )
    relock(work, click)
    for name in ("huge_one", "huge_two"):
        lock_huge(work, name)
    yield work
    shutil.rmtree(folder)


def lock_huge(work: SmallBundle, name: str) -> None:
    path = huge_wheel(work.manifest.parent, name)
    facts, sha256, size = read_wheel(path, path.name), hash_file(path), path.stat().st_size
    path.rename(work.cache / "files" / sha256)
    locked = LockedWheel(
        name=facts.name, version=facts.version, filename=path.name, sha256=sha256, size=size
    )
    lock = lock_of(work)
    lock.path.write_bytes(encode_lock(replace(lock, wheels=(*lock.wheels, locked))))


def huge_wheel(folder: Path, name: str) -> Path:
    """One that nobody holds in memory; each of its blocks is another one."""
    info, blocks = f"{name}-1.0.dist-info", [f"{name} {number:6d}" for number in range(_BLOCKS)]
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        record_row(path, hashlib.sha256(text.encode()), len(text)) for path, text in texts.items()
    ]
    path, digest = folder / f"{name}-1.0-py3-none-any.whl", hashlib.sha256()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(member(f"{name}/weights.bin"), "w", force_zip64=True) as file:
            for block in blocks:
                for part in (block.encode(), _BLOCK):
                    digest.update(part)
                    file.write(part)
        size = _BLOCKS * (len(_BLOCK) + len(blocks[0]))
        rows += [record_row(f"{name}/weights.bin", digest, size), f"{info}/RECORD,,"]
        for text_path, text in {**texts, f"{info}/RECORD": "\n".join(rows)}.items():
            archive.writestr(member(text_path), text)
    return path


def member(path: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))


def record_row(path: str, digest: "hashlib._Hash", size: int) -> str:
    value = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    return f"{path},sha256={value},{size}"


def test_it_goes_to_volumes_by_itself(large: SmallBundle, root: MinimalRoot) -> None:
    built = run_builder(*arguments(large), "--compression", "store", "--json")
    assert built.returncode == 0, built.stdout + built.stderr
    shutil.rmtree(large.cache)
    index = decode_index((large.beside / "bundle.json").read_bytes())
    files = [path for path in large.output.iterdir() if path.is_file()]
    assert max(path.stat().st_size for path in files) <= _FAT32
    assert [volume.size for volume in index.volumes][:-1] == [4092 << 20]
    assert sum(volume.size for volume in index.volumes) > 4_300_000_000
    assert len(events(built.stdout)[-1]["volumes"]) == 2
    require_debian("7zip")
    for name in (large.installer.name, index.volumes[0].name):
        listed = subprocess.run(
            ["7zz", "l", large.output / name], capture_output=True, text=True, check=False
        )
        assert listed.returncode == 0, listed.stdout
    assert "wheels/huge_two-1.0-py3-none-any.whl" in listed.stdout

    root.copy_in(large.output, "/media/large")
    stick = f"/media/large/{large.installer.name}"
    media = root.run([stick, "--check-media"], timeout=_TIMEOUT)
    assert media.returncode == 0, media.stderr
    done = root.run([stick, "--target", TARGET, "--silent"], timeout=_TIMEOUT)
    assert done.returncode == 0, done.stderr
    code = "import huge_two as p, pathlib; print(sum(f.stat().st_size for f in map(pathlib.Path, "
    code += "[next(iter(p.__path__)) + '/weights.bin'])))"
    assert int(python(root, code)) == _BLOCKS * (len(_BLOCK) + len("huge_two 000000"))
