"""What somebody has added is found, whatever else lies there."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootstrap.extras import Extra, find_extras
from bootstrap.generation import Generation
from tests.support.effort import steps
from tests.support.extras import EVERY_KIND, add, make_generation, seal
from tests.support.small_stack import make_wheel

BUNDLED = ("locked", "Other_Locked")
BASE = {"mine/__init__.py": b"x = 1\n"}


@pytest.fixture
def live(tmp_path: Path) -> Generation:
    made = make_generation(tmp_path, "live")
    add(made, make_wheel(tmp_path, "locked", "1.0", {"locked.py": b""}))
    seal(made)
    return made


def mine(live: Generation) -> Path:
    """The usual one, added; its ``.dist-info``."""
    return add(live, make_wheel(live.root, "mine", "1.5", BASE, ("locked>=1", "more; extra=='x'")))


def only(live: Generation) -> Extra:
    (found,) = find_extras(live, BUNDLED)
    return found


def test_what_is_known_of_it(live: Generation) -> None:
    folder = mine(live)
    found = only(live)
    assert (found.name, str(found.version), found.folder) == ("mine", "1.5", folder)
    assert [str(one) for one in found.requires] == ["locked>=1", 'more; extra == "x"']
    assert [str(tag) for tag in found.tags] == ["py3-none-any"]
    assert found.filename == "mine-1.5-py3-none-any.whl"
    assert found.fault is None
    left_out = ("RECORD", "INSTALLER", "REQUESTED")
    listed = [path for path in folder.iterdir() if path.name not in left_out]
    assert found.size == sum(path.stat().st_size for path in listed) + len(BASE["mine/__init__.py"])


def test_nothing_is_found_in_a_fresh_one(live: Generation) -> None:
    assert find_extras(live, BUNDLED) == ()


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    nowhere = Generation(root=tmp_path, name="no", target="linux_x86_64", python_version="3.11")
    assert find_extras(nowhere, BUNDLED) == ()


def test_another_version_of_a_locked_one_is_drift(live: Generation) -> None:
    add(live, make_wheel(live.root, "locked", "2.0", {"locked2.py": b""}))
    add(live, make_wheel(live.root, "other_locked", "2.0", {"other.py": b""}))
    assert find_extras(live, BUNDLED) == ()


def test_a_locked_one_is_drift_whatever_it_calls_itself(live: Generation) -> None:
    metadata = {"locked-2.0.dist-info/METADATA": b"Name: sneaky\nVersion: 2.0\n"}
    add(live, make_wheel(live.root, "locked", "2.0", metadata))
    assert find_extras(live, BUNDLED) == ()


def test_without_any_nothing_is_read(live: Generation) -> None:
    """It is in every plan, also where there are thousands of files."""
    for number in range(200):
        folder = live.site_packages / f"bundled_{number}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_bytes(b"Name: x\n" * 500)
    live.inventory.write_bytes(live.inventory.read_bytes() * 5000)
    bundled = ["locked", *(f"bundled-{number}" for number in range(200))]
    assert steps(lambda: find_extras(live, bundled)) < 200 * 200


def test_one_that_only_calls_itself_like_a_locked_one_is_none(live: Generation) -> None:
    metadata = b"Metadata-Version: 2.1\nName: Locked\nVersion: 1.5\n"
    add(live, make_wheel(live.root, "mine", "1.5", {"mine-1.5.dist-info/METADATA": metadata}))
    assert find_extras(live, BUNDLED) == ()


def test_what_the_inventory_has_is_not_added(live: Generation) -> None:
    mine(live)
    seal(live)
    assert find_extras(live, BUNDLED) == ()


def test_without_an_inventory_the_names_count(live: Generation) -> None:
    mine(live)
    live.inventory.write_bytes(b'"\r\0garbage')
    assert only(live).name == "mine"
    live.inventory.unlink()
    assert only(live).name == "mine"


def test_every_kind_of_file_has_its_place(tmp_path: Path) -> None:
    live = make_generation(tmp_path, "live")
    add(live, make_wheel(tmp_path, "every_kind", "1.0", EVERY_KIND))
    found = only(live)
    assert found.fault is None
    places = {(file.scheme, file.path): file for file in found.files}
    assert {scheme for scheme, _ in places} == {"root", "scripts", "headers", "data"}
    assert places["headers", "every.h"].source
    assert places["data", "share/every_kind/data.bin"].size == 25600
    assert places["scripts", "every-kind"].source is None
    assert places["scripts", "every-shell"].executable


def test_windows_has_other_places(tmp_path: Path) -> None:
    live = make_generation(tmp_path, "live", "win_amd64")
    folder = add(live, make_wheel(tmp_path, "every_kind", "1.0", EVERY_KIND))
    # As older installers and pip itself have it.
    more = live.venv / "include" / "site" / f"python{live.python_version}" / "Every.Kind"
    more.mkdir(parents=True)
    (more / "more.h").write_bytes(b"more")
    (live.scripts / "every-kind-script.py").write_bytes(b"old")
    with (folder / "RECORD").open("a") as record:
        for path in (more / "more.h", live.scripts / "every-kind-script.py"):
            record.write(f"{os.path.relpath(path, live.site_packages)},,\n")
    found = only(live)
    assert found.fault is None
    sources = {(file.scheme, file.path): file.source for file in found.files}
    assert sources["headers", "every.h"]
    assert sources["headers", "more.h"]
    assert sources["scripts", "every-kind.exe"] is None
    assert ("scripts", "every-kind-script.py") not in sources


def test_bytecode_does_not_come_along(live: Generation) -> None:
    folder = mine(live)
    with (folder / "RECORD").open("a") as record:
        for place in ("mine", "../../../bin", "../../../share"):
            record.write(f"{place}/__pycache__/x.cpython-311.pyc,,\n")
    assert only(live).fault is None
    assert not [file for file in only(live).files if "__pycache__" in file.path]


# File of the .dist-info to its new content, and what is said then.
FAULTS = {
    "no METADATA": ("METADATA", None, "It has no METADATA"),
    "no name": ("METADATA", b"Version: 1.5\n", "METADATA cannot be understood"),
    "no version": ("METADATA", b"Name: mine\n", "METADATA cannot be understood"),
    "odd version": ("METADATA", b"Name: mine\nVersion: new\n", "Invalid version: 'new'"),
    "odd need": (
        *("METADATA", b"Name: mine\nVersion: 1.5\nRequires-Dist: ???\n"),
        "METADATA cannot be understood",
    ),
    "odd Python": (
        *("METADATA", b"Name: mine\nVersion: 1.5\nRequires-Python: new\n"),
        "METADATA cannot be understood",
    ),
    "another name": ("METADATA", b"Name: other\nVersion: 1.5\n", "speaks of other 1.5"),
    "another version": ("METADATA", b"Name: mine\nVersion: 1.6\n", "speaks of mine 1.6"),
    "odd bytes": ("METADATA", b"Name: \xff\xfe\n", "METADATA cannot be understood"),
    "odd text": ("WHEEL", b"Tag: \xff\xfe\n", "Its WHEEL is not in UTF-8"),
    "no WHEEL": ("WHEEL", None, "It has no WHEEL"),
    "no tags": ("WHEEL", b"Wheel-Version: 1.0\n", "No wheel can be called"),
    "odd tag": ("WHEEL", b"Wheel-Version: 1.0\nTag: any\n", "WHEEL cannot be understood"),
    "tag that leads away": (
        *("WHEEL", b"Wheel-Version: 1.0\nTag: py3-none-/x\n"),
        "WHEEL is of an unknown kind",
    ),
    "newer kind": ("WHEEL", b"Wheel-Version: 2.0\nTag: py3-none-any\n", "of an unknown kind"),
    "no RECORD": ("RECORD", None, "It has no RECORD"),
    "empty RECORD": ("RECORD", b"", "RECORD does not list its METADATA"),
    "odd RECORD": ("RECORD", b'"' + b"x" * 200_000, "RECORD cannot be understood"),
    "odd entry points": ("entry_points.txt", b"[console_scripts\n", "cannot be understood"),
    "entry point without a function": (
        *("entry_points.txt", b"[console_scripts]\nx = mine\n"),
        "entry_points.txt cannot be understood",
    ),
    "entry point that leads away": (
        *("entry_points.txt", b"[console_scripts]\n../../x = mine:x\n"),
        "script called '../../x'",
    ),
    "entry point without a name": ("entry_points.txt", b"[gui_scripts]\n.. = mine:x\n", "'..'"),
    "entry point of two lines": (
        *("entry_points.txt", "[gui_scripts]\na\x9fb = mine:x\n".encode(), "'a\\x9fb'"),
    ),
    "entry point there twice": (
        *("entry_points.txt", b"[gui_scripts]\nx = mine:x\n[console_scripts]\nx = mine:y\n"),
        "two scripts of the same name",
    ),
    "editable": (
        *("direct_url.json", b'{"url": "file:///home/me", "dir_info": {"editable": true}}'),
        "an editable installation of file:///home/me",
    ),
    "odd origin": ("direct_url.json", b"[]", "direct_url.json cannot be understood"),
    "deep origin": (
        *("direct_url.json", b'{"url": "", "x": ' + b"[" * 99_999),
        "direct_url.json cannot be understood",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_broken_is_told(live: Generation, case: str) -> None:
    name, content, said = FAULTS[case]
    folder = mine(live)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    found = only(live)
    assert found.fault
    assert re.search(re.escape(said), found.fault)
    assert found.fault.endswith(".")
    assert "\n" not in found.fault


def test_an_ordinary_origin_is_no_fault(live: Generation) -> None:
    (mine(live) / "direct_url.json").write_bytes(
        b'{"url": "file:///x.whl", "archive_info": {"hash": "sha256=00"}}'
    )
    assert only(live).fault is None


def test_older_metadata_need_not_be_utf_8(live: Generation) -> None:
    author = b"Author: M\xfcller\n"
    (mine(live) / "METADATA").write_bytes(b"Name: mine\nVersion: 1.5\n" + author)
    assert only(live).fault is None


def test_older_kinds_of_installations_are_told(live: Generation) -> None:
    site = live.site_packages
    (site / "old_one-1.0-py3.11.egg-info").mkdir()
    (site / "old_file-2.0.egg-info").write_bytes(b"")
    (site / "old.link.egg-link").write_bytes(b"/home/me\n.\n")
    (site / "Locked.egg-info").mkdir()
    found = find_extras(live, BUNDLED)
    assert [str(one) for one in found] == ["old-file 2.0", "old-link 0+unknown", "old-one 1.0"]
    assert found[1].fault == "old.link.egg-link tells nothing of its files."


def test_links_and_pipes_are_not_followed(live: Generation) -> None:
    folder = mine(live)
    away = live.root / "away"
    folder.rename(away)
    folder.symlink_to(away)
    assert "tells nothing" in str(only(live).fault)
    folder.unlink()
    away.rename(folder)
    for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "direct_url.json"):
        kept = (folder / name).read_bytes() if (folder / name).exists() else None
        (folder / name).unlink(missing_ok=True)
        # Opening it would wait for somebody who writes.
        os.mkfifo(folder / name)
        assert f"Its {name} is no file" in str(only(live).fault)
        (folder / name).unlink()
        if kept is not None:
            (folder / name).write_bytes(kept)


def test_of_two_of_the_same_name_none_is_believed(live: Generation) -> None:
    mine(live)
    add(live, make_wheel(live.root, "mine", "1.6", {"mine2.py": b""}))
    found = find_extras(live, BUNDLED)
    assert [str(one.version) for one in found] == ["1.5", "1.6"]
    assert {one.fault for one in found} == {
        "It is there more than once (mine-1.5.dist-info and mine-1.6.dist-info)."
    }


def test_what_is_no_distribution_is_none(live: Generation) -> None:
    for name in ("~ine-1.0.dist-info", "-1.0.dist-info", ".dist-info", "é-1.dist-info", "mine"):
        (live.site_packages / name).mkdir()
    (live.site_packages / os.fsdecode(b"\xff-1.0.dist-info")).mkdir()
    assert find_extras(live, BUNDLED) == ()


# Rows of a RECORD that lead to what is not the distribution's.
HOSTILE = {
    "../../x": "is missing",
    "../../../../../../outside": "leads out of the environment",
    "../../../../outside/secret": "leads out of the environment",
    "/etc/passwd": "leads out of the environment",
    "link.py": "is a link",
    "linked/secret": "is a link",
    "../../../bin/linked/secret": "is a link",
    "mine": "is a link, or is none",
    "../..": "is a link, or is none",
    "../../..": "is a link, or is none",
    "../../../..": "leads out of the environment",
    "gone.py": "is missing",
    "d/" * 300 + "x.py": "a name that no wheel can hold",
    "two\x85lines.py": "a name that no wheel can hold",
    '"two\nlines.py"': "a name that no wheel can hold",
    "nul\0byte": "cannot be looked at",
    "x" * 5000: "cannot be looked at",
    "locked-1.0.dist-info/METADATA": "no wheel of it can hold",
    "other-1.0.data/scripts/x": "no wheel of it can hold",
    "../../python2.7/site-packages/torchao/__init__.py": "another Python's",
}


@pytest.mark.parametrize("row", HOSTILE)
def test_rows_that_lead_astray(live: Generation, row: str) -> None:
    folder = mine(live)
    outside = live.folder / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (live.site_packages / "link.py").symlink_to(outside / "secret")
    (live.site_packages / "linked").symlink_to(outside)
    (live.scripts / "linked").symlink_to(outside)
    with (folder / "RECORD").open("a") as record:
        record.write(f"{row},,\n")
    assert HOSTILE[row] in str(only(live).fault)


NAMES = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "direct_url.json")
PIECES = st.sampled_from(
    [
        *(b"Name: mine\n", b"Version: 1.5\n", b"Tag: py3-none-any\n", b"Wheel-Version: 1.0\n"),
        *(b"[console_scripts]\n", b"x = mine:x\n", b"\xff", b"\0", b'"', b",", b"\r", b": "),
        *(b'{"url": ', b'"x"', b"{", b"}", b"../", b"/", b"mine/__init__.py,,\n", b"\n"),
    ]
)
RUBBISH = st.one_of(st.binary(max_size=60), st.lists(PIECES, max_size=12).map(b"".join))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=st.dictionaries(st.sampled_from(NAMES), RUBBISH, min_size=1))
def test_rubbish_never_raises(live: Generation, files: dict[str, bytes]) -> None:
    folder = live.site_packages / "mine-1.5.dist-info"
    folder.mkdir(exist_ok=True)
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)
        if name in files:
            (folder / name).write_bytes(files[name])
    find_extras(live, BUNDLED)


PARTS = st.sampled_from(
    [
        "..",
        ".",
        "",
        "mine",
        "__init__.py",
        "linked",
        "link.py",
        "bin",
        "lib",
        "secret",
        "..\\x",
        "~",
    ]
)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parts=st.lists(PARTS, min_size=1, max_size=9), absolute=st.booleans())
def test_no_row_reaches_outside(live: Generation, parts: list[str], absolute: bool) -> None:  # noqa: FBT001
    folder = live.site_packages / "mine-1.5.dist-info"
    if not folder.exists():
        mine(live)
        (live.root / "secret").write_bytes(b"secret")
        (live.site_packages / "linked").symlink_to(live.root)
        (live.site_packages / "link.py").symlink_to(live.root / "secret")
    rows = "mine-1.5.dist-info/METADATA,,\nmine-1.5.dist-info/WHEEL,,\n"
    path = ("/" if absolute else "") + "/".join(parts)
    (folder / "RECORD").write_text(f"{rows}{path},,\n", encoding="utf-8")
    venv = live.venv.resolve()
    for file in only(live).files:
        assert file.source
        assert os.path.realpath(file.source) == file.source
        assert Path(file.source).is_relative_to(venv)
        assert ".." not in file.path.split("/")
