"""The main job on real input: the cu124 stack, 74 wheels and 3.5 GB, from the index to a prompt.

It is installed in a root file system without Python and without network, with nothing of
this machine in it but the installer.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.bundle.errors import ExitCode
from bootstrap.bundle.model import Index, decode_index
from builder.fetch import hash_file
from tests.support.commands import events, fingerprint, run_builder
from tests.support.debian import require_root
from tests.support.minimal_root import MinimalRoot, open_minimal_root
from tests.support.nvml_stub import GTX_1080, RTX_4090, NvmlStub, StubGpu, build_nvml_stub
from tests.support.small_stack import PYTHON

pytestmark = pytest.mark.slow

TARGET = "/opt/llm"
STICK = "/media/stick/LLMSetup-cu124.run"
RTX_5090 = StubGpu(name="NVIDIA GeForce RTX 5090", capability=(12, 0), memory=32 << 30)
_TIMEOUT = 900


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The output folder of ``python -m builder --cuda cu124``, wheels in the usual cache."""
    require_root()
    output = tmp_path_factory.mktemp("real") / "dist"
    done = run_builder("--cuda", "cu124", "--output", output)
    if done.returncode == ExitCode.DOWNLOAD_FAILED and PYTHON != "3.11":
        pytest.skip("needs Python 3.11, or python-build-standalone within reach")
    assert done.returncode == 0, done.stderr
    yield output
    shutil.rmtree(output)


@pytest.fixture(scope="module")
def index(dist: Path) -> Index:
    return decode_index((dist / "LLMSetup-cu124-linux_x86_64/bundle.json").read_bytes())


@pytest.fixture(scope="module")
def root(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinimalRoot]:
    """One machine for all tests; its /tmp is smaller than any large wheel."""
    with open_minimal_root(tmp_path_factory.mktemp("root")) as opened:
        opened.copy_in(dist / "LLMSetup-cu124.run", STICK)
        opened.tmpfs("/tmp", 64 << 20)  # noqa: S108
        yield opened


