"""From one generation into another: what fits is installed, the rest lies packed beside."""

import errno
import io
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from zipfile import is_zipfile

import installer
import pytest
from installer.exceptions import InstallerError
from installer.utils import Scheme

from bootstrap import inventory
from bootstrap.bundle.model import Index
from bootstrap.bundle.policy import BlacklistRule
from bootstrap.errors import InstallError, UnsafeTargetError
from bootstrap.extras import (
    CarriedOver,
    carry,
    carry_over,
    destination,
    find_extras,
    keep_wheels,
    repack,
)
from bootstrap.generation import Generation
from bootstrap.install.written import WrittenFiles
from tests.support.commands import fingerprint
from tests.support.extras import EVERY_KIND, add, index_of, make_generation, seal
from tests.support.records import mismatches
from tests.support.small_stack import PYTHON, make_wheel

LOCKED = {"locked/__init__.py": b"", "shared/__init__.py": b"# shared\n"}
SHARED = {"mine/x.py": b"", "shared/__init__.py": b"# shared\n"}
RULES = (BlacklistRule(name="torchao", modules=("torchao",), reason="It breaks."),)


@pytest.fixture
def live(tmp_path: Path) -> Generation:
    return stocked(tmp_path, "live", "1.0")


def stocked(root: Path, name: str, version: str, python: str = PYTHON) -> Generation:
    """A generation that a bundle of one distribution was installed into."""
    made = make_generation(root, name, python=python)
    add(made, make_wheel(root, "locked", version, LOCKED))
    seal(made)
    return made


def carry_to(
    live: Generation, generation: Generation, index: Index | None = None
) -> tuple[CarriedOver, Path]:
    folder = live.root / "extras"
    extras = find_extras(live, ["locked"])
    index = index or index_of({"locked": "2.0"}, RULES, generation.python_version)
    carried = carry_over(extras, live, generation, index, generation.folder / ".extras")
    return keep_wheels(carried, folder), folder


def test_what_fits_is_there_and_still_the_users(live: Generation) -> None:
    add(live, make_wheel(live.root, "every_kind", "1.0", EVERY_KIND, ["locked"]))
    add(live, make_wheel(live.root, "mine", "1.0", SHARED, ["every-kind"]))
    new = stocked(live.root, "new", "2.0")
    before, locked = fingerprint(live.folder), fingerprint(new.venv)
    result, folder = carry_to(live, new)
    assert [str(one) for one in result.installed] == ["every-kind 1.0", "mine 1.0"]
    assert result.left_out == ()
    # Nothing else was touched, and nothing is left behind.
    assert fingerprint(live.folder) == before
    after = fingerprint(new.venv)
    assert {name: after[name] for name in locked} == locked
    assert not folder.exists()
    # What is written is all that is new, and the file that was there is not among it.
    files = {name for name, content in after.items() if content != "folder"}
    assert {f"venv/{name}" for name in files - locked.keys()} == result.written
    assert mismatches(new.site_packages) == ([], mismatches(live.site_packages)[1])
    # The next upgrade finds them again.
    seal(new, result.written)
    again = find_extras(new, ["locked"])
    assert [str(one) for one in again] == ["every-kind 1.0", "mine 1.0"]
    assert [one.fault for one in again] == [None, None]
    items = inventory.read(new.inventory)
    assert set(inventory.additions(new.places, items)) == result.written


def test_scripts_call_the_new_python(live: Generation) -> None:
    add(live, make_wheel(live.root, "every_kind", "1.0", EVERY_KIND))
    new = stocked(live.root, "new", "2.0")
    carry_to(live, new)
    for name in ("every-kind", "every-script"):
        script = new.scripts / name
        assert script.read_text().splitlines()[0] == f"#!{new.home_python}"
        assert os.access(script, os.X_OK)
    assert (new.scripts / "every-shell").read_bytes() == (live.scripts / "every-shell").read_bytes()


def test_what_its_installer_noted_down_still_holds(live: Generation) -> None:
    folder = add(live, make_wheel(live.root, "every_kind", "1.0", EVERY_KIND))
    (folder / "direct_url.json").write_text('{"url": "file:///w.whl", "archive_info": {}}')
    (folder / "uv_cache.json").write_text("{}")
    with (folder / "RECORD").open("a") as record:
        record.writelines(
            f"{folder.name}/{name},,\n" for name in ("direct_url.json", "uv_cache.json")
        )
    (extra,) = find_extras(live, ["locked"])
    # They are nothing that a wheel has.
    assert not [file for file in extra.files if file.path.endswith(".json")]
    new = stocked(live.root, "new", "2.0")
    carry_to(live, new)
    there = new.site_packages / folder.name
    for name in ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"):
        assert (there / name).read_bytes() == (folder / name).read_bytes()


