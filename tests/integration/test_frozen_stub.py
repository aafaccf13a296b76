"""The stub is really frozen and run."""

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PyInstaller.archive.readers import CArchiveReader

from bootstrap.bundle.keys import TRUSTED_KEYS
from builder.errors import DamagedBundleError, RefusedContentError, UnfitHostError
from builder.fetch import Cache
from builder.progress import Progress
from builder.stub import Identity, Stub, freeze_stub, open_stub, require_freezing
from builder.stub.linux import bootloader
from builder.stub.model import _require_trust
from builder.targets import TARGETS, host_target
from tests.support.commands import run_in
from tests.support.signing import new_signer
from tests.support.tiny_contents import tiny_contents

ROOT = Path(__file__).parents[2]
IDENTITY = Identity(product="LLMSetup", version="1.0", company="Example")
LINUX = TARGETS["linux_x86_64"]
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

pytestmark = pytest.mark.skipif(host_target() is not LINUX, reason="this is not linux_x86_64")


def freeze(work: Path, cache: Path) -> Stub:
    return freeze_stub(
        LINUX,
        IDENTITY,
        work=work,
        cache=Cache(cache),
        offline=True,
        progress=Progress(),
    )


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Stub:
    folder = tmp_path_factory.mktemp("frozen")
    made = freeze(folder, folder / "cache")
    assert [path.name for path in folder.iterdir()] == ["cache"]
    return made


def test_the_stub_starts_without_any_environment(frozen: Stub) -> None:
    said = run_in([frozen.path, "--help"])
    assert said.returncode == 0, said.stderr
    assert "--check-media" in said.stdout


def test_the_stub_is_the_untouched_bootloader_and_a_pkg(frozen: Stub) -> None:
    before_pkg = frozen.path.read_bytes()[: frozen.bootloader_size]
    assert before_pkg == bootloader().read_bytes()
    assert open_stub(frozen.path, LINUX) == frozen
    assert frozen.minimum_glibc


def test_a_payload_fits_between_bootloader_and_pkg(frozen: Stub, tmp_path: Path) -> None:
    data = frozen.path.read_bytes()
    bundle = tmp_path / "bundle.run"
    payload = os.urandom(3_000_001)
    bundle.write_bytes(data[: frozen.bootloader_size] + payload + data[frozen.bootloader_size :])
    bundle.chmod(0o755)
    assert run_in([bundle, "--help"]).returncode == 0


def test_what_is_frozen(frozen: Stub) -> None:
    package = CArchiveReader(str(frozen.path))
    data = {name for name, (*_, kind) in package.toc.items() if kind == "x"}
    probes = {f"bootstrap/probes/{path.name}" for path in (ROOT / "bootstrap/probes").glob("*.py")}
    assert probes
    assert {name for name in data if name.startswith("bootstrap")} == probes | {TRUSTED_KEYS}
    assert package.extract(TRUSTED_KEYS) == b""
    modules = set(package.open_embedded_archive("PYZ.pyz").toc)
    assert "bootstrap.session" in modules
    strange = {"builder", "tkinter", "ssl", "uv", "matplotlib", "PIL", "cryptography", "cffi"}
    assert not {name.partition(".")[0] for name in modules} & strange
    assert frozen.path.stat().st_size < 16 << 20
    assert not [name for name in modules if name.startswith("bootstrap.probes")]


def test_a_frozen_stub_is_reused(frozen: Stub) -> None:
    before = frozen.path.stat()
    cache = frozen.path.parents[1]
    again = freeze(cache, cache)
    assert again == frozen
    assert frozen.path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_stub_that_trusts_others_than_it_must_is_refused(frozen: Stub, tmp_path: Path) -> None:
    assert open_stub(frozen.path, LINUX, IDENTITY) == frozen
    key = new_signer(tmp_path).key
    with pytest.raises(RefusedContentError, match="trust nobody in particular") as caught:
        open_stub(frozen.path, LINUX, replace(IDENTITY, trusted=(key,)))
    assert str(key) in caught.value.message


def test_a_stub_that_holds_no_list_of_keys_is_refused(tmp_path: Path) -> None:
    """One that was frozen before there were any: nobody knows what it would take."""
    old = tiny_contents(tmp_path, {"demo/__init__.py": b""}).stub.path
    with pytest.raises(RefusedContentError, match="before installers could trust keys") as caught:
        _require_trust(old, IDENTITY)
    assert "builder freeze" in caught.value.remedy


@pytest.mark.slow
def test_a_stub_that_went_bad_in_the_cache_is_frozen_anew(frozen: Stub, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(frozen.path.parents[1], cache)
    cached = cache / "stubs" / frozen.path.name
    os.truncate(cached, 1000)
    made = freeze(tmp_path, cache)
    assert made.path.read_bytes() == frozen.path.read_bytes()


def test_a_damaged_pkg_is_not_taken(frozen: Stub, tmp_path: Path) -> None:
    data = bytearray(frozen.path.read_bytes())
    toc = CArchiveReader(str(frozen.path)).toc
    offset = next(place for name, (place, *_) in toc.items() if name.startswith("libpython"))
    data[frozen.bootloader_size + offset + 100] ^= 0xFF
    (tmp_path / "stub").write_bytes(data)
    with pytest.raises(DamagedBundleError, match=r"PKG of the stub .* is damaged"):
        open_stub(tmp_path / "stub", LINUX)


def test_missing_binutils_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnfitHostError, match="objdump is missing") as caught:
        require_freezing(LINUX)
    assert "binutils" in caught.value.remedy


def test_a_missing_libpython_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # A Python whose shared library PyInstaller would not find: it looks in these places only.
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "import sysconfig, sys\n'
        "from PyInstaller.depend import bindepend\n"
        "sysconfig.get_config_vars().update(Py_ENABLE_SHARED=0)\n"
        "bindepend.compat.base_prefix = '/nowhere'\n"
        'exec(sys.argv[2])" "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(UnfitHostError, match="shared library of this Python") as caught:
        require_freezing(LINUX)
    assert f"libpython{HERE}" in caught.value.remedy
