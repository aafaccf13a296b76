"""What NVML says becomes what we know: the real pynvml against a stand-in for the driver."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.nvml_stub import GTX_1080, H100, RTX_4090, T1000, NvmlStub, StubGpu
from tests.support.nvml_stub import build_nvml_stub as build

ROOT = Path(__file__).parents[2]
_ASK = """
import dataclasses, json
from bootstrap.host import detect_host
gpu = detect_host().gpu
print(json.dumps({**dataclasses.asdict(gpu), "driver": gpu.driver and gpu.driver_text}))
"""

if sys.platform == "win32" or shutil.which(os.environ.get("CC", "cc")) is None:
    pytest.skip("the stub needs Linux and a C compiler", allow_module_level=True)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("nvml")).folder


@pytest.fixture
def stub(library: Path, tmp_path: Path) -> NvmlStub:
    return NvmlStub(folder=library, scenario=tmp_path / "scenario.txt")


def ask(environment: dict[str, str]) -> Any:
    """In a fresh process, since pynvml loads the library once only."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _ASK],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_one_gpu(stub: NvmlStub) -> None:
    stub.answer("550.54.15", 12040, [RTX_4090])
    report = ask(stub.environment)
    assert report == {
        "state": "ok",
        "driver": "550.54.15",
        "cuda": [12, 4],
        "gpus": [
            {
                "index": 0,
                "name": "NVIDIA GeForce RTX 4090",
                "memory": 24 << 30,
                "compute_capability": [8, 9],
                "uuid": "GPU-stub-0",
            }
        ],
        "detail": "",
    }
    assert stub.shutdowns == ["closed"]


@pytest.mark.parametrize(
    ("driver", "number", "cuda", "gpu"),
    [
        ("522.06", 11080, [11, 8], T1000),
        ("580.65.06", 13000, [13, 0], GTX_1080),
        ("535.104.05", 12020, [12, 2], H100),
    ],
)
def test_driver_and_capability(
    stub: NvmlStub, driver: str, number: int, cuda: list[int], gpu: StubGpu
) -> None:
    stub.answer(driver, number, [gpu])
    report = ask(stub.environment)
    assert (report["state"], report["driver"], report["cuda"]) == ("ok", driver, cuda)
    assert report["gpus"][0]["compute_capability"] == list(gpu.capability)


def test_two_different_gpus(stub: NvmlStub) -> None:
    stub.answer("570.124.06", 12080, [RTX_4090, GTX_1080])
    gpus = ask(stub.environment)["gpus"]
    assert [gpu["index"] for gpu in gpus] == [0, 1]
    assert [gpu["name"] for gpu in gpus] == [RTX_4090.name, GTX_1080.name]


def test_a_lost_gpu_does_not_hide_the_other(stub: NvmlStub) -> None:
    lost = StubGpu(name="lost", capability=(8, 6), handle_code=15)
    stub.answer("550.54.15", 12040, [lost, RTX_4090])
    report = ask(stub.environment)
    assert report["state"] == "ok"
    assert [gpu["index"] for gpu in report["gpus"]] == [1]
    assert report["detail"] == "GPU 0 cannot be read: GPU is lost"


def test_only_lost_gpus_are_a_broken_driver(stub: NvmlStub) -> None:
    stub.answer("550.54.15", 12040, [StubGpu(name="lost", capability=(8, 6), handle_code=15)])
    report = ask(stub.environment)
    assert (report["state"], report["gpus"]) == ("broken", [])


def test_memory_that_may_not_be_read_is_zero(stub: NvmlStub) -> None:
    # With MIG on, and no permission, NVML tells no memory of the whole GPU.
    stub.answer("550.54.15", 12040, [StubGpu(name="MIG", capability=(9, 0), memory_code=4)])
    report = ask(stub.environment)
    assert report["state"] == "ok"
    assert report["gpus"][0]["memory"] == 0


@pytest.mark.parametrize(
    ("code", "state", "detail"),
    [
        (18, "broken", "version mismatch"),
        (9, "no_driver", "Driver Not Loaded"),
        (28, "no_gpu", "an error of the stub"),
        (4, "broken", "Insufficient Permissions"),
        (999, "broken", "Unknown Error"),
    ],
)
def test_nvml_that_does_not_start(stub: NvmlStub, code: int, state: str, detail: str) -> None:
    stub.fail(code)
    report = ask(stub.environment)
    assert report["state"] == state
    assert detail in report["detail"]
    assert (report["driver"], report["gpus"]) == (None, [])
    assert stub.shutdowns == []


def test_a_failure_after_the_start_is_a_state_and_closes_nvml(stub: NvmlStub) -> None:
    stub.answer("550.54.15", 12040, [RTX_4090], driver_code=999)
    report = ask(stub.environment)
    assert (report["state"], report["detail"]) == ("broken", "Unknown Error")
    assert stub.shutdowns == ["closed"]


def test_a_driver_version_that_is_none(stub: NvmlStub) -> None:
    stub.answer("unknown", 12040, [RTX_4090])
    report = ask(stub.environment)
    assert report["state"] == "broken"
    assert "unknown" in report["detail"]


def test_no_devices(stub: NvmlStub) -> None:
    stub.answer("550.54.15", 12040)
    report = ask(stub.environment)
    assert (report["state"], report["driver"]) == ("no_gpu", "550.54.15")


def test_a_library_that_is_none_says_why(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").write_bytes(b"not a library")
    report = ask({"LD_LIBRARY_PATH": str(tmp_path)})
    assert report["state"] == "no_library"
    assert "libnvidia-ml.so.1" in report["detail"]
