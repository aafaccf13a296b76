"""The wheels that tests make are right where nobody asked for wrong ones."""

import zipfile
from pathlib import Path

import pytest
from installer.sources import WheelFile
from packaging.requirements import Requirement

from builder.manifest import load_manifest
from builder.wheels import read_wheel
from tests.support.small_stack import PINS, make_wheel, small_manifest, write_manifest

FILES = {"demo/__init__.py": b"x = 1\n", "demo-1.0.data/scripts/demo": b"#!python\n"}


def test_the_manifest_is_valid(tmp_path: Path) -> None:
    assert load_manifest(write_manifest(small_manifest(), tmp_path)) == small_manifest()


def test_another_version_can_be_pinned() -> None:
    pins = small_manifest(tqdm="4.66.5").variant_target("cpu", "linux_x86_64").pins
    assert pins == {**PINS, "tqdm": "4.66.5"}


def test_a_wheel_is_right_to_its_readers(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "demo", "1.0", FILES, requires=["click>=8; python_version>'3'"])
    with WheelFile.open(path) as wheel:
        wheel.validate_record()
        members = {row[0]: executable for row, _, executable in wheel.get_contents()}
    assert members["demo-1.0.data/scripts/demo"]
    assert not members["demo/__init__.py"]
    facts = read_wheel(path, path.name)
    assert (facts.name, str(facts.version)) == ("demo", "1.0")
    assert facts.requires == (Requirement("click>=8; python_version>'3'"),)


def test_the_same_wheel_has_the_same_bytes(tmp_path: Path) -> None:
    first = make_wheel(tmp_path, "demo", "1.0", FILES).read_bytes()
    assert make_wheel(tmp_path, "demo", "1.0", FILES).read_bytes() == first


@pytest.mark.parametrize("name", ["../outside.py", "/absolute", "a\\b", "C:/x", "CON", "a:b"])
def test_hostile_names_are_kept(tmp_path: Path, name: str) -> None:
    path = make_wheel(tmp_path, "demo", "1.0", {name: b"x"})
    with zipfile.ZipFile(path) as archive:
        assert name in archive.namelist()


def test_a_record_of_ones_own_is_kept(tmp_path: Path) -> None:
    record = "demo-1.0.dist-info/RECORD"
    path = make_wheel(tmp_path, "demo", "1.0", {**FILES, record: b"phantom.py,,\n"})
    with zipfile.ZipFile(path) as archive:
        assert archive.read(record) == b"phantom.py,,\n"
