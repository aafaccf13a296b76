"""Evidence of a real build is the same in the output folder, in the bundle, on the target."""

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from bootstrap.bundle import layout
from bootstrap.bundle.evidence import inner_path
from bootstrap.bundle.model import Index
from bootstrap.bundle.reader import BundleReader
from builder.errors import DamagedBundleError
from builder.evidence.revision import read_revision
from builder.fetch import Cache
from builder.manifest import load_manifest
from builder.progress import Progress
from builder.stub import freeze_stub, identity_of, read_parts
from builder.stub.parts import frozen_libraries
from builder.targets import TARGETS
from tests.support.commands import run_builder
from tests.support.debian import require_root
from tests.support.small_stack import PINS, TARGET, VARIANT, SmallBundle


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def did(program: Path, *arguments: str | Path) -> str:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_is_the_same_everywhere(small: SmallBundle, index: Index, tmp_path: Path) -> None:
    told = files(small.beside / "evidence")
    reader = BundleReader.open(small.installer)
    assert {str(inner_path(e)): reader.read_entry(e) for e in index.evidence} == told
    listed = did(small.installer, "--list")
    assert "evidence: provenance.json, sbom.cdx.json, " in listed
    did(small.installer, "--extract", tmp_path / "out")
    assert files(tmp_path / "out" / "evidence") == told
    target = tmp_path / "llm"
    did(small.installer, "--target", target, "--silent")
    assert files(target / "evidence") == told
    assert (target / "evidence").readlink() == Path(".venv", "evidence")
    did(small.installer, "--target", target, "--verify", "--deep")
    (target / "evidence" / "provenance.json").write_text("forged")
    done = subprocess.run([small.installer, "--target", target, "--verify"], check=False)
    assert done.returncode == 31
    did(small.installer, "--target", target, "--repair", "--silent")
    assert files(target / "evidence") == told
    did(small.installer, "--target", target, "--uninstall", "--silent")
    assert not target.exists()


@pytest.mark.slow
def test_an_upgrade_shows_the_new_and_a_rollback_the_old(
    small: SmallBundle, newer: SmallBundle, tmp_path: Path
) -> None:
    target = tmp_path / "llm"
    did(small.installer, "--target", target, "--silent")
    did(newer.installer, "--target", target, "--silent", "--keep-previous")
    assert files(target / "evidence") == files(newer.beside / "evidence")
    did(newer.installer, "--target", target, "--silent", "--rollback")
    assert files(target / "evidence") == files(small.beside / "evidence")
    did(newer.installer, "--target", target, "--silent", "--uninstall")
    assert not target.exists()


