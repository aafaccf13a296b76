"""Licences and SBOMs out of wheels, the bill of materials, the provenance; without any build."""

import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import NormalizedName
from packaging.version import Version

from builder.errors import UsageError
from builder.evidence.inventory import inventory
from builder.evidence.pieces import Declared, KeptFile, Piece
from builder.evidence.provenance import build_time, encode_provenance, state_provenance
from builder.evidence.revision import Revision
from builder.evidence.sbom import Subject, write_sbom
from builder.evidence.texts import Findings, TextFolder, search
from builder.lock.model import Lock, LockedWheel, encode_lock, load_lock
from builder.stub.parts import is_library
from tests.support.small_stack import make_wheel

INFO = "demo-1.0.dist-info"
TIME = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def kept(tmp_path: Path) -> TextFolder:
    (tmp_path / "evidence").mkdir()
    return TextFolder(tmp_path / "evidence")


def look(folder: Path, kept: TextFolder, files: dict[str, bytes], more: str = "") -> Findings:
    metadata = f"Metadata-Version: 2.4\nName: demo\nVersion: 1.0\n{more}\n".encode()
    path = make_wheel(folder, "demo", "1.0", {f"{INFO}/METADATA": metadata, **files})
    with zipfile.ZipFile(path) as archive:
        return search(archive, INFO, "demo", kept)


def texts(folder: Path, found: Findings) -> set[bytes]:
    return {(folder / "evidence" / text.name).read_bytes() for text in found.texts}


def test_a_wheel_with_two_licences(tmp_path: Path, kept: TextFolder) -> None:
    files = {
        f"{INFO}/licenses/LICENSE.APACHE": b"apache",
        f"{INFO}/licenses/vendored/LICENSE.APACHE": b"another",
        f"{INFO}/License.txt": b"of old",
        f"{INFO}/terms.txt": b"named",
        "NOTICE": b"at the top",
        "demo/COPYING": b"in the package",
        "demo/deeper/LICENSE": b"swallowed",
        "demo/license.py": b"code",
    }
    found = look(
        tmp_path, kept, files, "License-Expression: MIT OR Apache-2.0\nLicense-File: terms.txt"
    )
    assert texts(tmp_path, found) == {
        *(b"apache", b"another", b"of old", b"named", b"at the top", b"in the package"),
    }
    assert str(found.declared) == "MIT OR Apache-2.0 (License-Expression)"
    assert all(text.name.startswith("licenses/demo-") for text in found.texts)


def test_a_wheel_without_any(tmp_path: Path, kept: TextFolder) -> None:
    found = look(tmp_path, kept, {"demo/__init__.py": b""})
    assert (found.texts, str(found.declared)) == ((), "nothing")
    piece = Piece(ref="x", kind="wheel", name="demo", version="1.0", declared=found.declared)
    listed = inventory([piece]).decode()
    assert "Without any text: demo 1.0\n" in listed
    assert "demo 1.0\n    declares  nothing\n    text      none came along\n" in listed


def test_the_same_text_is_stored_once(tmp_path: Path, kept: TextFolder) -> None:
    first = kept.keep("licenses", "a", "x/LICENSE", b"same")
    assert kept.keep("licenses", "b", "COPYING", b"same") == first
    assert kept.keep("licenses", "b", "LICENSE", b"other").name != first.name
    assert len(list((tmp_path / "evidence" / "licenses").iterdir())) == 2


def test_names_are_such_as_every_disk_takes(kept: TextFolder) -> None:
    for path in ("a/LICENSE é:*?.txt", "LICENSE.", "..", "x" * 300, "con", "-"):
        name = kept.keep("licenses", "demo", path, path.encode()).name
        assert name.isascii()
        assert len(name) < 100
        assert not set(name) & set(' :*?"<>|\\')
        assert name[-1].isalnum()


def test_a_text_in_the_field_for_the_name(tmp_path: Path, kept: TextFolder) -> None:
    text = "Permission is granted" + " to all" * 40
    found = look(
        tmp_path,
        kept,
        {},
        f"License: {text}\nClassifier: License :: OSI Approved :: MIT License",
    )
    assert texts(tmp_path, found) == {text.encode()}
    assert found.declared == Declared(classifiers=("MIT License",))


def test_boms_in_wheels_are_kept_as_they_are(tmp_path: Path, kept: TextFolder) -> None:
    found = look(tmp_path, kept, {f"{INFO}/sboms/demo.cdx.json": b'{"x": 1}'})
    (sbom,) = found.sboms
    assert sbom.name.startswith("sboms/demo-")
    assert sbom.name.endswith("-demo.cdx.json")
    assert (tmp_path / "evidence" / sbom.name).read_bytes() == b'{"x": 1}'


SUBJECT = Subject(
    product="P",
    version="1.0",
    variant="cpu",
    target="linux_x86_64",
    company="C",
    builder="0.1",
    built="2026-01-02T03:04:05Z",
    roots=("wheel:p0",),
)


def wheels(count: int) -> list[Piece]:
    return [
        Piece(
            ref=f"wheel:p{n}",
            kind="wheel",
            name=f"p{n}",
            version="1.0+cu124",
            filename=f"p{n}.whl",
            sha256=f"{n:064x}",
            index="pypi",
            declared=[
                Declared(expression="MIT OR Apache-2.0"),
                Declared(license="Dual License, see é"),
                Declared(license="MIT", classifiers=("MIT License",)),
                Declared(classifiers=("BSD License", "MIT License")),
                Declared(),
            ][n % 5],
            sboms=(KeptFile(name="sboms/x.json", sha256="ab" * 32),),
            needs=(f"wheel:p{(n + 1) % count}",),
        )
        for n in range(count)
    ]


