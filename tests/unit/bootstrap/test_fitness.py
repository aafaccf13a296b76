"""The rules of NVIDIA's compatibility guide and of torch's builds, as tables."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from packaging.version import Version

from bootstrap.bundle.model import CudaTerms, Index
from bootstrap.fitness import Fitness, assess
from bootstrap.host.model import Gpu, GpuReport, GpuState, Host, SystemLibrary
from tests.support.tiny_bundle import tiny_index

_UP_TO_90 = ("5.0", "6.0", "7.0", "7.5", "8.0", "8.6", "9.0")
_FROM_75 = ("7.5", "8.0", "8.6", "9.0", "10.0", "12.0")
TERMS = {
    "cu118": ("11.8", "450.80.02", "520.61.05", ("3.7", *_UP_TO_90)),
    "cu124": ("12.4", "525.60.13", "550.54.15", _UP_TO_90),
    "cu128": ("12.8", "525.60.13", "570.124.06", ("7.0", *_FROM_75)),
    "cu130": ("13.0", "580", "580.65.06", _FROM_75),
}


def with_terms(**changes: Any) -> Index:
    """The cu124 bundle with other terms."""
    index = bundle("cu124")
    assert index.cuda is not None
    return replace(index, cuda=replace(index.cuda, **changes))


def bundle(variant: str) -> Index:
    if variant == "cpu":
        return tiny_index(cuda=False)
    version, minimum, recommended, architectures = TERMS[variant]
    terms = CudaTerms(
        version=version,
        minimum_driver=minimum,
        recommended_driver=recommended,
        architectures=architectures,
    )
    return replace(tiny_index(), variant=variant, cuda=terms)


def gpu(name: str, capability: tuple[int, int], index: int = 0) -> Gpu:
    return Gpu(
        index=index, name=name, memory=8 << 30, compute_capability=capability, uuid=f"GPU-{index}"
    )


def report(driver: str, *gpus: Gpu, detail: str = "") -> GpuReport:
    return GpuReport(state="ok", driver=Version(driver), cuda=None, gpus=gpus, detail=detail)


NO_DRIVER = GpuReport(
    state="no_library", driver=None, cuda=None, gpus=(), detail="libnvidia-ml.so.1: no such file"
)
RTX_4090 = gpu("RTX 4090", (8, 9))


def host(
    gpu_report: GpuReport = NO_DRIVER,
    *,
    system: str = "Linux",
    machine: str = "x86_64",
    glibc: tuple[int, int] | None = (2, 36),
    time: datetime | None = None,
) -> Host:
    return Host(
        system=system,
        release="Debian 12",
        machine=machine,
        glibc=glibc,
        gpu=gpu_report,
        time=time,
    )


def kinds(fitness: Fitness) -> Sequence[str]:
    return [problem.kind for problem in fitness.problems]


@pytest.mark.parametrize(
    ("name", "capability", "driver", "fitting"),
    [
        ("GTX 1080", (6, 1), "580.65.06", {"cu118", "cu124"}),
        ("V100", (7, 0), "580.65.06", {"cu118", "cu124", "cu128"}),
        ("T1000", (7, 5), "580.65.06", {"cu118", "cu124", "cu128", "cu130"}),
        ("T1000", (7, 5), "522.06", {"cu118"}),
        ("RTX A2000", (8, 6), "580.65.06", {"cu118", "cu124", "cu128", "cu130"}),
        ("RTX 4090", (8, 9), "580.65.06", {"cu118", "cu124", "cu128", "cu130"}),
        ("RTX 4090", (8, 9), "525.60.13", {"cu118", "cu124", "cu128"}),
        ("RTX 4090", (8, 9), "525.60.11", {"cu118"}),
        ("RTX 4090", (8, 9), "450.80.02", {"cu118"}),
        ("RTX 4090", (8, 9), "450.51.06", set()),
        ("H100", (9, 0), "579.99", {"cu118", "cu124", "cu128"}),
        ("B200", (10, 0), "580.65.06", {"cu128", "cu130"}),
        ("RTX 5090", (12, 0), "580.65.06", {"cu128", "cu130"}),
        ("K80", (3, 7), "470.82.01", {"cu118"}),
        ("GTX 680", (3, 0), "470.82.01", set()),
    ],
)
def test_which_variants_run_where(
    name: str, capability: tuple[int, int], driver: str, fitting: set[str]
) -> None:
    machine = host(report(driver, gpu(name, capability)))
    verdicts = {variant: assess(bundle(variant), machine) for variant in TERMS}
    assert {variant for variant, verdict in verdicts.items() if verdict.gpu_usable} == fitting
    for variant, verdict in verdicts.items():
        assert kinds(verdict) == ([] if variant in fitting else ["gpu"])


def test_a_new_driver_does_not_help_an_old_gpu() -> None:
    (problem,) = assess(
        bundle("cu130"), host(report("580.65.06", gpu("GTX 1080", (6, 1))))
    ).problems
    assert "GPU 0 (GTX 1080, compute capability 6.1)" in problem.message
    assert "7.5, 8.0, 8.6, 9.0, 10.0, 12.0" in problem.message
    assert "a bundle of an older CUDA" in problem.remedy


def test_a_gpu_that_is_too_new_is_sent_to_a_newer_cuda() -> None:
    (problem,) = assess(
        bundle("cu124"), host(report("580.65.06", gpu("RTX 5090", (12, 0))))
    ).problems
    assert "a bundle of a newer CUDA" in problem.remedy


def test_a_gap_in_the_list_is_sent_to_another_cuda() -> None:
    machine = host(report("580.65.06", gpu("GTX 960", (5, 2)), gpu("RTX 5090", (12, 0), 1)))
    (problem,) = assess(with_terms(architectures=("9.0",)), machine).problems
    assert "a bundle of another CUDA" in problem.remedy


def test_an_old_driver_is_named_with_what_is_needed() -> None:
    (problem,) = assess(bundle("cu124"), host(report("522.06", gpu("T1000", (7, 5))))).problems
    assert "driver 522.06 is too old for CUDA 12.4" in problem.message
    assert "525.60.13 or newer" in problem.message
    assert "T1000" in problem.message
    assert problem.remedy.startswith("Update the driver to 550.54.15 or newer")
    assert "--allow-no-gpu" in problem.remedy


@pytest.mark.parametrize(
    ("state", "message", "remedy"),
    [
        ("no_library", "No NVIDIA driver was found (why)", "Install the driver"),
        ("no_driver", "installed but not loaded (why)", "Restart the machine or load"),
        ("broken", "does not answer as it should (why)", "Restart the machine"),
        ("no_gpu", "finds no GPU (why)", "Check the GPU"),
    ],
)
def test_each_way_to_have_no_gpu(state: GpuState, message: str, remedy: str) -> None:
    silent = GpuReport(state=state, driver=None, cuda=None, gpus=(), detail="why")
    verdict = assess(bundle("cu124"), host(silent))
    (problem,) = verdict.problems
    assert not verdict.gpu_usable
    assert problem.kind == "gpu"
    assert message in problem.message
    assert "needs driver 525.60.13 or newer" in problem.message
    assert problem.remedy.startswith(remedy)
    assert problem.remedy.endswith(
        "choose the cpu bundle, or add --allow-no-gpu to install anyway."
    )


def test_one_of_two_gpus_is_enough_and_the_other_is_named() -> None:
    machine = host(report("580.65.06", RTX_4090, gpu("GTX 1080", (6, 1), 1)))
    verdict = assess(bundle("cu130"), machine)
    assert (kinds(verdict), verdict.gpu_usable) == ([], True)
    (warning,) = verdict.warnings
    assert warning.startswith("GPU 1 (GTX 1080, compute capability 6.1) cannot be used")
    assert "It will run on GPU 0 (RTX 4090, compute capability 8.9)." in warning


def test_a_gpu_that_could_not_be_read_is_a_warning() -> None:
    machine = host(report("580.65.06", RTX_4090, detail="GPU 1 cannot be read: GPU is lost"))
    assert assess(bundle("cu124"), machine).warnings == ("GPU 1 cannot be read: GPU is lost.",)


def test_a_driver_between_minimum_and_toolkit_is_a_warning() -> None:
    verdict = assess(bundle("cu124"), host(report("535.104.05", RTX_4090)))
    assert (kinds(verdict), verdict.gpu_usable) == ([], True)
    (warning,) = verdict.warnings
    assert "535.104.05" in warning
    assert "550.54.15" in warning
    unknown = with_terms(recommended_driver=None)
    silent = assess(unknown, host(report("535.104.05", RTX_4090)))
    assert silent.warnings == ()


@pytest.mark.parametrize("gpu_report", [NO_DRIVER, report("390.157", gpu("GTX 580", (2, 0)))])
def test_the_cpu_bundle_does_not_care_about_gpus(gpu_report: GpuReport) -> None:
    verdict = assess(bundle("cpu"), host(gpu_report))
    assert verdict == Fitness(problems=(), warnings=(), gpu_usable=False)


def test_another_system_is_told_which_bundle_to_take() -> None:
    machine = host(system="Windows", machine="AMD64", glibc=None)
    (problem,) = assess(bundle("cpu"), machine).problems
    assert problem.kind == "os"
    assert problem.message == "This bundle is for Linux; this machine is Debian 12 on AMD64."
    assert problem.remedy == "Take the win_amd64 bundle."


def test_another_processor() -> None:
    (problem,) = assess(bundle("cpu"), host(machine="aarch64")).problems
    assert problem.kind == "arch"
    assert "for x86_64 processors" in problem.message
    assert "aarch64" in problem.message
    assert problem.remedy == "Use a machine with Linux x86_64."


@pytest.mark.parametrize("glibc", [(2, 28), (2, 100)])
def test_a_glibc_that_is_new_enough(glibc: tuple[int, int]) -> None:
    assert kinds(assess(bundle("cpu"), host(glibc=glibc))) == []


@pytest.mark.parametrize(
    ("glibc", "told"), [((2, 27), "Debian 12 has 2.27."), (None, "has another C library.")]
)
def test_a_glibc_that_is_not(glibc: tuple[int, int] | None, told: str) -> None:
    (problem,) = assess(bundle("cpu"), host(glibc=glibc)).problems
    assert problem.kind == "glibc"
    assert "needs glibc 2.28 or newer" in problem.message
    assert told in problem.message


def test_all_problems_are_told_at_once() -> None:
    machine = host(machine="aarch64", glibc=(2, 17))
    assert kinds(assess(bundle("cu124"), machine)) == ["arch", "glibc", "gpu"]


def windows(**versions: str | None) -> Host:
    libraries = tuple(
        SystemLibrary(name=f"{name}.dll", version=Version(version) if version else None)
        for name, version in versions.items()
    )
    return Host(
        system="Windows",
        release="Windows 11",
        machine="AMD64",
        glibc=None,
        gpu=NO_DRIVER,
        vc_libraries=libraries,
    )


def windows_bundle(minimum: str | None = "14.40") -> Index:
    return replace(bundle("cpu"), target="win_amd64", minimum_vc_runtime=minimum)


@pytest.mark.parametrize(
    ("versions", "told"),
    [
        ({"msvcp140": "14.36.32532", "vcruntime140": "14.40"}, "msvcp140.dll is 14.36.32532."),
        ({"msvcp140": "14.40.33810"}, "vcruntime140.dll is missing."),
        ({}, "msvcp140.dll is missing and vcruntime140.dll is missing."),
    ],
)
def test_an_old_visual_c_runtime_is_named_with_what_brings_a_newer_one(
    versions: dict[str, str], told: str
) -> None:
    (problem,) = assess(windows_bundle(), windows(**versions)).problems
    assert problem.kind == "vc_runtime"
    assert "Microsoft Visual C++ runtime 14.40 or newer" in problem.message
    assert problem.message.endswith(told)
    assert "newest Microsoft Visual C++ Redistributable (x64)" in problem.remedy


def test_a_visual_c_runtime_that_is_new_enough_or_not_needed() -> None:
    new = windows(msvcp140="14.44.35211", vcruntime140="14.40.0")
    assert assess(windows_bundle(), new).problems == ()
    assert assess(windows_bundle(None), windows()).problems == ()


def test_a_visual_c_runtime_that_states_no_version_is_a_warning() -> None:
    verdict = assess(windows_bundle(), windows(msvcp140=None, vcruntime140="14.40"))
    assert verdict.problems == ()
    (warning,) = verdict.warnings
    assert warning.startswith("msvcp140.dll does not state its version")


@pytest.mark.parametrize(
    ("year", "odd"), [(1970, True), (2026, False), (2059, False), (2099, True)]
)
def test_a_clock_that_cannot_be_right_is_told(year: int, *, odd: bool) -> None:
    verdict = assess(bundle("cpu"), host(NO_DRIVER, time=datetime(year, 6, 1, tzinfo=UTC)))
    assert not verdict.problems
    assert [f"says {year}-06-01" in text for text in verdict.warnings] == [True] * odd
