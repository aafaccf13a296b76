"""Everybody takes a turn in each round, and nobody always the same one."""

from pathlib import Path

import pytest

from benchmarks.contestants import Kit, contestants, require_tools
from benchmarks.disk import Usage, used_bytes
from benchmarks.machine import cpu_model, find_version
from benchmarks.processes import runs_check
from benchmarks.rounds import rotated


def test_the_order_rotates() -> None:
    assert [rotated("abc", number) for number in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]
    assert rotated([], 3) == []


def test_contestants_have_names_of_their_own_and_make_each_artefact_once() -> None:
    kit = Kit(
        wheelhouse=Path("wheelhouse"),
        requirements=Path("requirements.txt"),
        bundle=(Path("LLMSetup.run"), Path("LLMSetup.7z.001")),
        other=(Path("other.run"),),
        reference=Path("reference"),
        made=Path("made"),
    )
    all_of_them = contestants(kit)
    assert len({one.name for one in all_of_them}) == len(all_of_them)
    installer, upgrade = all_of_them[:2]
    assert installer.script == f"# measured in each turn\n{installer.install}"
    assert upgrade.script.splitlines()[:2] == ["# before each turn, not measured", upgrade.before]
    made = [one.carried for one in all_of_them if one.make]
    there = {kit.bundle, (kit.reference,)}
    assert {one.carried for one in all_of_them} - there == set(made)
    assert len(set(made)) == len(made)


def test_what_is_missing_is_told_before_anything_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit, match=r"makeself \(Debian package makeself\)"):
        require_tools()


@pytest.mark.parametrize(
    ("arguments", "is_one"),
    [
        (["/t/.venv/bin/python", "-I", "/tmp/_MEI1/bootstrap/probes/imports.py", "torch"], True),  # noqa: S108
        (["python", "-m", "PyInstaller", "--add-data", "/x/probes/*.py:bootstrap/probes"], False),
        (["python", "/opt/probes/of/another.py"], False),
        (["./LLMSetup.run", "--target", "/opt/probes/env"], False),
        ([], False),
    ],
)
def test_checks_are_known_by_their_script(arguments: list[str], is_one: bool) -> None:  # noqa: FBT001
    assert runs_check(arguments) is is_one


def test_a_file_with_two_names_takes_its_blocks_once(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    before = used_bytes(tmp_path)
    path = tmp_path / "folder" / "file"
    path.write_bytes(b"x" * 100_000)
    once = used_bytes(tmp_path)
    assert once - before >= 100_000
    (tmp_path / "other").hardlink_to(path)
    (tmp_path / "link").symlink_to("folder")
    assert used_bytes(tmp_path) == once
    assert used_bytes(tmp_path / "missing") == 0


def test_the_higher_of_each_counts() -> None:
    assert Usage(whole=5, in_place=1).highest(Usage(whole=4, in_place=2)) == Usage(
        whole=5, in_place=2
    )


def test_the_processor_has_a_name() -> None:
    assert cpu_model("processor\t: 0\nmodel name\t: Some CPU: fast\nmodel name\t: B\n") == (
        "Some CPU: fast"
    )
    assert cpu_model("processor : 0\n") is None


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("uv 0.9.7 (abc 2026-01-01)\n", "0.9.7"),
        ("\n7-Zip (a) 26.02 (x64)\n", "26.02"),
        ("Makeself version 2.4.5", "2.4.5"),
        ("", "unknown"),
    ],
)
def test_a_version_is_found(told: str, version: str) -> None:
    assert find_version(told) == version
