"""What is asked of file systems, on file systems that differ."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.storage import Lender, allocate
from tests.support.debian import require_debian, require_root

# mkfs.xfs makes none smaller than 300 MB.
_SIZE = 512 << 20
_KINDS = {
    "xfs": ("xfsprogs", ["mkfs.xfs", "-q"]),
    "btrfs": ("btrfs-progs", ["mkfs.btrfs", "-q"]),
    "ext4": ("e2fsprogs", ["mkfs.ext4", "-q"]),
}


@pytest.fixture(params=_KINDS)
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Kind and mount point of a file system of its own."""
    require_root()
    kind = request.param
    package, make = _KINDS[kind]
    require_debian(package)
    image, folder = tmp_path / "image", tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(_SIZE)
    folder.mkdir()
    subprocess.run([*make, image], check=True, capture_output=True)
    mounted = subprocess.run(
        ["mount", "-o", "loop", image, folder], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"this machine mounts no {kind}: {mounted.stderr.strip()}")
    yield kind, folder
    subprocess.run(["umount", folder], check=True)


def test_a_file_is_lent_at_the_least_cost(disk: tuple[str, Path]) -> None:
    kind, folder = disk
    source, to = folder / "source", folder / "to"
    source.write_bytes(b"content " * 10_000)
    lender = Lender()
    assert lender.lend(str(source), str(to), executable=False)
    assert to.read_bytes() == source.read_bytes()
    assert to.samefile(source) == (kind == "ext4")
    # A clone of its own; the same file if that is how it is.
    with to.open("r+b") as file:
        file.write(b"changed!")
    assert source.read_bytes().startswith(b"content ") == (kind != "ext4")


def test_a_clone_may_have_another_mode(disk: tuple[str, Path]) -> None:
    kind, folder = disk
    source, to = folder / "source", folder / "to"
    source.write_bytes(b"#!/bin/sh\n")
    source.chmod(0o755)
    assert Lender().lend(str(source), str(to), executable=True)
    assert to.stat().st_mode & 0o111
    assert to.samefile(source) == (kind == "ext4")


def test_room_is_given_before_it_is_used(disk: tuple[str, Path]) -> None:
    _, folder = disk
    with (folder / "new").open("wb") as file:
        allocate(file.fileno(), 10 << 20)
        file.flush()
        assert (folder / "new").stat().st_blocks * 512 >= 10 << 20
        with pytest.raises(OSError, match="No space left"):
            allocate(file.fileno(), 4 * _SIZE)