@pytest.fixture(scope="module")
def installed(root: MinimalRoot) -> dict[str, str]:
    """Check to status of a finished installation."""
    done = root.run([STICK, "--target", TARGET, "--json", "--allow-no-gpu"], timeout=_TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert fingerprint(root.path("/tmp")) == {}  # noqa: S108
    told = events(done.stdout)
    assert told[-1]["message"].endswith("verified except GPU (pyside6-offscreen skipped).")
    return {event["id"]: event["status"] for event in told if event["event"] == "check"}


@pytest.fixture
def nvml(root: MinimalRoot, tmp_path: Path) -> Iterator[NvmlStub]:
    """A stand-in for the driver inside the root; its scenario is written from outside."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler for the stand-in of the driver's library")
    library = root.path("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1")
    shutil.copyfile(build_nvml_stub(tmp_path).folder / library.name, library)
    yield NvmlStub(folder=library.parent, scenario=root.path("/opt/scenario.txt"))
    library.unlink()


def run(root: MinimalRoot, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": "/usr/bin:/bin", "NVML_STUB_SCENARIO": "/opt/scenario.txt"}
    return root.run([STICK, *arguments], environment=environment, timeout=_TIMEOUT)


def python(root: MinimalRoot, code: str) -> str:
    done = root.run([f"{TARGET}/.venv/bin/python", "-c", code], timeout=_TIMEOUT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_bundle_is_the_locked_stack(dist: Path, index: Index) -> None:
    assert len(index.wheels) == 75
    assert index.cuda is not None
    assert (index.cuda.version, index.cuda.minimum_driver) == ("12.4", "525.60.13")
    groups = {group.name: [wheel.name for wheel in group.wheels] for group in index.groups}
    assert list(groups) == ["base", "torch", "hf", "transformers", "training", "gui"]
    assert {"triton", "nvidia-cudnn-cu12", "torchaudio"} < set(groups["torch"])
    assert groups["base"][0] == "numpy"
    sums = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=dist, check=False)
    assert sums.returncode == 0


def test_without_a_gpu_it_is_refused(root: MinimalRoot) -> None:
    for arguments in (["--check"], ["--silent"]):
        done = run(root, *arguments, "--target", "/opt/refused")
        assert done.returncode == 24
        assert "No NVIDIA driver was found (libnvidia-ml.so.1: cannot open" in done.stderr
        assert "driver 525.60.13 or newer" in done.stderr
        assert "--allow-no-gpu" in done.stderr
    assert not root.path("/opt/refused").exists()


@pytest.mark.parametrize(
    ("driver", "cuda", "gpu", "code", "told"),
    [
        ("550.54.15", 12040, RTX_4090, 0, "This machine can run LLMSetup cu124."),
        ("580.65.06", 13000, GTX_1080, 0, "This machine can run LLMSetup cu124."),
        ("470.82.01", 11040, RTX_4090, 24, "driver 470.82.01 is too old for CUDA 12.4"),
        ("580.65.06", 13000, RTX_5090, 24, "Choose a bundle of a newer CUDA"),
    ],
    ids=["4090", "1080", "old driver", "5090"],
)
def test_driver_and_gpu_decide(
    root: MinimalRoot, nvml: NvmlStub, driver: str, cuda: int, gpu: StubGpu, code: int, told: str
) -> None:
    nvml.answer(driver, cuda, [gpu])
    done = run(root, "--check", "--target", "/opt/refused")
    assert done.returncode == code
    assert told in done.stdout + done.stderr
    assert gpu.name in done.stderr


def test_every_check_that_needs_no_gpu_has_passed(installed: dict[str, str]) -> None:
    skipped = {check for check, status in installed.items() if status == "skipped"}
    # The minimal root lacks what QtGui needs of the system.
    assert skipped == {"torch-gpu", "bitsandbytes-4bit", "pyside6-offscreen"}
    assert {status for check, status in installed.items() if check not in skipped} == {"passed"}


@pytest.mark.usefixtures("installed")
def test_the_success_criteria(root: MinimalRoot) -> None:
    assert python(root, "import torch; print(torch.__version__, torch.version.cuda)") == (
        "2.6.0+cu124 12.4"
    )
    code = "from transformers import PreTrainedModel as m; print(m.__name__)"
    assert python(root, code) == "PreTrainedModel"
    code = "import importlib.util; print(importlib.util.find_spec('torchao'))"
    assert python(root, code) == "None"


@pytest.mark.usefixtures("installed")
def test_torch_is_held(root: MinimalRoot, index: Index) -> None:
    venv = root.path(f"{TARGET}/generations/{index.bundle_id}/venv")
    lock = json.loads((venv / ".torch_lock").read_text())
    assert (lock["version"], lock["local"], lock["cuda"]) == ("2.6.0", "cu124", "12.4")
    (record,) = venv.glob("lib/*/site-packages/torch-2.6.0.dist-info/RECORD")
    assert lock["record_sha256"] == hash_file(record)
    assert "no-index = true" in (venv / "pip.conf").read_text()
    assert "torch===2.6.0\n" in (venv / "constraints.txt").read_text()


@pytest.mark.usefixtures("installed")
def test_verify_is_clean_and_one_changed_byte_is_named(root: MinimalRoot, index: Index) -> None:
    clean = run(root, "--verify", "--target", TARGET)
    assert clean.returncode == 0, clean.stderr
    assert "is there, unchanged: verified except GPU (pyside6-offscreen skipped)." in clean.stdout
    site = f"generations/{index.bundle_id}/venv/lib/python3.11/site-packages"
    library = root.path(f"{TARGET}/{site}/torch/lib/libtorch_cpu.so")
    with library.open("r+b") as file:
        file.seek(200_000_000)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    changed = run(root, "--verify", "--target", TARGET)
    assert changed.returncode == 31
    assert "torch/lib/libtorch_cpu.so (changed)" in changed.stderr
    with library.open("r+b") as file:
        file.seek(200_000_000)
        file.write(byte)


@pytest.mark.usefixtures("installed")
def test_a_failed_check_leaves_the_old_one_live(root: MinimalRoot, nvml: NvmlStub) -> None:
    """The stand-in promises a GPU; torch, which does not believe it, finds none."""
    nvml.answer("550.54.15", 12040, [RTX_4090])
    before = {path.name for path in root.path(f"{TARGET}/generations").iterdir()}
    state = root.path(f"{TARGET}/install.json").read_text()
    done = run(root, "--target", TARGET, "--silent")
    assert done.returncode == 31, done.stderr
    assert "torch-gpu: RuntimeError: Found no NVIDIA driver" in done.stderr
    assert {path.name for path in root.path(f"{TARGET}/generations").iterdir()} == before
    assert root.path(f"{TARGET}/install.json").read_text() == state
    assert python(root, "import numpy; print(1)") == "1"
