"""What is said of a place on Windows before anything is written there; decided on any system."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bootstrap.bundle.model import Index, LongestPath
from bootstrap.cli import forbidden_characters
from bootstrap.errors import ExitCode, UnfitMachineError, UsageError
from bootstrap.fitness import Fitness
from bootstrap.host.model import Disk, GpuReport, Host
from bootstrap.plan import InstallPlan, make_plan
from bootstrap.room import Room
from bootstrap.state import InstallState
from bootstrap.wishes import Wishes
from tests.support.tiny_bundle import tiny_index

NO_GPU = GpuReport(state="no_library", driver=None, cuda=None, gpus=(), detail="")
HOST = Host(
    system="Windows",
    release="Windows 11",
    machine="AMD64",
    glibc=None,
    gpu=NO_GPU,
    long_paths=False,
    synced_folders=(Path("C:\\Users\\me\\OneDrive"),),
)
FIT = Fitness(problems=(), warnings=(), gpu_usable=False)
# generations\<bundle id>\venv\Lib\site-packages\ and a separator before and behind.
INSIDE = len("\\generations\\1.0.0-cu124-0123456789ab\\venv\\Lib\\site-packages\\")


def index(longest: int) -> Index:
    return msgspec.structs.replace(
        tiny_index(cuda=False),
        target="win_amd64",
        longest_path=LongestPath(length=longest + 60, path="x.dist-info/" + "l" * (longest + 48)),
        longest_import=LongestPath(length=longest, path="p" * longest),
    )


def plan(target: str, *, longest: int = 100, host: Host = HOST) -> InstallPlan:
    disk = Disk(path=Path("C:\\"), free=1 << 40, writable=True, filesystem="NTFS", noexec=False)
    state = InstallState()
    return make_plan(
        index(longest),
        host,
        disk,
        FIT,
        state,
        target=Path(target),
        taken=set(),
        wishes=Wishes(),
        room=Room(),
    )


def refusal(target: str, *, longest: int) -> UnfitMachineError:
    refused = plan(target, longest=longest).refusal
    assert isinstance(refused, UnfitMachineError)
    assert refused.exit_code is ExitCode.UNFIT_MACHINE
    return refused


def test_what_separates_folders_is_refused() -> None:
    refused = plan("C:\\a; b").refusal
    assert isinstance(refused, UsageError)
    assert "Python would not find its own modules" in refused.message
    assert plan("C:\\a, b (c) & 'd' 5 % !").refusal is None


def test_what_looks_like_a_variable_is_refused() -> None:
    refused = plan("C:\\m%OS%n").refusal
    assert isinstance(refused, UsageError)
    assert "%OS%" in refused.message


@pytest.mark.parametrize(
    ("path", "forbidden"),
    [
        ('C:\\my llm"', '"'),
        ("C:\\x:y", ":"),
        ("C:\\a<b>*?|", "*<>?|"),
        ("C:\\LLM", ""),
        ("D:models", ""),
        ("\\\\?\\C:\\LLM", ""),
        ("\\\\server\\share\\LLM", ""),
    ],
)
def test_names_that_windows_does_not_have(path: str, forbidden: str) -> None:
    assert forbidden_characters(path) == forbidden


@pytest.mark.parametrize(("extra", "fits"), [(0, True), (1, False)])
def test_python_opens_paths_of_259_characters(extra: int, *, fits: bool) -> None:
    target = "C:\\" + "t" * 40
    longest = 259 - INSIDE - len(target) + extra
    assert (plan(target, longest=longest).refusal is None) == fits


def test_the_longest_target_that_would_do_is_told() -> None:
    refused = refusal("C:\\Users\\me\\AppData\\Local\\LLMSetup", longest=190)
    room = 259 - INSIDE - 190
    assert "LongPathsEnabled is 0" in refused.message
    assert f"of at most {room} characters, such as C:\\LLM, or have an" in refused.remedy
    assert plan("C:\\" + "t" * (room - 3), longest=190).refusal is None
    assert plan("C:\\LLM", longest=190).refusal is None


def test_no_target_is_recommended_that_would_not_do() -> None:
    assert "at most 4 characters, or have an" in refusal("C:\\LLM", longest=259 - INSIDE - 4).remedy
    assert refusal("C:\\LLM", longest=250).remedy.startswith("Have an administrator set LongPaths")


def test_windows_may_allow_more() -> None:
    assert plan("C:\\" + "t" * 250, host=replace(HOST, long_paths=True)).refusal is None


def test_characters_count_as_windows_counts_them() -> None:
    longest = 259 - INSIDE - len("C:\\") - 2
    assert plan("C:\\é", longest=longest).refusal is None
    assert plan("C:\\😀", longest=longest).refusal is None
    assert plan("C:\\😀x", longest=longest).refusal is not None


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("C:\\Users\\me\\onedrive\\LLM", "which OneDrive copies to the cloud"),
        ("\\\\server\\share\\LLM", "lies on a network share"),
        ("C:\\modèles", "torch.jit.load"),
    ],
)
def test_a_place_that_may_cause_trouble_is_a_warning(target: str, told: str) -> None:
    planned = plan(target)
    assert planned.refusal is None
    (warning,) = planned.warnings
    assert told in warning
    assert target in warning


def test_an_ordinary_place_is_none() -> None:
    assert plan("C:\\Users\\me\\OneDriveX\\LLM").warnings == ()
