"""On Windows each file is flushed by itself, also what is in use just when its turn comes."""

import builtins
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap import storage
from bootstrap.storage import brought_to_disk, windows


class Disk:
    """Notes the names of the files that were flushed, and of those that somebody has loaded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.flushed: list[str] = []
        self.loaded: set[str] = set()
        self.denied = threading.Event()
        self._names: dict[int, str] = {}
        monkeypatch.setattr(windows, "open", self._open, raising=False)
        monkeypatch.setattr(os, "fsync", self._flush)

    def _open(self, path: str, *arguments: Any, **more: Any) -> Any:
        name = Path(path).name
        if name in self.loaded:
            self.denied.set()
            raise PermissionError(13, "Permission denied", path)
        file = builtins.open(path, *arguments, **more)  # noqa: PTH123, SIM115
        self._names[file.fileno()] = name
        return file

    def _flush(self, handle: int) -> None:
        self.flushed.append(self._names[handle])


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(storage, "write_out", windows.write_out)
    monkeypatch.setattr(storage, "write_out_rest", windows.write_out_rest)
    monkeypatch.setattr(storage, "MEANWHILE", windows.MEANWHILE)
    return Disk(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    long_ago = time.time() - 1000
    for name in ("one.py", "torch.dll"):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (long_ago, long_ago))
    return tmp_path


def test_what_was_loaded_meanwhile_is_flushed_in_the_end(disk: Disk, folder: Path) -> None:
    disk.loaded = {"torch.dll"}
    with brought_to_disk(folder, lambda: None):
        assert disk.denied.wait(20)
        (folder / "new.py").write_bytes(b"x")
        disk.loaded = set()
    assert {"new.py", "torch.dll"} <= set(disk.flushed)


def test_nothing_is_open_while_others_use_it(disk: Disk, folder: Path) -> None:
    """Windows starts no program that somebody has opened for writing."""
    with brought_to_disk(folder, lambda: None):
        assert sorted(disk.flushed) == ["one.py", "torch.dll"]
    assert sorted(disk.flushed) == ["one.py", "torch.dll"]


def test_what_is_gone_meanwhile_does_no_harm(
    disk: Disk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = windows._files

    def with_a_temporary_one(below: Path) -> Iterator[str]:
        yield str(below / "module.pyc.140213")
        yield from files(below)

    monkeypatch.setattr(windows, "_files", with_a_temporary_one)
    assert windows.write_out(folder, threading.Event()) == []
    assert sorted(disk.flushed) == ["one.py", "torch.dll"]
