"""One file, cut into volumes while it is written."""

import io
import random
from pathlib import Path

import pytest

from bootstrap.bundle import layout
from builder.pack.volumes import VolumeWriter, describe_volumes, find_volumes, volume_path


@pytest.mark.parametrize("size", [1, 7, 64, 1000, 5000])
def test_it_is_the_same_file(tmp_path: Path, size: int) -> None:
    chance, plain = random.Random(size), io.BytesIO()  # noqa: S311
    with VolumeWriter(tmp_path / "a.7z", size) as writer:
        for _ in range(60):
            if chance.random() < 0.3:
                place = chance.randrange(plain.getbuffer().nbytes + 1)
                assert writer.seek(place) == plain.seek(place)
            else:
                assert writer.seek(0, io.SEEK_END) == plain.seek(0, io.SEEK_END)
            data = chance.randbytes(chance.randrange(150))
            assert writer.write(data) == plain.write(data)
            assert writer.tell() == plain.tell()
    parts = [path.read_bytes() for path in writer.paths]
    assert b"".join(parts) == plain.getvalue()
    assert {len(part) for part in parts[:-1]} <= {size}
    assert [volume_path(tmp_path / "a.7z", n) for n in range(1, len(parts) + 1)] == writer.paths


def test_what_is_said_of_them(tmp_path: Path) -> None:
    data = random.Random(1).randbytes(250_000)  # noqa: S311
    with VolumeWriter(tmp_path / "a.7z", 100_000) as writer:
        writer.write(data)
    described = describe_volumes(writer.paths)
    assert [(volume.name, volume.size) for volume in described] == [
        *(("a.7z.001", 100_000), ("a.7z.002", 100_000), ("a.7z.003", 50_000)),
    ]
    assert described[1].sha256 == layout.sha256_hex(data[100_000:200_000])
    assert described[1].head_sha256 == layout.sha256_hex(data[100_000:165_536])
    assert described[2].head_sha256 == described[2].sha256


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    volume_path(tmp_path / "a.7z", 2).write_bytes(b"somebody's")
    with pytest.raises(FileExistsError), VolumeWriter(tmp_path / "a.7z", 5) as writer:
        writer.write(b"12345678")
    assert volume_path(tmp_path / "a.7z", 2).read_bytes() == b"somebody's"


def test_only_volumes_are_found(tmp_path: Path) -> None:
    volumes = {"a.7z.001", "a.7z.1000"}
    for name in (*volumes, "a.7z", "a.7z.txt", "a.7z.01", "b.7z.001", "a17z.001", "xa.7z.001"):
        (tmp_path / name).touch()
    assert {path.name for path in find_volumes(tmp_path / "a.7z")} == volumes
