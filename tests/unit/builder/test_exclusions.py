"""Distributions that the manifest leaves out."""

import dataclasses
from datetime import date
from pathlib import Path

import msgspec
import pytest
from packaging.utils import NormalizedName, canonicalize_name

from bootstrap.bundle.policy import Excluded
from builder.errors import ManifestError
from builder.facts import load_facts
from builder.graph import render_tree
from builder.lock.checking import check_lock
from builder.lock.model import encode_lock, load_lock
from builder.lock.requirements import digest
from builder.manifest import Exclusion, load_manifest
from builder.police import concessions_of, judge_lock, open_case
from tests.support.made_stack import Stack

TORCHAO = Exclusion(name="torchao", reason="Only for quantizing.")


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A demo that asks for torchao through a zoo, and does not get it."""
    made = Stack(tmp_path)
    made.add("demo", "1.0", None, "zoo")
    made.add("zoo", "1.0", None, "torchao>=0.13", "torchao[dev]; sys_platform == 'win32'")
    made.exclude = (TORCHAO,)
    return made


def test_its_absence_is_no_fault(stack: Stack) -> None:
    assert stack.judge() == []
    stack.exclude = ()
    assert stack.rules_broken() == ["closure"]


def test_who_wanted_it_is_told(stack: Stack) -> None:
    concessions = concessions_of(stack.case)
    assert concessions.excluded == (
        Excluded(name="torchao", reason="Only for quantizing.", wanted_by=("zoo",)),
    )
    assert list(concessions.remarks()) == [
        "torchao is left out, and wanted by zoo: Only for quantizing."
    ]


def test_one_that_nobody_asks_for_is_told(stack: Stack) -> None:
    stack.exclude = (TORCHAO, Exclusion(name="xformers", reason="r"))
    assert "xformers is left out by the manifest, and nothing asks for it." in list(
        concessions_of(stack.case).remarks()
    )


def test_another_absence_is_a_fault_still(stack: Stack) -> None:
    stack.add("other", "1.0", None, "absent")
    assert stack.rules_broken() == ["closure"]


def test_it_must_not_be_there(stack: Stack) -> None:
    stack.add("torchao", "0.18")
    stack.rules = ()
    (finding,) = stack.judge()
    assert finding.rule == "exclusion"
    assert "torchao 0.18 is there, and the manifest leaves it out: Only" in finding.message


def test_it_holds_on_its_targets_only(stack: Stack) -> None:
    stack.exclude = (Exclusion(name="torchao", reason="r", targets=("win_amd64",)),)
    assert stack.rules_broken() == ["closure"]
    assert concessions_of(stack.case).excluded == ()
    stack.exclude = (Exclusion(name="torchao", reason="r", targets=("linux_x86_64",)),)
    assert stack.judge() == []


def test_the_graph_marks_it(stack: Stack) -> None:
    graph, root = stack.case.graph, canonicalize_name("demo")
    lines = list(render_tree(graph, [root], left_out=["torchao"]))
    assert lines == ["demo 1.0", "└── zoo", "    └── torchao [>=0.13] (left out)"]


def test_the_lock_records_it(stack: Stack) -> None:
    path = stack.folder / "pylock.v-linux_x86_64.toml"
    lock = dataclasses.replace(stack.lock, path=path, excluded=(NormalizedName("torchao"),))
    path.write_bytes(encode_lock(lock))
    assert load_lock(path).excluded == ("torchao",)
    assert load_lock(path) == lock


@pytest.mark.parametrize("value", ['"torchao"', "[1]"])
def test_a_record_of_another_kind_is_refused(stack: Stack, value: str) -> None:
    path = stack.folder / "pylock.v-linux_x86_64.toml"
    text = encode_lock(dataclasses.replace(stack.lock, path=path)).decode()
    path.write_text(f"{text}excluded = {value}\n")
    with pytest.raises(ManifestError, match=r"tool\.llmsetup\.excluded: must be a list of names"):
        load_lock(path)


def test_a_lock_answers_only_what_it_leaves_out(stack: Stack) -> None:
    manifest = stack.manifest
    asked = digest(manifest, "v", "linux_x86_64")
    same = dataclasses.replace(
        stack.lock, excluded=(NormalizedName("torchao"),), requirements_sha256=asked
    )
    assert check_lock(same, manifest, load_facts()) == []
    without = dataclasses.replace(same, excluded=())
    assert check_lock(without, manifest, load_facts()) == [
        "the manifest leaves torchao out, the lock does not"
    ]
    plain = msgspec.structs.replace(manifest, exclude=())
    assert check_lock(same, plain, load_facts()) == [
        "the manifest asks for something else than when it was locked",
        "the lock leaves torchao out, the manifest does not",
    ]


UNSLOTH = Path(__file__).parents[3] / "metadata" / "unsloth" / "dependencies.json"


def test_our_lock_with_unsloth_leaves_torchao_out() -> None:
    manifest = load_manifest(UNSLOTH)
    lock = load_lock(UNSLOTH.parent / "locks" / "pylock.cu128-linux_x86_64.toml")
    assert check_lock(lock, manifest, load_facts()) == []
    names = {wheel.name for wheel in lock.wheels}
    assert {"unsloth", "unsloth-zoo", "triton", "bitsandbytes", "trl"} <= names
    assert lock.excluded == ("torchao", "xformers")
    assert names.isdisjoint(lock.excluded)
    assert judge_lock(open_case(lock, manifest, (), date(2026, 1, 1))) == []