def test_who_does_not_fit_lies_packed_beside(live: Generation) -> None:
    add(live, make_wheel(live.root, "torchao", "0.7", {"torchao/__init__.py": b""}))
    add(live, make_wheel(live.root, "hidden", "1.0", {"torchao/other.py": b""}))
    add(live, make_wheel(live.root, "older", "1.0", {"older.py": b""}, ["locked<2"]))
    add(live, make_wheel(live.root, "other", "1.0", {"locked/more.py": b""}))
    broken = add(live, make_wheel(live.root, "broken", "1.0", {"broken.py": b""}))
    (broken / "RECORD").unlink()
    new = stocked(live.root, "new", "2.0")
    (new.site_packages / "locked" / "more.py").write_bytes(b"of the bundle")
    before = fingerprint(new.venv)
    result, folder = carry_to(live, new)
    assert {item.extra.name: item.reason for item in result.left_out} == {
        "broken": "It has no RECORD.",
        "hidden": "It holds the module torchao, which the bundle bans: It breaks.",
        "older": "It needs locked<2, and the new environment has 2.0.",
        "other": "Its file locked/more.py would take the place of another one.",
        "torchao": "The bundle bans it: It breaks.",
    }
    wheels = {str(item.extra.name): item.wheel for item in result.left_out}
    assert wheels.pop("broken") is None
    assert {wheel.name for wheel in wheels.values() if wheel} == {
        path.name for path in folder.iterdir()
    }
    assert result.installed == ()
    assert result.written == frozenset()
    assert fingerprint(new.venv) == before


def test_files_do_not_take_the_place_of_others(live: Generation) -> None:
    """Whatever stands there: other content, a folder, a link; a file or a link on the way."""
    new = stocked(live.root, "new", "2.0")
    away = live.root / "away"
    away.mkdir()
    site = new.site_packages
    (site / "differs.py").write_bytes(b"differs")
    (site / "folder.py").mkdir()
    (site / "file").write_bytes(b"")
    (site / "linked").symlink_to(away)
    (site / "link.py").symlink_to(away / "link.py")
    (site / "same.py").symlink_to(live.site_packages / "same.py")
    (new.scripts / "tool").write_bytes(b"of the bundle")
    points = b"[console_scripts]\ntool = points:x\n"
    for name, path in (
        *(("differs", "differs.py"), ("folder", "folder.py"), ("file", "file/x.py")),
        *(("linked", "linked/x.py"), ("link", "link.py"), ("same", "same.py")),
        ("points", "points-1.0.dist-info/entry_points.txt"),
    ):
        add(live, make_wheel(live.root, name, "1.0", {path: points}))
    result, _ = carry_to(live, new)
    assert len(result.left_out) == 7
    assert {item.reason.split(" would ")[1] for item in result.left_out} == {
        "take the place of another one."
    }
    assert list(away.iterdir()) == []


def test_another_python_takes_what_is_for_any(live: Generation) -> None:
    major, minor = (int(part) for part in PYTHON.split("."))
    tag = f"cp{major}{minor}-cp{major}{minor}-linux_x86_64"
    later = f"later; python_version >= '{major}.{minor + 1}'"
    full = f"full; python_full_version == '{major}.{minor + 1}.7'"
    add(live, make_wheel(live.root, "every_kind", "1.0", EVERY_KIND))
    add(live, make_wheel(live.root, "needs_later", "1.0", {"needs.py": b""}, [later]))
    add(live, make_wheel(live.root, "needs_full", "1.0", {"full.py": b""}, [full]))
    add(live, make_wheel(live.root, "compiled", "1.0", {"compiled.so": b"\x7fELF"}, tag=tag))
    new = stocked(live.root, "new", "2.0", f"{major}.{minor + 1}")
    result, folder = carry_to(live, new)
    assert [one.name for one in result.installed] == ["every-kind"]
    assert (new.site_packages / "every_kind" / "__init__.py").is_file()
    assert (new.include / "every-kind" / "every.h").is_file()
    assert [item.reason for item in result.left_out] == [
        f"It was built for another Python or system ({tag}).",
        "It needs full, which the new environment does not have.",
        "It needs later, which the new environment does not have.",
    ]
    assert f"compiled-1.0-{tag}.whl" in {path.name for path in folder.iterdir()}


def test_extras_of_the_bundles_own_are_looked_at(live: Generation) -> None:
    add(live, make_wheel(live.root, "mine", "1.0", {"mine.py": b""}, ["locked[more]"]))
    new = make_generation(live.root, "new")
    add(new, make_wheel(live.root, "locked", "2.0", LOCKED, ["deep; extra=='more'"]))
    result, _ = carry_to(live, new)
    assert result.left_out[0].reason == ("It needs deep, which the new environment does not have.")


def test_on_windows_they_are_what_windows_has(tmp_path: Path) -> None:
    live, new = (make_generation(tmp_path, name, "win_amd64") for name in ("live", "new"))
    add(live, make_wheel(tmp_path, "every_kind", "1.0", EVERY_KIND))
    result, _ = carry_to(live, new)
    assert result.left_out == ()
    assert (new.scripts / "every-kind.exe").read_bytes().startswith(b"MZ")
    assert fingerprint(new.venv).keys() == fingerprint(live.venv).keys()
    assert mismatches(new.site_packages)[0] == []