def runtime() -> Piece:
    library = Piece(ref="runtime:lib", kind="library", name="libz.so.1", sha256="cd" * 32)
    return Piece(ref="runtime", kind="runtime", name="cpython", version="3.11.7", inside=(library,))


def written(path: Path, subject: Subject, pieces: list[Piece]) -> str:
    write_sbom(path, subject, pieces)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("built", [SUBJECT.built, None])
def test_the_whole_bill_answers_the_schema(tmp_path: Path, built: str | None) -> None:
    text = written(tmp_path / "s", replace(SUBJECT, built=built), [*wheels(120), runtime()])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert bill["metadata"].get("timestamp") == built
    assert len(bill["components"]) == 121
    needs = {one["ref"]: one.get("dependsOn", []) for one in bill["dependencies"]}
    assert needs["wheel:p119"] == ["wheel:p0"]
    assert needs["bundle"] == ["wheel:p0"]
    assert "runtime:lib" in needs
    p0 = next(one for one in bill["components"] if one["name"] == "p0")
    assert p0["purl"] == "pkg:pypi/p0@1.0%2Bcu124"
    assert p0["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    assert p0["hashes"] == [{"alg": "SHA-256", "content": "00" * 32}]
    assert p0["externalReferences"][0]["url"] == "sboms/x.json"


def test_the_same_content_gives_the_same_bill_and_another_one_another(tmp_path: Path) -> None:
    one = written(tmp_path / "1", SUBJECT, wheels(60))
    assert one == written(tmp_path / "2", SUBJECT, wheels(60))
    other = written(tmp_path / "3", SUBJECT, wheels(61))
    assert json.loads(one)["serialNumber"] != json.loads(other)["serialNumber"]


def test_what_does_not_answer_the_schema_is_a_bug(tmp_path: Path) -> None:
    bad = replace(wheels(1)[0], sha256="no hash")
    with pytest.raises(AssertionError, match="does not answer its schema"):
        write_sbom(tmp_path / "s", SUBJECT, [bad])
    with pytest.raises(AssertionError, match="same ref"):
        write_sbom(tmp_path / "s", SUBJECT, wheels(1) * 2)


def lock(folder: Path, uploaded: datetime | None) -> Lock:
    name = NormalizedName("demo")
    made = Lock(
        variant="cpu",
        target="linux_x86_64",
        python="3.11",
        requirements_sha256="",
        wheels=(
            LockedWheel(
                name=name,
                version=Version("1.0"),
                filename="demo-1.0-py3-none-any.whl",
                sha256="ab" * 32,
                size=5,
                uploaded=uploaded,
            ),
        ),
        path=folder / "pylock.cpu-linux_x86_64.toml",
    )
    made.path.write_bytes(encode_lock(made))
    return made


def test_a_lock_says_when_its_wheels_were_uploaded(tmp_path: Path) -> None:
    made = lock(tmp_path, TIME)
    assert b"upload-time = 2026-01-02 03:04:05+00:00" in made.path.read_bytes()
    assert load_lock(made.path) == made


def test_the_build_time_is_never_the_clocks(tmp_path: Path) -> None:
    (wheel,) = lock(tmp_path, TIME).wheels
    clean = Revision(commit="c" * 40, dirty=False, time=datetime(2026, 5, 5, tzinfo=UTC))
    told = {"SOURCE_DATE_EPOCH": "1000000000"}
    assert build_time([wheel], clean, told) == datetime.fromtimestamp(1_000_000_000, UTC)
    assert build_time([wheel], clean, {}) == clean.time
    assert build_time([wheel], replace(clean, dirty=True), {}) == TIME
    assert build_time([wheel], None, {}) == TIME
    assert build_time([replace(wheel, uploaded=None)], None, {}) is None
    with pytest.raises(UsageError, match="not a number of seconds"):
        build_time([wheel], clean, {"SOURCE_DATE_EPOCH": "yesterday"})


def test_provenance_names_index_and_upload_of_each_package(tmp_path: Path) -> None:
    made = lock(tmp_path, TIME)
    manifest = tmp_path / "dependencies.json"
    manifest.write_bytes(b"{}")
    short = state_provenance(made, manifest, None, {})
    assert (short.revision, short.dirty, short.built) == (None, None, "2026-01-02T03:04:05Z")
    said = json.loads(encode_provenance(short, made, {"demo": "pypi"}, runtime(), runtime()))
    assert said["lock"] == {"name": made.path.name, "sha256": short.lock_sha256}
    assert said["packages"] == [
        {
            "name": "demo",
            "version": "1.0",
            "filename": "demo-1.0-py3-none-any.whl",
            "sha256": "ab" * 32,
            "index": "pypi",
            "hash-publishers": None,
            "uploaded": "2026-01-02T03:04:05Z",
            "attestation-sha256": None,
        }
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("libz.so.1", True), ("libpython3.11.so.1.0", True), ("libssl-3.dll", True)),
        *(("_ssl.cpython-311-x86_64-linux-gnu.so", False), ("library.py", False)),
        *(("_ssl.pyd", False), ("liblzma.so", True)),
    ],
)
def test_shared_libraries_are_told_from_modules(name: str, expected: bool) -> None:  # noqa: FBT001
    assert is_library(name) is expected
