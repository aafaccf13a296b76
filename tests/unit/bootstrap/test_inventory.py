import os
from pathlib import Path

import pytest

from bootstrap import inventory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "generation"
    (root / "lib").mkdir(parents=True)
    (root / "lib" / "a.py").write_bytes(b"aaaa")
    (root / "lib" / 'b, "odd" é.py').write_bytes(b"bbbb")
    (root / "link").symlink_to("lib/a.py")
    return root


def take(folder: Path, **known: str) -> list[inventory.Item]:
    return list(inventory.take({"": folder}, known.items()))


def drift(folder: Path, items: list[inventory.Item], *, deep: bool = False) -> inventory.Drift:
    return inventory.compare({"": folder}, items, deep=deep, progress=lambda _: None)


def test_inventory_survives_a_round_trip(folder: Path) -> None:
    items = take(folder)
    (folder / inventory.FILE_NAME).write_bytes(b"".join(inventory.encode(items)))
    assert list(inventory.read(folder / inventory.FILE_NAME)) == items
    assert take(folder) == items
    assert [item.path for item in items] == ["lib/a.py", 'lib/b, "odd" é.py', "link"]
    assert items[2].hash == "link=lib/a.py"


def test_known_hashes_are_not_taken_again(folder: Path) -> None:
    known = {"lib/a.py": "sha256=known", "lib/gone.py": "sha256=x", "link": "sha256=y"}
    assert [item.hash for item in take(folder, **known)] == [
        "sha256=known",
        inventory.hash_file(str(folder / "lib" / 'b, "odd" é.py')),
        "link=lib/a.py",
    ]


def test_untouched_folder_has_no_drift(folder: Path) -> None:
    items = take(folder)
    assert not drift(folder, items)
    assert not drift(folder, items, deep=True)


def test_one_changed_byte_is_found_even_when_its_time_is_put_back(folder: Path) -> None:
    items = take(folder)
    path = folder / "lib" / "a.py"
    before = path.stat()
    path.write_bytes(b"aaab")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert drift(folder, items).changed == ("lib/a.py",)


def test_touched_but_equal_file_is_no_drift(folder: Path) -> None:
    items = take(folder)
    os.utime(folder / "lib" / "a.py", ns=(1, 1))
    assert not drift(folder, items)


def test_times_alone_never_make_a_file_good_in_a_deep_look(folder: Path) -> None:
    items = take(folder, **{"lib/a.py": "sha256=of-something-else"})
    assert not drift(folder, items)
    assert drift(folder, items, deep=True).changed == ("lib/a.py",)


def test_missing_file_and_turned_link_are_found(folder: Path) -> None:
    items = take(folder)
    (folder / "lib" / "a.py").unlink()
    (folder / "link").unlink()
    (folder / "link").symlink_to("elsewhere")
    found = drift(folder, items)
    assert found.missing == ("lib/a.py",)
    assert found.changed == ("link",)


def test_added_files_are_not_drift(folder: Path) -> None:
    items = take(folder)
    (folder / "lib" / "__pycache__").mkdir()
    (folder / "lib" / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"x")
    assert not drift(folder, items)


def test_bytecode_is_in_it_only_if_it_was_brought(folder: Path) -> None:
    brought, compiled = folder / "lib" / "brought.pyc", folder / "lib" / "compiled.pyc"
    for path in (brought, compiled):
        path.write_bytes(b"x")
    items = list(inventory.take({"": folder}, [("lib/brought.pyc", "sha256=known")]))
    assert [item.path for item in items if ".pyc" in item.path] == ["lib/brought.pyc"]
    compiled.unlink()
    assert not drift(folder, items)


def test_garbage_is_no_inventory(tmp_path: Path) -> None:
    (tmp_path / "garbage").write_bytes(b"just,three,columns\n")
    with pytest.raises(ValueError, match="unpack"):
        list(inventory.read(tmp_path / "garbage"))


def test_one_flipped_bit_may_leave_no_table(folder: Path) -> None:
    data = b"".join(inventory.encode(inventory.take({"": folder}, ()))) * 4000
    # A comma becomes a carriage return; a quotation mark begins a field without an end.
    written = folder.with_name("broken")
    for broken in (data.replace(b",", b"\r", 1), data.replace(b"lib", b'"ib', 1)):
        written.write_bytes(broken)
        with pytest.raises(ValueError):  # noqa: PT011 (whatever the reader of tables says)
            list(inventory.read(written))


def test_what_lies_elsewhere_now_is_looked_for_there(folder: Path) -> None:
    (folder / "venv" / "bin").mkdir(parents=True)
    (folder / "venv" / "bin" / "tool").write_bytes(b"tool")
    items = take(folder)
    live = folder.parent / "live"
    (folder / "venv").rename(live)
    places = {"": folder, "venv/": live}
    found = inventory.compare(places, items, deep=True, progress=lambda _: None)
    assert not found
    (live / "bin" / "more").write_bytes(b"x")
    assert list(inventory.additions(places, items)) == ["venv/bin/more"]
    (live / "bin" / "tool").write_bytes(b"lool")
    found = inventory.compare(places, items, deep=False, progress=lambda _: None)
    assert found.changed == ("venv/bin/tool",)


def test_names_that_sort_otherwise_than_their_folders(folder: Path) -> None:
    """``lib.py`` comes before ``lib/a.py`` as text, and ``lib`` before ``lib.py`` by name."""
    for name in ("lib.py", "lib-more.py", "lib/a", "lib/a.d/x", "libs/a.py"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    items = take(folder)
    assert [item.path for item in items] == sorted(
        (item.path for item in items), key=inventory.order
    )
    assert list(inventory.additions({"": folder}, items)) == []
    del items[3]
    assert list(inventory.additions({"": folder}, items)) == ['lib/b, "odd" é.py']