def test_what_comes_meanwhile_is_not_overwritten(live: Generation) -> None:
    add(live, make_wheel(live.root, "mine", "1.0", {"mine.py": b"mine"}))
    (extra,) = find_extras(live, ["locked"])
    written = WrittenFiles(live)
    place = destination.ExtraDestination(live, extra, written)
    for content, refused in (b"mine", False), (b"more", True):
        with pytest.raises(InstallError, match="is there already") if refused else nullcontext():
            place.write_to_fs(Scheme("purelib"), "mine.py", io.BytesIO(content), False)  # noqa: FBT003
    assert list(written) == []
    assert (live.site_packages / "mine.py").read_bytes() == b"mine"


def test_what_the_library_says_is_told(live: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing real is known that gets so far."""

    def refuse(*_: object) -> None:
        raise InstallerError("odd")

    add(live, make_wheel(live.root, "mine", "1.0", {"mine.py": b"mine"}))
    monkeypatch.setattr(installer, "install", refuse)
    with pytest.raises(InstallError, match=r"mine 1.0 could not be installed .*: odd") as caught:
        carry_to(live, make_generation(live.root, "new"))
    assert "--keep-extras" in caught.value.remedy


def test_a_link_for_a_folder_is_not_followed(live: Generation) -> None:
    add(live, make_wheel(live.root, "older", "1.0", {"older.py": b""}, ["locked<2"]))
    (live.root / "home").mkdir()
    (live.root / "extras").symlink_to(live.root / "home")
    with pytest.raises(UnsafeTargetError, match="is a link to"):
        carry_to(live, stocked(live.root, "new", "2.0"))
    assert list((live.root / "home").iterdir()) == []


def test_without_any_nothing_is_made(live: Generation) -> None:
    result, folder = carry_to(live, stocked(live.root, "new", "2.0"))
    assert (*result.installed, *result.left_out, *result.written, *result.packed) == ()
    assert not folder.exists()


def test_other_files_in_the_folder_stay(live: Generation) -> None:
    add(live, make_wheel(live.root, "older", "1.0", {"older.py": b""}, ["locked<2"]))
    folder = live.root / "extras"
    folder.mkdir()
    (folder / "earlier-1.0-py3-none-any.whl").write_bytes(b"earlier")
    (folder / "older-1.0-py3-none-any.whl").write_bytes(b"of another upgrade")
    carry_to(live, stocked(live.root, "new", "2.0"))
    names = ["earlier-1.0-py3-none-any.whl", "older-1.0-py3-none-any.whl"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert is_zipfile(folder / names[1])


def test_a_full_disk_is_passed_on(live: Generation) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no limit of this kind")
    import resource  # noqa: PLC0415

    noise = os.urandom(200 << 10)
    add(live, make_wheel(live.root, "noisy", "1.0", {"noisy.bin": noise}))
    new = stocked(live.root, "new", "2.0")
    before = fingerprint(live.folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 10, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            carry_to(live, new)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert list((new.folder / ".extras").iterdir()) == []
    assert fingerprint(live.folder) == before
    again = stocked(live.root, "again", "2.0")
    assert [one.name for one in carry_to(live, again)[0].installed] == ["noisy"]


def interrupting(function: Callable[..., object], countdown: list[int]) -> Callable[..., object]:
    """The same, until the count is zero; then Ctrl-C is heard."""

    def counted(*arguments: object, **named: object) -> object:
        countdown[0] -= 1
        if countdown[0] == 0:
            raise KeyboardInterrupt
        return function(*arguments, **named)

    return counted


def test_whoever_interrupts_it_can_begin_again(
    live: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(live, make_wheel(live.root, "every_kind", "1.0", EVERY_KIND))
    add(live, make_wheel(live.root, "older", "1.0", {"older.py": b""}, ["locked<2"]))
    before, folder = fingerprint(live.folder), live.root / "extras"
    countdown, steps = [0], 0
    # What each step of it begins or ends with.
    for module, name in (
        *((repack.__globals__, "_add"), (repack.__globals__, "patiently")),
        *((vars(destination), "_copy"), (vars(carry), "remove_file"), (vars(carry), "_move")),
    ):
        monkeypatch.setitem(module, name, interrupting(module[name], countdown))
    while True:
        steps += 1
        new = stocked(live.root, f"new{steps}", "2.0")
        others = {path: fingerprint(path) for path in live.root.iterdir() if path != folder}
        countdown[0] = steps
        try:
            result, _ = carry_to(live, new)
        except KeyboardInterrupt:
            assert fingerprint(live.folder) == before
            for path, content in others.items():
                assert path.name == "generations" or fingerprint(path) == content
            assert not folder.exists() or list(folder.iterdir()) == []
        else:
            break
    assert steps > 20
    assert [one.name for one in result.installed] == ["every-kind"]
    assert [path.name for path in folder.iterdir()] == ["older-1.0-py3-none-any.whl"]
