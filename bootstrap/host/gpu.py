"""The one place that asks NVML, the driver's own library, about GPUs.

NVML answers without CUDA and without a context on the GPU, so looking costs nothing and
disturbs nobody. Meanings of the return codes: NVML API Reference, ``nvmlReturn_t``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pynvml
from packaging.version import InvalidVersion, Version

from bootstrap.host.model import Gpu, GpuReport, GpuState

_STATES: dict[int, GpuState] = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no_library",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "no_driver",
    pynvml.NVML_ERROR_NOT_FOUND: "no_gpu",
    pynvml.NVML_ERROR_GPU_NOT_FOUND: "no_gpu",
}
_Answer = TypeVar("_Answer")
# Names are bytes from the board's firmware; not all of them are UTF-8.
_FAILURES = (pynvml.NVMLError, UnicodeDecodeError)


def ask_nvml() -> GpuReport:
    """Driver and GPUs of this machine. Never raises: every failure is a state with a detail."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return _failed(error)
    try:
        return _ask()
    except (*_FAILURES, InvalidVersion) as error:
        return _failed(error)
    finally:
        _shut_down()


def _ask() -> GpuReport:
    driver = Version(pynvml.nvmlSystemGetDriverVersion())
    number = pynvml.nvmlSystemGetCudaDriverVersion_v2()
    count = pynvml.nvmlDeviceGetCount()
    answers = [_look(index) for index in range(count)]
    gpus = tuple(answer for answer in answers if isinstance(answer, Gpu))
    faults = [answer.message for answer in answers if isinstance(answer, _Unreadable)]
    state: GpuState = "ok" if gpus else "broken" if faults else "no_gpu"
    return GpuReport(
        state=state,
        driver=driver,
        # 12040 is CUDA 12.4.
        cuda=(number // 1000, number % 1000 // 10),
        gpus=gpus,
        detail="; ".join(faults),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unreadable:
    message: str


def _look(index: int) -> Gpu | _Unreadable:
    """One GPU; a lost one must not hide the others."""
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        return Gpu(
            index=index,
            name=_optional(lambda: str(pynvml.nvmlDeviceGetName(handle)), "NVIDIA GPU"),
            memory=_optional(lambda: int(pynvml.nvmlDeviceGetMemoryInfo(handle).total), 0),
            compute_capability=pynvml.nvmlDeviceGetCudaComputeCapability(handle),
            uuid=_optional(lambda: str(pynvml.nvmlDeviceGetUUID(handle)), ""),
        )
    except _FAILURES as error:
        return _Unreadable(message=f"GPU {index} cannot be read: {error}")


def _optional(ask: Callable[[], _Answer], otherwise: _Answer) -> _Answer:
    try:
        return ask()
    except _FAILURES:
        return otherwise


def _failed(error: Exception) -> GpuReport:
    code = getattr(error, "value", None)
    # The loader's own words (which file, why) are the context of pynvml's error; in a frozen
    # program PyInstaller puts an error of its own between.
    loader = error.__context__ if isinstance(error.__context__, OSError) else None
    while loader and isinstance(loader.__cause__, OSError):
        loader = loader.__cause__
    return GpuReport(
        state=_STATES.get(code, "broken") if isinstance(code, int) else "broken",
        driver=None,
        cuda=None,
        gpus=(),
        detail=str(loader or error),
    )


def _shut_down() -> None:
    try:
        pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        # Nothing was left to close.
        return
