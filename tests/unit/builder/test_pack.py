"""Composing, proving and publishing by the real code, on contents of some kilobytes."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from bootstrap.bundle import pe
from bootstrap.bundle.model import Index
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.signature import INDEX_NAMESPACE
from builder.errors import DamagedBundleError, NoSpaceError, NotWritableError, UsageError
from builder.fetch import hash_file
from builder.pack import compose as composing
from builder.pack import contents as limits
from builder.pack.compose import compose
from builder.pack.contents import Contents
from builder.pack.proof import prove
from builder.progress import Progress
from builder.publish import Bundle, Draft, publish, require_free_names, workplace
from builder.signing import read_armored
from builder.wheels import StoredWheel
from tests.support.signing import new_signer, signature_place
from tests.support.small_stack import make_wheel
from tests.support.tiny_contents import tiny_contents
from tests.support.tiny_pe import append_signature, tiny_pe
from tests.support.transcoding import transcoded

FILES = {"demo/noise.bin": random.Random(1).randbytes(400_000), "demo/__init__.py": b""}  # noqa: S311
VOLUMES = [f"SmallStack-cpu.7z.00{number}" for number in (1, 2, 3, 4, 5)]


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    return tmp_path / "parts"


def build(contents: Contents, output: Path) -> Bundle:
    with workplace(output) as scratch:
        require_free_names(contents, output)
        path = scratch / f"{contents.installer_name}.part"
        compose(contents, path, Progress())
        index, sha256 = prove(path, Progress())
        draft = Draft(path=path, index=index, sha256=sha256, contents=contents)
        return publish(draft, output, {"pack": 1.0}, Progress())


def test_a_signed_bundle_differs_in_its_signature_only(parts: Path, tmp_path: Path) -> None:
    contents = tiny_contents(parts, FILES)
    signer = new_signer(tmp_path)
    unsigned, signed = tmp_path / "unsigned", tmp_path / "signed"
    for path, by in ((unsigned, None), (signed, signer)):
        compose(replace(contents, signer=by), path, Progress())
        prove(path, Progress())
    place = signature_place(signed)
    before, after = unsigned.read_bytes(), signed.read_bytes()
    assert before[: place.start] == after[: place.start]
    assert before[place.stop :] == after[place.stop :]
    assert BundleReader.open(signed).signature == signer.sign(
        BundleReader.open(unsigned).index_bytes, INDEX_NAMESPACE
    )
    assert BundleReader.open(unsigned).signature is None


def test_signatures_lie_beside_the_bundle_and_go_with_it(parts: Path, tmp_path: Path) -> None:
    signer, output = new_signer(tmp_path), tmp_path / "dist"
    made = build(replace(tiny_contents(parts, FILES), signer=signer), output)
    beside = output / f"{made.path.stem}-linux_x86_64"
    signature = read_armored((beside / "bundle.json.sig").read_bytes(), INDEX_NAMESPACE)
    assert signature == BundleReader.open(made.path).signature
    assert f"{beside.name}/bundle.json.sig" in sums(output)
    build(tiny_contents(parts, FILES), output)
    assert not (beside / "bundle.json.sig").exists()
    assert not (output / "SHA256SUMS.sig").exists()
    assert f"{beside.name}/bundle.json.sig" not in sums(output)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def sums(output: Path) -> dict[str, str]:
    lines = (output / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def stored_as_transcoded(parts: Path) -> StoredWheel:
    wheel = make_wheel(parts, "demo", "1.0", FILES)
    path = transcoded(wheel, parts / "transcoded")
    return StoredWheel(path=path, sha256=hash_file(path))


def test_a_transcoded_wheel_is_packed_and_told(parts: Path, tmp_path: Path) -> None:
    stored = stored_as_transcoded(parts)
    contents = tiny_contents(parts, FILES, stored=stored)
    made = build(contents, tmp_path / "dist")
    reader = BundleReader.open(made.path)
    (wheel,) = reader.index.wheels
    original = parts / wheel.filename
    assert reader.index.compression == "fast"
    assert reader.read_entry(wheel.entry) == stored.path.read_bytes()
    assert (wheel.size, wheel.sha256) == (original.stat().st_size, hash_file(original))
    assert not wheel.is_original
    assert reader.index.ratio == stored.path.stat().st_size / original.stat().st_size
    assert f"(fast), {reader.index.ratio:.3f} of " in made.summary


def test_a_transcoded_wheel_that_went_bad_is_not_packed(parts: Path, tmp_path: Path) -> None:
    stored = stored_as_transcoded(parts)
    contents = tiny_contents(parts, FILES, stored=stored)
    flip(stored.path, 200)
    with pytest.raises(DamagedBundleError, match=r"The cached demo-1\.0\S+ is damaged"):
        build(contents, tmp_path / "dist")
    assert not stored.path.exists()
    assert names(tmp_path / "dist") == []


def test_members_lie_in_the_order_of_installing(parts: Path, tmp_path: Path) -> None:
    index = build(tiny_contents(parts, FILES), tmp_path / "dist").index
    offsets = [entry.offset for entry in index.entries]
    assert [entry.name.partition("/")[0] for entry in index.entries] == [
        *("docs", "evidence", "runtime", "wheels")
    ]
    assert offsets == sorted(offsets)


@pytest.mark.parametrize("volume_size", [None, 100_000, 10_000_000])
def test_what_is_packed_can_be_read(parts: Path, tmp_path: Path, volume_size: int | None) -> None:
    contents = tiny_contents(parts, FILES, volume_size=volume_size)
    made = build(contents, tmp_path / "dist")
    reader = BundleReader.open(made.path)
    reader.require_volumes()
    wheel = reader.index.wheels[0]
    assert reader.read_entry(wheel.entry) == (parts / wheel.filename).read_bytes()
    assert reader.read_entry(reader.index.documents[0]) == b"read me\n"
    assert len(reader.index.volumes) == {None: 0, 100_000: 5, 10_000_000: 1}[volume_size]
    assert made.size == made.path.stat().st_size
    assert (made.size < 20_000) == bool(volume_size)


def test_volumes_are_in_the_folder_and_in_the_sums(parts: Path, tmp_path: Path) -> None:
    output = tmp_path / "dist"
    made = build(tiny_contents(parts, FILES, volume_size=100_000), output)
    assert names(output) == [
        *("SHA256SUMS", "SmallStack-cpu-linux_x86_64"),
        *(*VOLUMES, "SmallStack-cpu.run"),
    ]
    stated = sums(output)
    assert {volume.name: volume.sha256 for volume in made.index.volumes}.items() <= stated.items()
    assert "5 files: SmallStack-cpu.7z.001 to SmallStack-cpu.7z.005" in made.summary


@pytest.mark.parametrize("earlier", [None, 70_000])
def test_what_cannot_be_placed_brings_the_earlier_bundle_back(
    parts: Path, tmp_path: Path, earlier: int | None
) -> None:
    output = tmp_path / "dist"
    build(tiny_contents(parts, FILES, volume_size=earlier), output)
    (output / "SmallStack-cpu.7z.999").touch()
    before = {name: (output / name).read_bytes() for name in names(output) if "cpu." in name}
    # A folder in the way of a volume of the new one.
    (output / "SmallStack-cpu.7z.009").mkdir()
    (output / "SmallStack-cpu.7z.009" / "inside").touch()
    with pytest.raises(NotWritableError):
        build(tiny_contents(parts, FILES, volume_size=45_000), output)
    assert {name: (output / name).read_bytes() for name in before} == before
    assert BundleReader.open(output / "SmallStack-cpu.run")


def test_volumes_of_an_earlier_build_go(parts: Path, tmp_path: Path) -> None:
    output = tmp_path / "dist"
    build(tiny_contents(parts, FILES, volume_size=70_000), output)
    assert len([name for name in names(output) if ".7z." in name]) == 6
    build(tiny_contents(parts, FILES, volume_size=100_000), output)
    assert [name for name in names(output) if ".7z." in name] == VOLUMES
    assert {name for name in sums(output) if ".7z." in name} == set(VOLUMES)
    build(tiny_contents(parts, FILES), output)
    assert not [name for name in (*names(output), *sums(output)) if ".7z." in name]


def windows(parts: Path, volume_size: int | None = None) -> Contents:
    return tiny_contents(
        parts, FILES, volume_size=volume_size, target="win_amd64", program=tiny_pe()
    )


def test_volumes_of_another_platform_stay(parts: Path, tmp_path: Path) -> None:
    output = tmp_path / "dist"
    build(tiny_contents(parts, FILES, volume_size=100_000), output)
    with pytest.raises(UsageError, match=r"SmallStack-cpu\.run has volumes of the same names"):
        build(windows(parts, volume_size=100_000), output)
    build(windows(parts), output)
    assert [name for name in names(output) if ".7z." in name] == VOLUMES
    prove(output / "SmallStack-cpu.run", Progress())
    prove(output / "SmallStack-cpu.exe", Progress())


def test_what_is_too_large_for_one_file_gets_volumes(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = tiny_contents(parts, FILES)
    assert contents.volume_size is None
    monkeypatch.setattr(limits, "LARGEST_FILE", 300_000)
    assert contents.volume_size == 300_000
    made = build(contents, tmp_path / "dist")
    assert made.index.volumes[0].size == 300_000
    assert len(made.index.volumes) == 2


def test_the_content_is_the_same_in_volumes(parts: Path, tmp_path: Path) -> None:
    one = build(tiny_contents(parts, FILES), tmp_path / "one").index
    two = build(tiny_contents(parts, FILES, volume_size=100_000), tmp_path / "two").index
    assert one.bundle_id == two.bundle_id
    assert one.entries == two.entries


def test_a_signed_program_is_proved_as_the_unsigned_one(parts: Path, tmp_path: Path) -> None:
    path = tmp_path / "demo.exe"
    compose(windows(parts), path, Progress())
    index, sha256 = prove(path, Progress())
    append_signature(path)
    assert prove(path, Progress())[0] == index
    assert prove(path, Progress())[1] != sha256


@pytest.mark.parametrize("volume_size", [None, 100_000])
def test_the_program_alone_is_the_stub_again_signed_or_not(
    parts: Path, tmp_path: Path, volume_size: int | None
) -> None:
    contents = windows(parts, volume_size)
    path = tmp_path / "demo.exe"
    compose(contents, path, Progress())
    stub = contents.stub.path.read_bytes()
    expected = bytearray(stub)
    signing = pe.find_signing(stub)
    assert signing is not None
    for offset, size in signing.header_places:
        expected[offset : offset + size] = bytes(size)
    assert BundleReader.open(path).program() == expected
    append_signature(path)
    assert BundleReader.open(path).program() == expected


def spoil_rename(monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.replace

    def fail_at_third(self: Path, target: Path) -> Path:
        if self.name.endswith(".003"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fail_at_third)


def test_an_interrupted_end_leaves_no_final_name(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "dist"
    contents = tiny_contents(parts, FILES, volume_size=100_000)
    spoil_rename(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        build(contents, output)
    assert not [path for path in output.rglob("*") if ".7z." in path.name or path.suffix == ".run"]


def no_room(*_: object) -> NoReturn:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["describe_volumes", "_hash_rest"])
def test_a_full_disk_leaves_nothing(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(composing, step, no_room)
    (tmp_path / "scratch").mkdir()
    path = tmp_path / "scratch" / "demo.run.part"
    with pytest.raises(NoSpaceError, match="are needed"):
        compose(tiny_contents(parts, FILES, volume_size=100_000), path, Progress())
    assert list((tmp_path / "scratch").iterdir()) == []


def middle_of(index: Index, name: str) -> int:
    entry = next(entry for entry in index.entries if entry.name.startswith(name))
    return entry.offset + entry.size // 2


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda p: flip(p, p.stat().st_size - 100), "the program around the payload"),
        (lambda p: flip(p.with_name(VOLUMES[1]), 90_000), r"volume 2 of 5 \(\S+\) is damaged\."),
        (lambda p: flip(p.with_name(VOLUMES[0]), 20), "volume 1 of 5"),
        (lambda p: p.with_name(VOLUMES[4]).unlink(), r"volume 5 of 5 \(\S+\) is missing"),
    ],
)
def test_proof_fails_where_a_byte_is_wrong(
    parts: Path, tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    made = build(tiny_contents(parts, FILES, volume_size=100_000), tmp_path / "dist")
    spoil(made.path)
    with pytest.raises(DamagedBundleError, match=told):
        prove(made.path, Progress())


@pytest.mark.parametrize("name", ["wheels/", "runtime/", "docs/"])
def test_proof_names_the_member_in_a_single_file(parts: Path, tmp_path: Path, name: str) -> None:
    made = build(tiny_contents(parts, FILES), tmp_path / "dist")
    start = BundleReader.open(made.path).payload_offset
    flip(made.path, start + middle_of(made.index, name))
    with pytest.raises(DamagedBundleError, match=rf"{name}\S+ \(at offset"):
        prove(made.path, Progress())


def test_a_failed_publication_leaves_the_earlier_bundle_and_its_evidence(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "dist"
    made = build(tiny_contents(parts, FILES), output)
    sbom = output / "SmallStack-cpu-linux_x86_64" / "evidence" / "sbom.cdx.json"
    assert sums(output)[sbom.relative_to(output).as_posix()] == hash_file(sbom)
    bundle, earlier = hash_file(made.path), sbom.read_bytes()
    contents = tiny_contents(parts, FILES)
    contents.evidence["sbom.cdx.json"].write_bytes(b"another\n")
    replace = Path.replace

    def refuse(self: Path, to: Path) -> Path:
        if to == made.path:
            raise PermissionError(13, "no", str(to))
        return replace(self, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(NotWritableError):
            build(contents, output)
    assert (hash_file(made.path), sbom.read_bytes()) == (bundle, earlier)
    contents = tiny_contents(parts, FILES)
    contents.evidence["sbom.cdx.json"].write_bytes(b"another\n")
    build(contents, output)
    assert sbom.read_bytes() == b"another\n"
