"""Installers with PyInstaller's real bootloader for Windows, signed for real."""

import shutil
import subprocess
import sys
import zipfile
from datetime import date
from importlib import metadata
from pathlib import Path

import pytest
from PyInstaller.archive.readers import CArchiveReader

from bootstrap.bundle import pe
from bootstrap.bundle.reader import BundleReader
from builder import pipeline
from builder.errors import DamagedBundleError, ReportedError, UnfitHostError, UsageError
from builder.facts import load_facts
from builder.fetch import Cache
from builder.pack.authenticode import PASSWORD_VARIABLE, require_signing, sign
from builder.pack.compose import compose
from builder.pack.contents import Contents
from builder.pack.proof import prove
from builder.progress import Progress
from builder.publish import Draft
from builder.targets import TARGETS
from tests.support.authenticode import PASSWORD, is_valid, make_key
from tests.support.building import arguments, finished
from tests.support.commands import run_builder
from tests.support.debian import require_debian
from tests.support.small_stack import SmallBundle, small_manifest
from tests.support.tiny_contents import tiny_contents

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="osslsigncode is for other platforms"),
]

WINDOWS = TARGETS["win_amd64"]
FILES = {"demo/__init__.py": b"x = 1\n", "demo/data.bin": bytes(range(256)) * 900}


@pytest.fixture(scope="module")
def bootloader(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """``run.exe`` out of PyInstaller's wheel for Windows."""
    folder = tmp_path_factory.mktemp("pyinstaller")
    wanted = f"pyinstaller=={metadata.version('pyinstaller')}"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder),
            *("--platform", "win_amd64", "--only-binary", ":all:", wanted),
        ],
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("PyInstaller/bootloader/Windows-64bit-intel/run.exe")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("key"))


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)


def contents_of(folder: Path, bootloader: bytes, volume_size: int | None = None) -> Contents:
    (folder / "parts").mkdir(exist_ok=True)
    return tiny_contents(
        folder / "parts", FILES, target="win_amd64", program=bootloader, volume_size=volume_size
    )


@pytest.fixture
def installer(tmp_path: Path, bootloader: bytes) -> Path:
    path = tmp_path / "demo.exe"
    compose(contents_of(tmp_path, bootloader), path, Progress())
    return path


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_signed_installer_is_the_same_bundle(installer: Path, key: Path) -> None:
    unsigned, size = prove(installer, Progress()), installer.stat().st_size
    assert not is_valid(installer, key)
    sign(installer, key)
    assert is_valid(installer, key)
    signed = prove(installer, Progress())
    assert signed[0] == unsigned[0]
    assert signed[1] != unsigned[1]
    assert installer.stat().st_size > size
    assert [path.name for path in installer.parent.glob("*.signed")] == []
    # As the bootloader does, PyInstaller's reader looks for the PKG from the end on.
    assert CArchiveReader(str(installer)).toc == {}


def test_7zip_looks_inside_before_and_after(installer: Path, key: Path) -> None:
    require_debian("7zip")
    assert "wheels/demo-1.0-py3-none-any.whl" in listed_by_7zip(installer)
    sign(installer, key)
    assert "wheels/demo-1.0-py3-none-any.whl" in listed_by_7zip(installer)


def listed_by_7zip(path: Path) -> str:
    done = subprocess.run(["7zz", "l", path], capture_output=True, text=True, check=False)
    # 1: it warns of what lies behind the archive.
    assert done.returncode in (0, 1), done.stdout
    return done.stdout


def test_a_changed_payload_is_noticed_by_both(installer: Path, key: Path) -> None:
    sign(installer, key)
    reader = BundleReader.open(installer)
    entry = reader.index.wheels[0].entry
    flip(installer, reader.payload_offset + entry.offset + 100)
    assert not is_valid(installer, key)
    with pytest.raises(DamagedBundleError, match=r"wheels/demo-\S+ \(at offset"):
        prove(installer, Progress())


def test_a_changed_program_is_noticed_by_both(installer: Path, key: Path) -> None:
    sign(installer, key)
    flip(installer, 5000)
    assert not is_valid(installer, key)
    with pytest.raises(DamagedBundleError, match="the program around the payload is damaged"):
        prove(installer, Progress())


