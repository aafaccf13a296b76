"""Whether this machine can run what the bundle holds. Decides only; asks nothing.

Drivers are compared with the minimum of minor-version compatibility (CUDA Compatibility
guide). They alone do not decide: a 580 driver supports CUDA 13 on a Pascal GPU, for which
no CUDA 13 build of torch has code.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from packaging.version import Version

from bootstrap.bundle.model import CudaTerms, Index
from bootstrap.bundle.value import Target
from bootstrap.host.model import VC_LIBRARIES, Gpu, GpuReport, GpuState, Host

ProblemKind = Literal["os", "arch", "glibc", "vc_runtime", "gpu"]

_PLATFORMS: dict[Target, tuple[str, str]] = {
    "linux_x86_64": ("Linux", "x86_64"),
    "win_amd64": ("Windows", "AMD64"),
}
# No bundle of this format is older, and nobody will install one so late.
_EARLIEST, _LATEST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)
_WAYS_OUT = "choose the cpu bundle, or add --allow-no-gpu to install anyway."
# What each state means and what to do first.
_NO_GPU: dict[GpuState, tuple[str, str]] = {
    "no_library": ("No NVIDIA driver was found", "Install the driver"),
    "no_driver": (
        "The NVIDIA driver is installed but not loaded",
        "Restart the machine or load the driver's kernel module",
    ),
    "broken": (
        "The NVIDIA driver does not answer as it should",
        "Restart the machine, which ends most half-finished driver updates",
    ),
    "no_gpu": ("The NVIDIA driver is loaded but finds no GPU", "Check the GPU"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why the bundle cannot run here, and what to do about it."""

    kind: ProblemKind
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitness:
    """The verdict.

    Attributes:
        problems: all of them, not only the first; empty means that the bundle fits.
        warnings: what the user should know but what stops nothing.
        gpu_usable: a CUDA bundle, and at least one GPU that it has code for.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    gpu_usable: bool


def assess(index: Index, host: Host) -> Fitness:
    """Compare what the bundle needs with what the machine is."""
    problems = [
        *_system_problems(index, host),
        *_glibc_problems(index, host),
        *_vc_problems(index, host),
    ]
    warnings = [*_clock_warnings(host), *_vc_warnings(index, host)]
    if index.cuda is None:
        return Fitness(problems=tuple(problems), warnings=tuple(warnings), gpu_usable=False)
    problem = _gpu_problem(index.cuda, host.gpu)
    if problem:
        problems.append(problem)
    else:
        warnings += _gpu_warnings(index.cuda, host.gpu)
    return Fitness(problems=tuple(problems), warnings=tuple(warnings), gpu_usable=problem is None)


def _clock_warnings(host: Host) -> list[str]:
    if host.time is None or _EARLIEST <= host.time < _LATEST:
        return []
    message = (
        f"The clock of this machine says {host.time:%Y-%m-%d}. What is written now, logs above "
        "all, bears that date; nothing else depends on it."
    )
    return [message]


def _system_problems(index: Index, host: Host) -> list[Problem]:
    system, machine = _PLATFORMS[index.target]
    here = f"this machine is {host.release} on {host.machine}"
    fitting = next(
        (target for target, known in _PLATFORMS.items() if known == (host.system, host.machine)),
        None,
    )
    remedy = f"Take the {fitting} bundle." if fitting else f"Use a machine with {system} {machine}."
    problems = []
    if host.system != system:
        message = f"This bundle is for {system}; {here}."
        problems.append(Problem(kind="os", message=message, remedy=remedy))
    # The same processor has another name on each system.
    if host.machine.lower() not in {known.lower() for _, known in _PLATFORMS.values()}:
        message = f"This bundle is for {machine} processors; {here}."
        problems.append(Problem(kind="arch", message=message, remedy=remedy))
    return problems


def _glibc_problems(index: Index, host: Host) -> list[Problem]:
    if index.minimum_glibc is None or host.system != "Linux":
        return []
    major, minor = (int(part) for part in index.minimum_glibc.split("."))
    if host.glibc is not None and host.glibc >= (major, minor):
        return []
    has = _dotted(host.glibc) if host.glibc else "another C library"
    return [
        Problem(
            kind="glibc",
            message=f"This bundle needs glibc {index.minimum_glibc} or newer; "
            f"{host.release} has {has}.",
            remedy="Use a newer system: glibc cannot be updated on its own.",
        )
    ]


def _vc_problems(index: Index, host: Host) -> list[Problem]:
    need = index.minimum_vc_runtime
    if need is None or host.system != "Windows":
        return []
    there = {library.name: library.version for library in host.vc_libraries}
    faults = [f"{name} is missing" for name in VC_LIBRARIES if name not in there]
    faults += [
        f"{name} is {version}"
        for name, version in there.items()
        if version and version < Version(need)
    ]
    if not faults:
        return []
    return [
        Problem(
            kind="vc_runtime",
            message=f"This bundle's torch needs the Microsoft Visual C++ runtime {need} or newer; "
            f"on this machine {' and '.join(faults)}.",
            remedy="Install the newest Microsoft Visual C++ Redistributable (x64), then start "
            "again.",
        )
    ]


def _vc_warnings(index: Index, host: Host) -> list[str]:
    if index.minimum_vc_runtime is None:
        return []
    silent = [library.name for library in host.vc_libraries if library.version is None]
    return [
        f"{name} does not state its version; this bundle's torch needs "
        f"{index.minimum_vc_runtime} or newer."
        for name in silent
    ]


def _gpu_problem(cuda: CudaTerms, report: GpuReport) -> Problem | None:
    if report.state != "ok":
        what, first = _NO_GPU[report.state]
        return Problem(
            kind="gpu",
            message=f"{what} ({report.detail or 'no reason given'}); this bundle needs driver "
            f"{cuda.minimum_driver} or newer.",
            remedy=f"{first}, {_WAYS_OUT}",
        )
    if report.driver is None or report.driver < Version(cuda.minimum_driver):
        return Problem(
            kind="gpu",
            message=f"The NVIDIA driver {report.driver_text} is too old for CUDA {cuda.version}, "
            f"which needs {cuda.minimum_driver} or newer; GPUs: {_names(report.gpus)}.",
            remedy=f"Update the driver to {cuda.recommended_driver or cuda.minimum_driver} or "
            f"newer, choose a bundle of an older CUDA, {_WAYS_OUT}",
        )
    if any(_has_code(cuda, gpu) for gpu in report.gpus):
        return None
    return Problem(
        kind="gpu",
        message=f"This bundle's torch has code for compute capability "
        f"{', '.join(cuda.architectures)}, and no GPU here can run it: {_names(report.gpus)}.",
        remedy=f"Choose a bundle of {_fitting_cuda(cuda, report.gpus)} CUDA, {_WAYS_OUT}",
    )


def _gpu_warnings(cuda: CudaTerms, report: GpuReport) -> list[str]:
    warnings = []
    unfit = [gpu for gpu in report.gpus if not _has_code(cuda, gpu)]
    if unfit:
        fit = [gpu for gpu in report.gpus if gpu not in unfit]
        warnings.append(
            f"{_names(unfit)} cannot be used: this bundle's torch has code for "
            f"{', '.join(cuda.architectures)}. It will run on {_names(fit)}."
        )
    if report.detail:
        warnings.append(f"{report.detail}.")
    recommended = cuda.recommended_driver
    if recommended and report.driver and report.driver < Version(recommended):
        warnings.append(
            f"Driver {report.driver_text} runs CUDA {cuda.version} by minor-version compatibility; "
            f"CUDA {cuda.version} came with {recommended}."
        )
    return warnings


def _has_code(cuda: CudaTerms, gpu: Gpu) -> bool:
    """A cubin runs on the same major version with an equal or higher minor."""
    major, minor = gpu.compute_capability
    return any(
        known_major == major and known_minor <= minor
        for known_major, known_minor in map(_capability, cuda.architectures)
    )


def _fitting_cuda(cuda: CudaTerms, gpus: tuple[Gpu, ...]) -> str:
    known = sorted(map(_capability, cuda.architectures))
    if all(gpu.compute_capability > known[-1] for gpu in gpus):
        return "a newer"
    if all(gpu.compute_capability < known[0] for gpu in gpus):
        return "an older"
    return "another"


def _capability(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)


def _names(gpus: tuple[Gpu, ...] | list[Gpu]) -> str:
    return ", ".join(
        f"GPU {gpu.index} ({gpu.name}, compute capability {_dotted(gpu.compute_capability)})"
        for gpu in gpus
    )


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
