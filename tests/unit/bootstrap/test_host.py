import errno
import os
import platform
import shutil
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from bootstrap.host import detect_host, look_at_disk, users_of
from bootstrap.host.model import GpuReport
from bootstrap.host.windows import release_name, synced_folders

linux_only = pytest.mark.skipif(sys.platform == "win32", reason="about Linux")
as_a_user = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind root"
)


def test_the_host_is_this_machine() -> None:
    host = detect_host()
    assert (host.system, host.machine) == (platform.system(), platform.machine())
    assert host.release
    assert (host.gpu.state == "ok") == bool(host.gpu.gpus)


@linux_only
def test_glibc_is_the_one_that_runs_us() -> None:
    name, version = platform.libc_ver()
    assert name == "glibc"
    glibc = detect_host().glibc
    assert glibc is not None
    assert ".".join(map(str, glibc)) == version


def test_a_folder_to_be_lies_on_its_nearest_ancestor(tmp_path: Path) -> None:
    disk = look_at_disk(tmp_path / "a" / "b" / "c")
    assert disk.path == tmp_path
    assert disk.writable
    assert abs(disk.free - shutil.disk_usage(tmp_path).free) < 1 << 30
    assert not disk.noexec


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    assert look_at_disk(tmp_path).path == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_below_a_file_nothing_can_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    disk = look_at_disk(file / "below")
    assert (disk.path, disk.writable) == (file, False)


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, code: int) -> list[object]:
    """Let a function of the system fail; what it was called with."""
    calls: list[object] = []

    def refused(*arguments: object, **_: object) -> int:
        calls.append(arguments[0])
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, name, refused)
    return calls


def test_where_only_folders_may_be_made_the_target_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "open", errno.EACCES)
    assert look_at_disk(tmp_path / "target").writable
    assert not look_at_disk(tmp_path).writable
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "below"), [("open", "."), ("mkdir", "target")])
def test_a_refusal_is_believed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, below: str
) -> None:
    calls = refuse(monkeypatch, name, errno.EACCES)
    assert not look_at_disk(tmp_path / below).writable
    assert len(calls) == 1


@pytest.mark.parametrize(("name", "below"), [("open", "."), ("mkdir", "target")])
def test_a_full_disk_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, below: str
) -> None:
    refuse(monkeypatch, name, errno.ENOSPC)
    assert look_at_disk(tmp_path / below).writable


@as_a_user
def test_a_closed_folder_is_not_writable(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert not look_at_disk(closed / "target").writable


@linux_only
def test_a_file_system_without_files_is_not_writable() -> None:
    disk = look_at_disk(Path("/proc/self/target"))
    assert (disk.filesystem, disk.writable) == ("proc", False)


@linux_only
@pytest.mark.parametrize(
    ("path", "filesystem"),
    [
        ("/opt/x", "ext4"),
        ("/home/me", "xfs"),
        ("/homestead", "ext4"),
        ("/media/my stick/x", "vfat"),
        ("/mnt/hidden", "overlay"),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(path: str, filesystem: str) -> None:
    from bootstrap.host.linux import filesystem_of  # noqa: PLC0415 (not on Windows)

    mounts = """\
/dev/sda1 / ext4 rw 0 0
/dev/sda2 /home xfs rw 0 0
/dev/sdb1 /media/my\\040stick vfat rw,noexec 0 0
first /mnt ext2 rw 0 0
second /mnt overlay rw 0 0
"""
    assert filesystem_of(Path(path), mounts) == filesystem


@linux_only
def test_without_mounts_there_is_no_file_system_to_tell() -> None:
    from bootstrap.host.linux import filesystem_of  # noqa: PLC0415 (not on Windows)

    assert filesystem_of(Path("/opt"), "") is None


@pytest.mark.parametrize(
    ("product", "display", "build", "name"),
    [
        ("Windows 10 Pro", "23H2", "22631", "Windows 11 Pro 23H2 (build 22631)"),
        ("Windows 10 Pro", "22H2", "19045", "Windows 10 Pro 22H2 (build 19045)"),
        ("Windows Server 2016", "", "14393", "Windows Server 2016 (build 14393)"),
    ],
)
def test_windows_has_the_name_that_people_know(
    product: str, display: str, build: str, name: str
) -> None:
    assert release_name(product, display, build) == name


@pytest.mark.parametrize("text", ["580.65.06", "522.06", "550.54.15", "535.104.05", "451.00"])
def test_a_driver_is_written_as_nvidia_does(text: str) -> None:
    report = GpuReport(state="no_gpu", driver=Version(text), cuda=None, gpus=(), detail="")
    assert report.driver_text == text


def test_each_kind_of_onedrive_is_found_once() -> None:
    own, work = "C:\\Users\\me\\OneDrive", "C:\\Users\\me\\OneDrive - Example"
    environment = {"OneDrive": work, "OneDriveCommercial": work, "OneDriveConsumer": own}
    assert synced_folders(environment) == (Path(work), Path(own))
    assert synced_folders({"OneDrive": "", "PATH": "x"}) == ()


@linux_only
def test_who_works_in_a_folder_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("g1", "g12"):
        (tmp_path / name / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "g1" / "deep")
    assert users_of(tmp_path / "g1") == (os.getpid(),)
    (tmp_path / "link").symlink_to("g1")
    assert users_of(tmp_path / "g12", tmp_path / "link") == (os.getpid(),)
    (tmp_path / "loop").symlink_to("loop")
    assert users_of(tmp_path / "g12", tmp_path / "loop") == ()


@linux_only
def test_mount_points_with_odd_names_are_read() -> None:
    from bootstrap.host.linux import _unescaped, mount_points  # noqa: PLC0415 (not on Windows)

    assert Path("/proc") in mount_points()
    assert _unescaped(rb"/a\040b\011\012\134040") == b"/a b\t\n\\040"