def test_a_changed_signature_is_noticed_by_whoever_checks_signatures(
    installer: Path, key: Path
) -> None:
    sign(installer, key)
    signing = pe.find_signing(installer.read_bytes()[: pe.HEAD_SIZE])
    assert signing is not None
    flip(installer, signing.table_offset + signing.table_size // 2)
    assert not is_valid(installer, key)
    prove(installer, Progress())


@pytest.mark.parametrize("volume_size", [None, 70_000])
def test_the_build_signs_before_it_proves(
    tmp_path: Path, bootloader: bytes, key: Path, volume_size: int | None
) -> None:
    draft = pack(tmp_path, key, contents_of(tmp_path, bootloader, volume_size))
    assert is_valid(draft.path, key)
    index, sha256 = prove(draft.path, Progress())
    assert (index, sha256) == (draft.index, draft.sha256)
    assert len(index.volumes) == (0 if volume_size is None else 1)


def pack(folder: Path, key: Path, contents: Contents) -> Draft:
    """The step of the pipeline; what comes before it takes a whole stack for Windows."""
    (folder / "scratch").mkdir()
    request = pipeline.BuildRequest(
        variants=(contents.lock.variant,),
        target=WINDOWS,
        manifest=folder,
        output=folder,
        cache=Cache(folder),
        offline=True,
        wheel_folders=(),
        runtime="host",
        stub=None,
        jobs=1,
        today=date(2026, 1, 1),
        authenticode=key,
    )
    workshop = pipeline._Workshop(
        request, small_manifest(), load_facts(), folder / "scratch", Progress()
    )
    return workshop._pack(contents)


def test_a_wrong_password_is_known_before_anything_is_packed(
    tmp_path: Path, bootloader: bytes, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong horse")
    contents = contents_of(tmp_path, bootloader)
    monkeypatch.setattr(pipeline, "compose", lambda *_: pytest.fail("it was packed"))
    with pytest.raises(UsageError) as caught:
        pack(tmp_path, key, contents)
    assert "Wrong password?" in caught.value.message
    assert PASSWORD_VARIABLE in caught.value.remedy
    assert "wrong horse" not in said(caught.value)


def said(error: ReportedError) -> str:
    return f"{error.message} {error.remedy}"


def test_what_is_no_key_is_told(installer: Path, key: Path) -> None:
    before = installer.read_bytes()
    with pytest.raises(UsageError, match=r"could not sign demo\.exe with .*ca\.pem"):
        sign(installer, key.with_name("ca.pem"))
    assert installer.read_bytes() == before
    assert [path.name for path in installer.parent.glob("*.signed")] == []


def test_what_is_missing_is_told_at_once(
    key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_signing(key, WINDOWS)
    with pytest.raises(UsageError, match="There is no file"):
        require_signing(tmp_path / "absent.p12", WINDOWS)
    with pytest.raises(UsageError, match="not for linux_x86_64"):
        require_signing(key, TARGETS["linux_x86_64"])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnfitHostError, match="osslsigncode is missing") as caught:
        require_signing(key, WINDOWS)
    assert "Install the package osslsigncode" in caught.value.remedy
    assert caught.value.exit_code == 24
    monkeypatch.delenv(PASSWORD_VARIABLE)
    with pytest.raises(UsageError, match=r"The password of .*key\.p12 is not known"):
        require_signing(key, WINDOWS)


def test_a_linux_build_refuses_it(work: SmallBundle, key: Path) -> None:
    done = run_builder(*arguments(work), "--authenticode", key)
    assert done.returncode == 2
    assert "--authenticode signs programs for Windows" in done.stderr
    assert finished(work.output) == []


def test_the_password_is_on_no_command_line(
    installer: Path, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in osslsigncode's place writes down what it is called with."""
    real, seen = shutil.which("osslsigncode"), tmp_path / "seen"
    spy = tmp_path / "bin" / "osslsigncode"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\necho "$@" > {seen}\nexec {real} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", str(spy.parent), prepend=":")
    sign(installer, key)
    assert "sign -pkcs12" in seen.read_text()
    assert PASSWORD not in seen.read_text()
