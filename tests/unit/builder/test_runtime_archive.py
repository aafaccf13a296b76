import io
import os
from pathlib import Path

import pytest

from bootstrap.bundle.zips import tarfile
from builder.errors import RefusedContentError
from builder.runtime.archive import pack, unpack

KEPT = {
    "bin/python3.11": b"\x7fELF",
    "bin/python3.11-config": b"#!/bin/sh\n",
    "include/python3.11/Python.h": b"",
    "lib/libpython3.11.so.1.0": b"\x7fELF",
    "lib/python3.11/_sysconfigdata__linux.py": b"",
    "lib/python3.11/ensurepip/__init__.py": b"",
    "lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so": b"\x7fELF",
    "lib/python3.11/unittest/__init__.py": b"",
    "lib/python3.11/venv/scripts/common/activate": b"",
}
LEFT_OUT = {
    "bin/pip3": b"",
    "bin/idle3.11": b"",
    "lib/libpython3.11.a": b"",
    "lib/python3.11/__pycache__/os.cpython-311.pyc": b"",
    "lib/python3.11/config-3.11-x86_64-linux-gnu/Makefile": b"",
    "lib/python3.11/idlelib/idle.py": b"",
    "lib/python3.11/lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so": b"",
    "lib/python3.11/lib-dynload/xxlimited.cpython-311-x86_64-linux-gnu.so": b"",
    "lib/python3.11/lib2to3/tests/data/README": b"",
    "lib/python3.11/site-packages/pip/__init__.py": b"",
    "lib/python3.11/sitecustomize.py": b"",
    "lib/python3.11/test/support/__init__.py": b"",
    "lib/python3.11/turtledemo/clock.py": b"",
    "lib/python3.11/unittest/test/test_case.py": b"",
    "Lib/site-packages/pip/__main__.py": b"",
    "Scripts/pip.exe": b"",
    "libs/python311.lib": b"",
    "DLLs/_testcapi.pyd": b"",
}


def plant(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o700 if content.startswith(b"\x7fELF") else 0o600)
    return folder


def test_what_goes_along(tmp_path: Path) -> None:
    tree = plant(tmp_path / "tree", KEPT | LEFT_OUT)
    packed = pack(tree, tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == sorted(KEPT)
    assert packed.file_count == len(KEPT)
    assert packed.installed_size == sum(map(len, KEPT.values()))
    modes = {member.name: member.mode for member in members}
    assert modes["bin/python3.11"] == 0o755
    assert modes["include/python3.11/Python.h"] == 0o644
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {
        (0, 0, "", "", 315_532_800)
    }


def test_same_content_same_bytes(tmp_path: Path) -> None:
    one = plant(tmp_path / "one", KEPT)
    two = plant(tmp_path / "two", dict(reversed(KEPT.items())))
    os.utime(two / "bin/python3.11", (5, 5))
    (two / "bin/python3.11").chmod(0o777)
    (two / "lib/python3.11/empty").mkdir()
    for tree in (one, two):
        (tree / "bin/python3").symlink_to("python3.11")
    os.link(two / "bin/python3.11-config", tmp_path / "link")
    pack(one, tmp_path / "one.tar")
    pack(two, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_links_stay_links_and_hard_links_become_files(tmp_path: Path) -> None:
    tree = plant(tmp_path / "tree", {"bin/python3.11": b"\x7fELF"})
    (tree / "bin/python3").symlink_to("python3.11")
    (tree / "lib").symlink_to("bin")
    os.link(tree / "bin/python3.11", tree / "bin/python")
    packed = pack(tree, tmp_path / "a.tar")
    (tmp_path / "out").mkdir()
    unpack(tmp_path / "a.tar", tmp_path / "out", "linux_x86_64")
    assert (packed.file_count, packed.installed_size) == (4, 8)
    assert (tmp_path / "out/bin/python3").readlink() == Path("python3.11")
    assert (tmp_path / "out/lib").readlink() == Path("bin")
    assert not (tmp_path / "out/bin/python").is_symlink()


@pytest.mark.parametrize("goal", ["/bin/sh", "../../secret", "nothing"])
def test_links_that_lead_out_are_not_packed(tmp_path: Path, goal: str) -> None:
    tree = plant(tmp_path / "tree", {"bin/python3.11": b""})
    (tmp_path / "secret").write_bytes(b"")
    (tree / "bin/python3").symlink_to(goal)
    with pytest.raises(RefusedContentError, match=r"bin/python3 is a link to .*not go along"):
        pack(tree, tmp_path / "a.tar")


def archive_of(folder: Path, *members: tarfile.TarInfo) -> Path:
    path = folder / "bad.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    made.size = 1 if kind == tarfile.REGTYPE else 0
    return made


@pytest.mark.parametrize(
    "bad",
    [
        member("../evil"),
        member("python/../../evil"),
        member("/evil"),
        member("python/fifo", tarfile.FIFOTYPE),
        member("python/device", tarfile.CHRTYPE),
        member("python/link", tarfile.SYMTYPE, "../../evil"),
        member("python/link", tarfile.SYMTYPE, "/etc/passwd"),
        member("python/hard", tarfile.LNKTYPE, "../evil"),
        member("python/hard", tarfile.LNKTYPE, "/etc/passwd"),
    ],
    ids=lambda bad: f"{bad.name}-{bad.linkname}",
)
def test_hostile_members_are_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    out = tmp_path / "out" / "here"
    out.mkdir(parents=True)
    with pytest.raises(RefusedContentError, match=r"bad\.tar\.gz is refused for \d"):
        unpack(archive_of(tmp_path, member("python/fine"), bad), out, "linux_x86_64")
    assert {path.name for path in (tmp_path / "out").rglob("*")} <= {"here", "python", "fine"}
    assert not (tmp_path / "evil").exists()


def test_inner_links_are_fine(tmp_path: Path) -> None:
    unpack(
        archive_of(
            tmp_path,
            member("python/bin/python3.11"),
            member("python/bin/python3", tarfile.SYMTYPE, "python3.11"),
            member("python/share/up", tarfile.SYMTYPE, "../bin/python3.11"),
            member("python/bin/same", tarfile.LNKTYPE, "python/bin/python3.11"),
        ),
        tmp_path,
        "linux_x86_64",
    )
    assert (tmp_path / "python/share/up").read_bytes() == b"x"
    assert (tmp_path / "python/bin/same").read_bytes() == b"x"


@pytest.mark.parametrize("content", [b"", b"<html>not here</html>", b"\x1f\x8b\x08\x00"])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "page.tar.gz").write_bytes(content)
    with pytest.raises(RefusedContentError, match=r"page\.tar\.gz cannot be unpacked"):
        unpack(tmp_path / "page.tar.gz", tmp_path, "linux_x86_64")
