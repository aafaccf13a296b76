import ast
import struct
import sys
from importlib.metadata import packages_distributions
from importlib.resources import files
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from bootstrap.bundle import layout
from builder.errors import DamagedBundleError, ExitCode, RefusedContentError, UnfitHostError
from builder.fetch import Cache
from builder.launching import NATIVE
from builder.lock.model import load_lock, lock_path
from builder.manifest import FREEZER_PATH
from builder.progress import Progress
from builder.stub import Identity, freeze_stub, open_stub, windows
from builder.stub.hardening import harden
from builder.targets import TARGETS, TargetPlatform, host_target

ROOT = Path(__file__).parents[3]
# A real, small Windows program: the launcher that the library installer puts before scripts.
PROGRAM = files("installer").joinpath("_scripts", "t64.exe").read_bytes()
IDENTITY = Identity(product="LLMSetup", version="1.0", company="Example")
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
    windows = open_stub(write(tmp_path, PROGRAM + package(b"content")), WINDOWS)
    assert windows.bootloader_size == len(PROGRAM)
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


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.skipif(host_target() is not LINUX, reason="asks for a stub of the other platform")
def test_without_wine_there_are_three_ways_out(tmp_path: Path) -> None:
    with pytest.raises(UnfitHostError, match="on Windows, or here under Wine") as caught:
        freeze_stub(
            WINDOWS,
            IDENTITY,
            work=tmp_path,
            cache=Cache(tmp_path),
            offline=True,
            progress=Progress(),
        )
    for way in ("apt-get install wine", "builder freeze --output stub.exe", "build.ps1"):
        assert way in caught.value.remedy
    assert caught.value.exit_code == ExitCode.UNFIT_MACHINE
    assert not list(tmp_path.iterdir())


def test_a_pkg_beyond_the_end_of_the_image_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DamagedBundleError, match="not where its program ends"):
        open_stub(write(tmp_path, PROGRAM + b"junk" + package()), WINDOWS)


def test_no_whole_image_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(DamagedBundleError, match="no whole Windows program"):
        open_stub(write(tmp_path, PROGRAM[:100] + package()), WINDOWS)


def test_what_pyinstaller_gets_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    options = windows.options(Path("work"), IDENTITY, Path(sys.base_prefix), NATIVE)
    named = [option for option in options if "/" in option]
    assert len(named) == 5
    assert all(Path(option.partition(";")[0]).is_absolute() for option in named)
    assert Cache(Path("cache")).root == tmp_path / "cache"


def test_numbers_that_windows_does_not_take_are_cut() -> None:
    identity = Identity(product="LLMSetup", version="20260807.1", company="Example")
    assert identity.release == (0xFFFF, 1)


def test_a_bootloader_that_is_not_known_is_refused() -> None:
    # The launcher imports no LoadLibraryExW with such an argument.
    with pytest.raises(UnfitHostError, match="0 calls and not one"):
        harden(PROGRAM)


def test_a_stub_of_another_product_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, PROGRAM + package())
    with pytest.raises(RefusedContentError, match=r"not LLMSetup 1\.0 of Example") as caught:
        open_stub(path, WINDOWS, IDENTITY)
    assert "--manifest" in caught.value.remedy


def test_every_dependency_of_the_installer_is_in_the_freezer() -> None:
    """What is frozen under Wine is locked there; one that is missing would fail on the target."""
    distributions = packages_distributions()
    needed = {
        canonicalize_name(distributions[name][0])
        for path in (ROOT / "bootstrap").rglob("*.py")
        for name in imported(path)
        if name in distributions and name not in {"bootstrap", "builder"}
    }
    locked = {
        wheel.name for wheel in load_lock(lock_path(FREEZER_PATH, "freezer", "win_amd64")).wheels
    }
    # Those that only the probes import belong to the stack and not to the installer.
    assert needed
    assert needed <= locked


def imported(path: Path) -> set[str]:
    if path.parent.name == "probes":
        return set()
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}
