"""A real bundle with a stand-in for torch, and what later programs do to that."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.building import build, lock_of, relock, write_lock
from tests.support.commands import fingerprint
from tests.support.small_stack import TAG, TARGET, VARIANT, SmallBundle, make_wheel
from tests.support.torch_environment import torch_files
from tests.support.torch_wheels import write_wheels

pytestmark = pytest.mark.slow

WATCH = "llmsetup_watch_torch"


@pytest.fixture(scope="module")
def installer(small: SmallBundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small stack, and torch as pip's index has it, without its build in the version."""
    folder = tmp_path_factory.mktemp("torch")
    shutil.copytree(small.manifest.parent / "locks", folder / "locks")
    shutil.copytree(small.cache, folder / "cache")
    manifest = json.loads(small.manifest.read_text())
    torch = {"order": 90, "name": "torch", "specifier": ""}
    manifest["groups"].append({"name": "torch", "packages": [torch]})
    manifest["variants"][VARIANT]["targets"][TARGET]["pins"]["torch"] = "2.6.0"
    path = folder / small.manifest.name
    path.write_text(json.dumps(manifest))
    work = SmallBundle(manifest=path, cache=folder / "cache", output=folder / "dist")
    relock(work, make_wheel(folder, "torch", "2.6.0", torch_files("2.6.0+cpu", "2.6.0"), tag=TAG))
    write_lock(work, lock_of(work), VARIANT)
    done = build(work)
    assert done.returncode == 0, done.stderr
    return work.installer


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pip's own wheel, which runs without being installed."""
    folder = tmp_path_factory.mktemp("pip")
    download = ("pip", "download", "--quiet", "--no-deps", "--dest", str(folder), "pip")
    subprocess.run([sys.executable, "-m", *download], check=True, capture_output=True)
    (wheel,) = folder.glob("pip-*.whl")
    return wheel / "pip"


class Machine:
    """A target on this machine, with the installer and a folder of other wheels."""

    def __init__(self, installer: Path, folder: Path) -> None:
        self.target = folder / "my modèls"
        self.wheels = write_wheels(folder / "wheels")
        self.python = self.target / ".venv" / "bin" / "python"
        self._installer = installer

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return call(self._installer, "--silent", "--target", self.target, *arguments)

    def install(self, *more: str) -> None:
        done = self.run(*more)
        assert (done.returncode, done.stderr) == (0, "")

    def verify(self) -> "subprocess.CompletedProcess[str]":
        return self.run("--verify", "--deep")

    def start(self) -> str:
        """What its Python writes to standard error, doing nothing."""
        done = call(self.python, "-c", "")
        assert done.returncode == 0
        return done.stderr

    @property
    def watches(self) -> bool:
        state = json.loads((self.target / "install.json").read_text())
        watches = bool(state["state"]["live"]["watch_torch"])
        files = {path.name for path in self.target.glob(f".venv/lib/*/site-packages/{WATCH}.*")}
        assert files == ({f"{WATCH}.py", f"{WATCH}.pth"} if watches else set())
        return watches


def call(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PIP_", "UV_"))}
    return subprocess.run(
        command,
        env=kept,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


@pytest.fixture
def machine(installer: Path, tmp_path: Path) -> Machine:
    return Machine(installer, tmp_path)


def test_the_environments_own_pip_adds_and_does_not_replace(machine: Machine, pip: Path) -> None:
    machine.install()
    install = (machine.python, pip, "install", "--no-cache-dir", "--find-links", machine.wheels)
    refused = call(*install, "wants-other-torch")
    assert refused.returncode == 1
    assert "wants-other-torch 1.0 depends on torch==9.9" in refused.stdout
    assert "The user requested (constraint) torch===2.6.0" in refused.stdout
    upgraded = call(*install, "--upgrade", "torch")
    assert upgraded.returncode == 0, upgraded.stderr
    assert "Requirement already satisfied: torch" in upgraded.stdout
    added = call(*install, "innocent", "wants-torch")
    assert added.returncode == 0, added.stderr
    done = machine.verify()
    assert (done.returncode, done.stderr) == (0, "")


def test_a_replacement_is_told_at_each_start_and_by_verify_and_repaired(machine: Machine) -> None:
    machine.install("--watch-torch")
    assert machine.watches
    assert machine.start() == ""
    assert machine.verify().returncode == 0
    uv = (sys.executable, "-m", "uv", "--no-cache", "--offline", "pip", "install", "--quiet")
    done = call(
        *uv, "--python", machine.python, "--find-links", machine.wheels, "wants-other-torch"
    )
    assert done.returncode == 0, done.stderr
    (line,) = machine.start().splitlines()
    assert "RuntimeWarning: torch 2.6.0+cpu was replaced by 9.9 in " in line
    verified = machine.verify()
    assert verified.returncode == 31
    first, second, *_ = verified.stderr.splitlines()
    assert first.startswith("error: torch 2.6.0+cpu was replaced by 9.9 by uv in ")
    assert second.startswith("  → Run the installer again")
    machine.install()
    assert not machine.watches
    assert machine.start() == ""
    assert machine.verify().returncode == 0


def test_the_switch_goes_with_installing_a_torch(small: SmallBundle, machine: Machine) -> None:
    wrong = machine.run("--watch-torch", "--verify")
    assert wrong.returncode == 2
    assert "--watch-torch goes with installing only." in wrong.stderr
    without = call(small.installer, "--silent", "--target", machine.target, "--watch-torch")
    assert without.returncode == 2
    assert "SmallStack cpu brings no torch that could be watched." in without.stderr
    assert fingerprint(machine.target) == {}
