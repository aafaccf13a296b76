"""A stand-in for the NVIDIA driver's library, for machines that have no GPU."""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")


@dataclass(frozen=True, slots=True, kw_only=True)
class StubGpu:
    """A GPU of the stand-in; the codes are what NVML returns when asked."""

    name: str
    capability: tuple[int, int]
    memory: int = 24 << 30
    handle_code: int = 0
    memory_code: int = 0

    def line(self, number: int) -> str:
        major, minor = self.capability
        codes = f"{self.handle_code} {self.memory_code}"
        return f"gpu {codes} {major} {minor} {self.memory} GPU-stub-{number} {self.name}"


RTX_4090 = StubGpu(name="NVIDIA GeForce RTX 4090", capability=(8, 9))
T1000 = StubGpu(name="NVIDIA T1000", capability=(7, 5), memory=4 << 30)
GTX_1080 = StubGpu(name="NVIDIA GeForce GTX 1080", capability=(6, 1), memory=8 << 30)
H100 = StubGpu(name="NVIDIA H100 80GB HBM3", capability=(9, 0), memory=80 << 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class NvmlStub:
    """A compiled stub and the file that says what it answers.

    Attributes:
        folder: holds ``libnvidia-ml.so.1``.
        scenario: the file.
    """

    folder: Path
    scenario: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process must have to find the stub instead of a driver."""
        return {"LD_LIBRARY_PATH": str(self.folder), "NVML_STUB_SCENARIO": str(self.scenario)}

    @property
    def shutdowns(self) -> list[str]:
        """What each call of ``nvmlShutdown`` found."""
        path = self.scenario.with_name(f"{self.scenario.name}.shutdowns")
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def answer(
        self, driver: str, cuda: int, gpus: Iterable[StubGpu] = (), *, driver_code: int = 0
    ) -> None:
        """A driver that starts."""
        lines = [f"driver {driver}", f"cuda {cuda}", f"driver_code {driver_code}"]
        lines += [gpu.line(number) for number, gpu in enumerate(gpus)]
        self.scenario.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def fail(self, code: int) -> None:
        """A driver whose ``nvmlInit`` returns this code."""
        self.scenario.write_text(f"init {code}\n", encoding="utf-8")


def build_nvml_stub(folder: Path) -> NvmlStub:
    """Compile the stub into ``folder``."""
    library = folder / "libnvidia-ml.so.1"
    compiler = os.environ.get("CC", "cc")
    flags = ["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{library.name}"]
    subprocess.run([compiler, *flags, "-o", library, _SOURCE], check=True)
    return NvmlStub(folder=folder, scenario=folder / "scenario.txt")
