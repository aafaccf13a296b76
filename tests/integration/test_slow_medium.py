"""A medium that is slow and must jump to read elsewhere is read from one end to the other."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bootstrap import medium
from bootstrap.bundle.reader import BundleReader
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install.destination import LARGE
from bootstrap.install.earlier import Earlier
from bootstrap.install.wheels import install_wheels
from tests.support.debian import require_debian, require_root
from tests.support.small_stack import make_wheel
from tests.support.tiny_bundle import tiny_bundle

_COUNT = 6
_FILES = {
    f"demo/{number}.bin": random.Random(number).randbytes(LARGE + 1)  # noqa: S311
    for number in range(_COUNT)
}


@contextmanager
def stick(file: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """The file on a medium of 60 MB/s; how it was read is known when the context ends."""
    require_root()
    require_debian("libfuse2", "fuse3")
    folder.mkdir()
    command = [sys.executable, "-m", "benchmarks.slow_medium", file, folder]
    told: dict[str, Any] = {}
    with subprocess.Popen(
        [*map(str, command), "--rate", "60", "--seek", "5"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            while not (folder / file.name).exists():
                if process.poll() is not None:
                    pytest.skip("this machine has no file systems in user space")
                time.sleep(0.1)
            yield told
        finally:
            subprocess.run(["umount", folder], check=False)
        told |= json.loads(process.communicate(timeout=60)[0])


def install(bundle: Path, folder: Path) -> dict[str, Any]:
    generation = Generation(root=folder, name="1", target="linux_x86_64", python_version="3.11")
    with stick(bundle, folder.with_name(f"{folder.name}-stick")) as told:
        mounted = folder.with_name(f"{folder.name}-stick") / bundle.name
        install_wheels(BundleReader.open(mounted), generation, Earlier.none(), Listener())
    for path, content in _FILES.items():
        assert (generation.site_packages / path).read_bytes() == content
    return told


def test_it_is_read_forward_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tiny_bundle(tmp_path, wheel=make_wheel(tmp_path, "demo", "1.0", _FILES))
    slowly = install(bundle, tmp_path / "slow")
    # To the index, to the wheel's directory, to its RECORD, and back to its beginning.
    assert slowly["jumps"] < 30
    assert slowly["bytes"] < bundle.stat().st_size * 1.2
    # Taken for a fast one, it shows what that is good for.
    monkeypatch.setattr(medium, "_FAST", 0)
    assert install(bundle, tmp_path / "fast")["jumps"] > 3 * slowly["jumps"]
