import struct
from pathlib import Path

import pytest

from bootstrap.bundle import layout
from builder.errors import DamagedBundleError, ExitCode, RefusedContentError, UnfitHostError
from builder.progress import Progress
from builder.stub import freeze_stub, open_stub
from builder.targets import TARGETS, TargetPlatform, host_target

LINUX, WINDOWS = TARGETS["linux_x86_64"], TARGETS["win_amd64"]


def package(content: bytes = b"") -> bytes:
    """A PKG with these bytes before its empty table of contents."""
    cookie = struct.pack(
        "!8sIIII64s",
        b"MEI\014\013\012\013\016",
        len(content) + layout.COOKIE_SIZE,
        len(content),
        0,
        311,
        b"libpython3.11.so.1.0",
    )
    return content + cookie


def write(folder: Path, data: bytes) -> Path:
    path = folder / "stub"
    path.write_bytes(data)
    return path


def test_the_pkg_ends_the_file(tmp_path: Path) -> None:
    windows = open_stub(write(tmp_path, b"MZ" + b"x" * 98 + package(b"content")), WINDOWS)
    assert windows.bootloader_size == 100
    assert windows.minimum_glibc is None


@pytest.mark.parametrize(
    "data", [b"\x7fELF" + package() + b"\0", b"\x7fELF" + package()[:-1], b"\x7fELF"]
)
def test_what_does_not_end_with_a_pkg_is_damaged(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DamagedBundleError, match="does not end as a frozen program does"):
        open_stub(write(tmp_path, data), LINUX)


def test_a_pkg_longer_than_the_file_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DamagedBundleError, match="cut off"):
        open_stub(write(tmp_path, b"MZ" + package(b"x" * 9)[5:]), WINDOWS)


@pytest.mark.parametrize(("start", "target"), [(b"MZ", LINUX), (b"\x7fELF", WINDOWS), (b"", LINUX)])
def test_programs_for_another_platform_are_refused(
    tmp_path: Path, start: bytes, target: TargetPlatform
) -> None:
    with pytest.raises(RefusedContentError, match=f"no program for {target.name}"):
        open_stub(write(tmp_path, start + package()), target)


def test_a_finished_installer_is_no_stub(tmp_path: Path) -> None:
    trailer = layout.Trailer(
        payload_offset=2,
        payload_size=50,
        index_offset=40,
        index_size=12,
        index_sha256="00" * 32,
        rest_sha256="00" * 32,
    )
    data = b"MZ" + b"p" * 50 + layout.pack_trailer(trailer) + package()
    with pytest.raises(RefusedContentError, match="a finished installer and not a stub"):
        open_stub(write(tmp_path, data), WINDOWS)


@pytest.mark.skipif(host_target() is not LINUX, reason="asks for a stub of the other platform")
def test_only_windows_freezes_for_windows(tmp_path: Path) -> None:
    with pytest.raises(UnfitHostError, match="win_amd64 can be frozen only on that") as caught:
        freeze_stub(WINDOWS, work=tmp_path, cache_root=tmp_path, progress=Progress())
    assert "builder freeze" in caught.value.remedy
    assert "--stub" in caught.value.remedy
    assert caught.value.exit_code == ExitCode.UNFIT_MACHINE
    assert not list(tmp_path.iterdir())