@pytest.mark.slow
def test_what_it_says(small: SmallBundle, index: Index) -> None:
    folder = small.beside / "evidence"
    text = (folder / "sbom.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    by_ref = {one["bom-ref"]: one for one in bill["components"]}
    for name, version in PINS.items():
        wheel = next(wheel for wheel in index.wheels if wheel.name == name)
        one = by_ref[f"wheel:{name}@{version}"]
        assert one["purl"] == f"pkg:pypi/{name}@{version}"
        assert one["hashes"] == [{"alg": "SHA-256", "content": wheel.sha256}]
        assert one["licenses"]
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert needs["wheel:jinja2@3.1.6"] == ["wheel:markupsafe@3.0.3"]
    runtime = next(one for one in bill["components"] if one["type"] == "platform")
    assert {"pip", "libcrypto.so.3"} <= {one["name"] for one in runtime["components"]}
    assert {"pyinstaller", "msgspec", "cpython"} <= {
        one["name"] for one in by_ref["stub"]["components"]
    }
    listed = (folder / "licenses" / "INVENTORY.txt").read_text(encoding="utf-8")
    for name, version in PINS.items():
        assert f"\n{name} {version}\n    declares  " in listed
    for line in listed.splitlines():
        if line.startswith("    text      ") and "none came along" not in line:
            assert (folder / "licenses" / line.split()[-1]).is_file()
    said = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert {package["index"] for package in said["packages"]} == {"pypi"}
    assert all(package["uploaded"] for package in said["packages"])
    assert "://" not in (folder / "provenance.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_stub_that_is_given_says_the_same_of_itself(small: SmallBundle, tmp_path: Path) -> None:
    manifest = load_manifest(small.manifest)
    stub = freeze_stub(
        TARGETS[TARGET],
        identity_of(manifest, ()),
        work=tmp_path,
        cache=Cache(small.cache),
        offline=True,
        progress=Progress(),
    )
    given = tmp_path / "whatever it is called"
    given.write_bytes(stub.path.read_bytes())
    built = run_builder(
        *("--cuda", VARIANT, "--runtime", "host", "--offline", "--stub", given),
        *("--manifest", small.manifest, "--cache", small.cache, "--output", tmp_path / "dist"),
    )
    assert built.returncode == 0, built.stderr
    # Not the builder's revision: somebody may have committed in between.
    one, other = (
        folder / "evidence" for folder in (small.beside, tmp_path / "dist" / small.beside.name)
    )
    assert files(one / "licenses") == files(other / "licenses")
    bills = [json.loads((folder / "sbom.cdx.json").read_bytes()) for folder in (one, other)]
    assert bills[0]["components"] == bills[1]["components"]
    said = [json.loads((folder / "provenance.json").read_bytes()) for folder in (one, other)]
    assert said[0]["installer-program"] == said[1]["installer-program"]


@pytest.mark.slow
def test_everything_frozen_is_of_a_part_that_is_listed(small: SmallBundle, tmp_path: Path) -> None:
    from importlib.metadata import packages_distributions  # noqa: PLC0415

    from PyInstaller.archive.readers import CArchiveReader  # noqa: PLC0415

    stub = tmp_path / "stub"
    stub.write_bytes(BundleReader.open(small.installer).program())
    archive = zipfile.ZipFile(io.BytesIO(read_parts(stub)))
    infos = {name.partition(".dist-info/")[0] for name in archive.namelist()}
    parts = {info.rpartition("-")[0] for info in infos}
    modules = CArchiveReader(str(stub)).open_embedded_archive("PYZ.pyz").toc
    tops = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names
    owners = packages_distributions()
    unlisted = {
        top
        for top in tops - {"bootstrap"}
        if not top.startswith("_sysconfigdata_")
        and not {canonicalize_name(name) for name in owners.get(top, ())} & parts
    }
    assert not unlisted


def git(folder: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True)


def checkout(folder: Path) -> Path:
    (folder / "builder").mkdir(parents=True)
    (folder / "builder" / "x.py").write_text("x = 1\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "First")
    return folder


def test_a_checkout_says_its_revision(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "house")
    clean = read_revision(folder)
    assert clean is not None
    assert (len(clean.commit), clean.dirty) == (40, False)
    (folder / "notes.txt").write_text("no part of a build")
    assert read_revision(folder) == clean
    (folder / "builder" / "y.py").write_text("y = 2\n")
    changed = read_revision(folder)
    assert changed is not None
    assert (changed.commit, changed.dirty) == (clean.commit, True)


def test_it_is_the_same_whoever_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_root()
    folder = checkout(tmp_path / "house")
    mine = read_revision(folder)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 12345, 12345)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert mine is not None
    assert read_revision(folder) == mine


def test_it_is_the_same_however_git_is_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkout(tmp_path / "house")
    (folder / "builder" / "y.py").write_text("y = 2\n")
    changed = read_revision(folder)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[status]\n showUntrackedFiles = no\n[log]\n showSignature = true\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert changed is not None
    assert changed.dirty
    assert read_revision(folder) == changed


def test_what_is_no_checkout_has_none(tmp_path: Path) -> None:
    assert read_revision(tmp_path) is None
    inner = checkout(tmp_path / "house") / "builder"
    assert read_revision(inner) is None


def test_without_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = checkout(tmp_path / "house")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_revision(folder) is None


def package_with(name: str, stored: bytes) -> bytes:
    """A PKG with one library, whose compressed bytes these are."""
    label = name.encode() + b"\0" * (16 - len(name) % 16)
    row = struct.pack("!IIIIBc", 18 + len(label), 0, len(stored), 100, 1, b"b") + label
    cookie = struct.pack(
        "!8sIIII64s",
        b"MEI\014\013\012\013\016",
        len(stored) + len(row) + layout.COOKIE_SIZE,
        len(stored),
        len(row),
        311,
        b"libpython3.11.so.1.0",
    )
    return stored + row + cookie


def test_a_library_that_cannot_be_unpacked_is_damage(tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.write_bytes(b"\x7fELF" + package_with("libz.so.1", zlib.compress(b"z" * 100)))
    assert dict(frozen_libraries(stub)) == {"libz.so.1": b"z" * 100}
    stub.write_bytes(b"\x7fELF" + package_with("libz.so.1", b"no stream at all"))
    with pytest.raises(DamagedBundleError, match="The PKG of the stub"):
        dict(frozen_libraries(stub))
