"""A wheel of what is installed holds the same, whatever installs it."""

import hashlib
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from installer.sources import WheelFile

from bootstrap.extras import Extra, find_extras, repack
from bootstrap.extras.model import CannotCarryError
from bootstrap.generation import Generation
from tests.support.commands import fingerprint
from tests.support.extras import EVERY_KIND, add, make_generation
from tests.support.small_stack import make_wheel


@pytest.fixture
def live(tmp_path: Path) -> Generation:
    return make_generation(tmp_path, "live")


@pytest.fixture
def every_kind(live: Generation) -> Extra:
    add(live, make_wheel(live.root, "every_kind", "1.0", EVERY_KIND))
    (found,) = find_extras(live, ())
    return found


def packed(extra: Extra, live: Generation, name: str = "packed") -> Path:
    folder = live.root / name
    folder.mkdir(exist_ok=True)
    return repack(extra, live, folder)


def contents(wheel: Path) -> dict[str, bytes]:
    """After its RECORD was found right, by the library that installs wheels."""
    with WheelFile.open(wheel) as source:
        source.validate_record()
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def test_it_holds_what_the_original_held(every_kind: Extra, live: Generation) -> None:
    (live.root / "original").mkdir()
    original = contents(make_wheel(live.root / "original", "every_kind", "1.0", EVERY_KIND))
    made = contents(packed(every_kind, live))
    record = "every_kind-1.0.dist-info/RECORD"
    rows = [sorted(one.pop(record).splitlines()) for one in (made, original)]
    assert made == original
    assert rows[0] == rows[1]


def test_it_is_deflated_and_only_that(every_kind: Extra, live: Generation) -> None:
    with zipfile.ZipFile(packed(every_kind, live)) as archive:
        kinds = {info.compress_type for info in archive.infolist()}
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert kinds == {zipfile.ZIP_DEFLATED}
    assert all(stat.S_ISREG(mode) for mode in modes.values())
    assert modes["every_kind-1.0.data/scripts/every-shell"] & 0o777 == 0o755
    assert modes["every_kind/__init__.py"] & 0o777 == 0o644


def test_it_has_the_same_bytes_each_time(every_kind: Extra, live: Generation) -> None:
    first = packed(every_kind, live).read_bytes()
    for file in every_kind.files:
        if file.source:
            os.utime(file.source, (1, 1))
    assert packed(every_kind, live, "again").read_bytes() == first


def test_what_lies_there_now_counts(every_kind: Extra, live: Generation) -> None:
    edited = live.site_packages / "every_kind" / "__init__.py"
    edited.write_bytes(b"edited = True\n")
    assert contents(packed(every_kind, live))["every_kind/__init__.py"] == b"edited = True\n"


@pytest.mark.parametrize(
    "python", ["{venv}/bin/python", "{venv}/bin/python3.11 -E", "{root}/.venv/bin/python3"]
)
def test_scripts_of_this_python_become_those_of_any(
    every_kind: Extra, live: Generation, python: str
) -> None:
    (live.root / ".venv").symlink_to(live.venv)
    line = python.format(venv=live.venv, root=live.root)
    script = live.scripts / "every-script"
    quoted = line.split(" -", maxsplit=1)[0]
    for head in (
        f"#!{line}\n",
        f"#! {line}\r\n",
        f"#!/bin/sh\n'''exec' {quoted} \"$0\" \"$@\"\n' '''\n",
        f"#!/bin/sh\n'''exec' \"{quoted}\" \"$0\" \"$@\"\n' '''\n",
        f"#!/bin/sh\n'''exec' '{quoted}' \"$0\" \"$@\"\n' '''\n",
    ):
        script.write_bytes(head.encode() + b"print(1)\n")
        made = contents(packed(every_kind, live))["every_kind-1.0.data/scripts/every-script"]
        assert made == b"#!python\nprint(1)\n", head


