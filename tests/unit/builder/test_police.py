"""What the police find, and what they let pass, on wheels made to measure."""

from pathlib import Path

import pytest

from bootstrap.bundle.policy import BlacklistRule
from builder.police import judge_lock, open_case
from tests.support.made_stack import LINUX, Stack


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


def test_an_honest_set_passes(stack: Stack) -> None:
    stack.add("demo", "1.0", None, "other>=2; sys_platform == 'linux'", "x; os_name == 'nt'")
    stack.add("other", "2.0")
    assert stack.judge() == []


def test_the_chain_to_a_banned_one(stack: Stack) -> None:
    stack.add("demo", "1.0", None, "zoo")
    stack.add("zoo", "1.0", None, "torchao>=0.13; python_version > '3'")
    stack.add("torchao", "0.18")
    (finding,) = stack.judge()
    assert finding.rule == "blacklist"
    assert "Pulled in by: demo → zoo → torchao>=0.13." in finding.message
    (before,) = judge_lock(open_case(stack.lock, stack.manifest, (), stack.today))
    assert "not known, not all wheels could be had" in before.message


def test_the_manifest_itself_and_nobody(stack: Stack) -> None:
    stack.add("demo")
    stack.add("torchao", "0.18")
    (finding,) = stack.judge()
    assert "Pulled in by: nothing in the lock." in finding.message
    stack.roots = ("demo", "torchao")
    (finding,) = stack.judge()
    assert "Pulled in by: the manifest itself." in finding.message


@pytest.mark.parametrize(
    "path",
    [
        "torchao/__init__.py",
        "torchao.py",
        "torchao/ops/kernel.so",
        "demo-1.0.data/purelib/torchao/__init__.py",
        "demo-1.0.data/platlib/torchao.cpython-311-x86_64-linux-gnu.so",
    ],
)
def test_a_banned_module_is_found_wherever_it_hides(stack: Stack, path: str) -> None:
    stack.add("demo", "1.0", {path: b""})
    (finding,) = stack.judge()
    assert "carries the importable module 'torchao'" in finding.message
    assert "Pulled in by: the manifest itself." in finding.message


@pytest.mark.parametrize("path", ["other/torchao/__init__.py", "torchao/readme.txt", "torchao.md"])
def test_what_is_not_importable_as_that_passes(stack: Stack, path: str) -> None:
    stack.add("demo", "1.0", {path: b""})
    assert stack.judge() == []


def test_a_rule_for_some_versions(stack: Stack) -> None:
    stack.rules = (torchao_rule("<0.16"),)
    stack.add("demo", "1.0", None, "torchao")
    stack.add("torchao", "0.18", {"torchao/__init__.py": b""})
    assert stack.judge() == []
    stack.rules = (torchao_rule("<0.19"),)
    assert stack.rules_broken() == ["blacklist"]


def torchao_rule(specifier: str) -> BlacklistRule:
    return BlacklistRule(
        name="torchao", specifier=specifier, modules=("torchao",), reason="It is old."
    )


def test_aliases_and_targets(stack: Stack) -> None:
    stack.add("demo", "1.0", None, "torchao-nightly")
    stack.add("torchao_nightly")
    stack.rules = (BlacklistRule(name="torchao", aliases=("torchao-nightly",), reason="r"),)
    assert stack.rules_broken() == ["blacklist"]
    stack.rules = (BlacklistRule(name="torchao-nightly", targets=("win_amd64",), reason="r"),)
    assert stack.judge() == []


@pytest.mark.parametrize(
    ("name", "version", "cuda", "made_for"),
    [
        ("nvidia_cudnn_cu11", "9.1", "12.4", "CUDA 11"),
        ("nvidia_cudnn_cu12", "9.1", None, "CUDA 12"),
        ("nvidia_cublas", "13.1.0.3", "12.4", "CUDA 13"),
        ("nvidia_cuda_runtime", "12.9.1", "13.0", "CUDA 12"),
        ("torchvision", "0.21.0+cu118", "12.4", "CUDA 11.8"),
        ("torchaudio", "2.11.0+cpu", "13.0", "CPU"),
        ("torchvision", "0.29.0+cu130", None, "CUDA 13.0"),
    ],
)
def test_what_is_made_for_another_cuda(
    stack: Stack, name: str, version: str, cuda: str | None, made_for: str
) -> None:
    stack.cuda = cuda
    stack.add("demo")
    stack.add(name, version)
    (finding,) = stack.judge()
    assert finding.rule == "cuda"
    assert f"is made for {made_for}, the set for " in finding.message


@pytest.mark.parametrize(
    ("name", "version", "cuda"),
    [
        ("nvidia_cudnn_cu12", "9.1", "12.4"),
        ("nvidia_cublas", "13.1.0.3", "13.0"),
        ("nvidia_cufft", "12.0.0.61", "13.0"),
        ("nvidia_cufile", "1.15", "13.0"),
        ("torchvision", "0.21.0+cu124", "12.4"),
        ("torchvision", "0.21.0", "12.4"),
        ("nvidia_ml_py", "13.6", "12.4"),
        ("torchvision", "0.21.0+cpu", None),
        ("nvidia_ml_py", "13.6", None),
    ],
)
def test_what_is_made_for_this_cuda(
    stack: Stack, name: str, version: str, cuda: str | None
) -> None:
    stack.cuda = cuda
    stack.add("demo")
    stack.add(name, version)
    assert stack.judge() == []


@pytest.mark.parametrize(
    ("source", "passes"),
    [
        (b"cuda: Optional[str] = '12.4'\n", True),
        (b"cuda = '12.4'\n", True),
        (b"cuda = '12.6'\n", False),
        (b"cuda = None\n", False),
        (b"cuda = f()\n", False),
        (b"def (\n", False),
        (None, False),
    ],
)
def test_torch_must_say_its_cuda(stack: Stack, source: bytes | None, passes: bool) -> None:  # noqa: FBT001
    stack.roots = ("torch",)
    files = {"torch/__init__.py": b""} | ({"torch/version.py": source} if source else {})
    stack.add("torch", "2.6.0", files, tag=LINUX)
    assert stack.rules_broken() == ([] if passes else ["cuda"])


def test_one_distribution_twice(stack: Stack) -> None:
    stack.add("demo", "1.0")
    stack.add("demo", "2.0")
    assert "index-duplicate" in stack.rules_broken()


def test_equal_files_may_be_shared_and_others_not(stack: Stack) -> None:
    stack.add("demo", "1.0", {"nvidia/__init__.py": b"", "shared/x": b"1"})
    stack.add("other", "1.0", {"nvidia/__init__.py": b"", "other-1.0.data/purelib/shared/x": b"2"})
    (finding,) = stack.judge()
    assert finding.rule == "collision"
    assert finding.message.endswith("with different content: shared/x.")
