"""What tells two builds apart names the entry and the field."""

import io
import zipfile
from pathlib import Path

import pytest

from bootstrap.bundle.zips import tarfile, zstd
from tests.support.differences import differences, differing_files


def zipped(day: int, content: str = "x", names: tuple[str, ...] = ("a", "b")) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, day, 0, 0, 0)), content)
    return file.getvalue()


def tarred(mode: int) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("lib/os.py")
        member.mode = mode
        archive.addfile(member)
    return zstd.compress(file.getvalue())


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (zipped(1), zipped(2), "f → a: time, mode, system, extra"),
        (zipped(1), zipped(1, "y"), "f → a: packed at 14"),
        (zipped(1), zipped(1, names=("b", "a")), "f: the order of its entries"),
        (zipped(1), zipped(1, names=("a",)), "b: packed in one only"),
        (tarred(0o644), tarred(0o755), "f → lib/os.py: header"),
        (b"one\ntwo\n", b"one\n2wo\n", "f → line 2 at 0: b'two' and b'2wo'"),
        (b"one\ntwo\n", b"one\ntwo", "f: the same parts, packed otherwise at 7: b'\\n' and b''"),
        (b"\xff" * 70_000, b"\xff" * 69_999 + b"\0", "f at 69,999: b'\\xff' and b'\\x00'"),
    ],
    ids=["time", "content", "order", "missing", "mode", "line", "end", "bytes"],
)
def test_what_differs_is_named(one: bytes, other: bytes, told: str) -> None:
    found = differences("f", one, other)
    assert any(told in text for text in found), found
    assert differences("f", one, one) == []


def test_files_of_one_folder_only_are_named(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep/same").write_text("same")
        (folder / ".hidden").write_text(folder.name)
    assert differing_files(one, other) == []
    (other / "deep/more").write_text("")
    assert differing_files(one, other) == ["deep/more: only in one of them"]