@pytest.mark.parametrize(
    "head",
    [
        *(b"#!/usr/bin/env python3\n", b"#!/usr/bin/python3\n", b"#!/bin/sh\necho\n"),
        *(b"\x7fELF\0\0#!", b"", b"#!", b"#!\0/bin/python\n", b"#!\xff/bin/python\n"),
    ],
)
def test_other_scripts_stay_as_they_are(every_kind: Extra, live: Generation, head: bytes) -> None:
    data = head + bytes(20 << 10)
    (live.scripts / "every-script").write_bytes(data)
    made = contents(packed(every_kind, live))
    assert made["every_kind-1.0.data/scripts/every-script"] == data


def test_a_file_that_has_gone_is_told(every_kind: Extra, live: Generation) -> None:
    (live.site_packages / "every_kind" / "__init__.py").unlink()
    with pytest.raises(CannotCarryError, match=r"__init__.py cannot be read: No such file"):
        packed(every_kind, live)
    assert list((live.root / "packed").iterdir()) == []


def test_a_file_that_has_become_a_link_is_told(every_kind: Extra, live: Generation) -> None:
    path = live.site_packages / "every_kind" / "__init__.py"
    path.unlink()
    path.symlink_to(live.root / "secret")
    (live.root / "secret").write_bytes(b"secret")
    with pytest.raises(CannotCarryError, match="is no file any more"):
        packed(every_kind, live)
    assert list((live.root / "packed").iterdir()) == []


def test_an_older_wheel_of_that_name_is_replaced(every_kind: Extra, live: Generation) -> None:
    wheel = packed(every_kind, live)
    wheel.write_bytes(b"older")
    (wheel.parent / f".{wheel.name}.part").write_bytes(b"interrupted")
    assert packed(every_kind, live) == wheel
    contents(wheel)
    assert [path.name for path in wheel.parent.iterdir()] == [wheel.name]


def test_all_its_tags_are_kept(live: Generation) -> None:
    info = b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n"
    tags = ("cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2014_x86_64")
    info += b"".join(f"Tag: {tag}\n".encode() for tag in tags)
    files = {"fast.so": b"\x7fELF", "fast-1.0.dist-info/WHEEL": info}
    add(live, make_wheel(live.root, "fast", "1.0", files))
    (found,) = find_extras(live, ())
    wheel = packed(found, live)
    assert wheel.name == ("fast-1.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl")
    assert contents(wheel)["fast-1.0.dist-info/WHEEL"] == info


PARTS = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0\\", exclude_categories=["Cs"]),
    min_size=1,
    max_size=8,
).filter(lambda part: part not in (".", "..", "__pycache__") and part.splitlines() == [part])
TREES = st.dictionaries(
    st.lists(PARTS, max_size=2).map(lambda parts: "/".join(["demo", *parts, "file"])),
    st.binary(max_size=200),
    max_size=5,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=TREES)
def test_any_file_comes_back(tmp_path: Path, files: dict[str, bytes]) -> None:
    case = tmp_path / hashlib.sha256(repr(sorted(files)).encode()).hexdigest()[:16]
    if case.exists():
        return
    case.mkdir()
    live, other = make_generation(case, "live"), make_generation(case, "other")
    # A file cannot be a folder, too.
    apart = {path: data for path, data in files.items() if not _is_folder(path, files)}
    add(live, make_wheel(case, "demo", "1.0", apart))
    (found,) = find_extras(live, ())
    assert found.fault is None
    add(other, packed(found, live))
    first, second = fingerprint(live.venv), fingerprint(other.venv)
    # Its rows may stand in another order.
    record = f"{live.site_packages.relative_to(live.venv)}/demo-1.0.dist-info/RECORD"
    assert first.pop(record)
    assert second.pop(record)
    assert first == second


def _is_folder(path: str, files: dict[str, bytes]) -> bool:
    return any(other.startswith(f"{path}/") for other in files)
