"""The real builder on a small stack: what it leaves in the output folder, and what it refuses."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import sleep

import pytest
from packaging.utils import NormalizedName
from packaging.version import Version

from bootstrap.bundle.model import decode_index
from builder.lock.model import Lock, LockedWheel, encode_lock, load_lock
from builder.lock.requirements import digest
from builder.manifest import load_manifest
from builder.wheels import read_wheel
from tests.support.commands import ROOT, events, run_builder
from tests.support.debian import require_debian, require_root
from tests.support.index_server import Indexes, serve
from tests.support.small_stack import (
    PINS,
    TAG,
    TARGET,
    VARIANT,
    SmallBundle,
    make_wheel,
    small_manifest,
    write_manifest,
)

pytestmark = pytest.mark.slow

FINISHED = ["SHA256SUMS", f"SmallStack-cpu-{TARGET}", "SmallStack-cpu.run"]


@pytest.fixture
def work(small: SmallBundle, tmp_path: Path) -> SmallBundle:
    """The same manifest, lock, cache and stub, to be spoilt; nothing is built yet."""
    shutil.copytree(small.manifest.parent / "locks", tmp_path / "locks")
    shutil.copytree(small.cache, tmp_path / "cache")
    manifest = tmp_path / small.manifest.name
    shutil.copyfile(small.manifest, manifest)
    return SmallBundle(manifest=manifest, cache=tmp_path / "cache", output=tmp_path / "dist")


def arguments(work: SmallBundle, *variants: str) -> list[str | Path]:
    return [
        *("--cuda", *(variants or [VARIANT]), "--runtime", "host", "--offline"),
        *("--manifest", work.manifest, "--cache", work.cache, "--output", work.output),
    ]


def build(work: SmallBundle, *variants: str) -> "subprocess.CompletedProcess[str]":
    return run_builder(*arguments(work, *variants))


def refused(work: SmallBundle, code: int, *told: str) -> str:
    """Build, and expect this exit code, these words, and nothing in the output folder."""
    done = build(work)
    assert done.returncode == code, done.stderr
    for text in told:
        assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert "→" in done.stderr
    assert finished(work.output) == []
    return done.stderr


def finished(output: Path) -> list[str]:
    """What a user would see there."""
    found = output.iterdir() if output.is_dir() else ()
    return sorted(path.name for path in found if not path.name.startswith("."))


def lock_of(work: SmallBundle) -> Lock:
    return load_lock(work.manifest.parent / "locks" / f"pylock.{VARIANT}-{TARGET}.toml")


def relock(work: SmallBundle, *paths: Path) -> None:
    """Add wheels to the lock and to the cache, as if they had been resolved and fetched."""
    lock = lock_of(work)
    added = []
    for path in paths:
        facts, data = read_wheel(path, path.name), path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        (work.cache / "files" / sha256).write_bytes(data)
        added.append(
            LockedWheel(
                name=facts.name,
                version=facts.version,
                filename=path.name,
                sha256=sha256,
                size=len(data),
            )
        )
    names = {wheel.name for wheel in added}
    kept = [wheel for wheel in lock.wheels if wheel.name not in names]
    lock.path.write_bytes(encode_lock(replace(lock, wheels=(*kept, *added))))


def test_the_output_folder(small: SmallBundle) -> None:
    assert finished(small.output) == FINISHED
    assert {path.name for path in small.beside.iterdir()} == {
        *("README.txt", "LICENSES.txt", "python.sh", "shell.sh"),
        *("bundle.json", "summary.txt"),
    }
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=small.output,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout.count(": OK")) == (0, 7)


def test_the_summary(small: SmallBundle) -> None:
    summary = (small.beside / "summary.txt").read_text()
    size = small.installer.stat().st_size
    for told in (f"installer        {size / 1e6:.1f} MB", "  stub  ", "minimum glibc", "longest"):
        assert told in summary
    assert "GPU and driver   No GPU is needed." in summary
    for name, version in PINS.items():
        assert any(line.split()[1:] == [name, version] for line in summary.splitlines())


def test_the_index_is_what_was_locked(small: SmallBundle) -> None:
    inspected = run_builder("inspect", small.installer)
    assert inspected.stdout.strip() == (small.beside / "bundle.json").read_text().strip()
    index = decode_index((small.beside / "bundle.json").read_bytes())
    lock = lock_of(small)
    assert {(w.name, w.sha256, w.size) for w in index.wheels} == {
        (w.name, w.sha256, w.size) for w in lock.wheels
    }
    assert [group.name for group in index.groups] == ["base", "templates", "tools"]
    assert index.runtime.source == "host"


def test_the_graph_and_the_verdict(small: SmallBundle) -> None:
    place = ("--cuda", VARIANT, "--manifest", small.manifest, "--cache", small.cache)
    why = run_builder("graph", *place, "--why", "markupsafe")
    assert why.returncode == 0
    assert "└── jinja2 [>=2.0]" in why.stdout
    verdict = run_builder("check", *place)
    assert (verdict.returncode, verdict.stderr) == (0, "")
    assert "10 wheels, nothing to object to" in verdict.stdout


def test_a_lock_answers_its_manifest_until_that_changes(work: SmallBundle) -> None:
    check = ("lock", "--check", "--cuda", VARIANT, "--manifest", work.manifest)
    assert run_builder(*check).returncode == 0
    write_manifest(small_manifest(tqdm="4.66.5"), work.manifest.parent)
    done = run_builder(*check)
    assert done.returncode == 2
    assert "tqdm==4.66.5 is wanted, 4.67.1 is locked" in done.stderr


def test_seven_zip_lists_and_tests_it(small: SmallBundle) -> None:
    require_debian("7zip")
    listed = subprocess.run(
        ["7zz", "l", "-slt", small.installer], capture_output=True, text=True, check=False
    )
    assert listed.returncode == 0, listed.stdout
    assert "Path = bundle.json" in listed.stdout
    assert listed.stdout.count("Path = wheels/") == len(PINS)
    assert "Method = Copy" in listed.stdout
    tested = subprocess.run(
        ["7zz", "t", small.installer], capture_output=True, text=True, check=False
    )
    assert "Everything is Ok" in tested.stdout


def test_building_again_gives_the_same_bytes(small: SmallBundle, work: SmallBundle) -> None:
    assert build(work).returncode == 0
    assert work.installer.read_bytes() == small.installer.read_bytes()
    assert (work.output / ".llmsetup-build").exists() is False


def test_a_manifest_with_a_wrong_field(work: SmallBundle) -> None:
    manifest = json.loads(work.manifest.read_text())
    manifest["groups"][1]["packages"][0]["spezifier"] = ">1"
    work.manifest.write_text(json.dumps(manifest))
    refused(work, 2, "$.groups[1].packages[0]", "'spezifier' was unexpected")


def test_a_lock_without_a_hash(work: SmallBundle) -> None:
    lock = lock_of(work)
    text = lock.path.read_text()
    first = lock.wheels[0]
    lock.path.write_text(text.replace(f'sha256 = "{first.sha256}"', ""))
    refused(work, 11, "packages[0].wheels[0].hashes", str(lock.path))


def test_no_lock(work: SmallBundle) -> None:
    lock_of(work).path.unlink()
    refused(work, 2, "There is no lock", f"python -m builder lock --cuda {VARIANT}")


def test_an_unknown_variant(work: SmallBundle) -> None:
    done = build(work, "cu999")
    assert done.returncode == 2
    assert "There is no variant 'cu999'" in done.stderr
    assert f"Choose from: {VARIANT}." in done.stderr


def test_a_blacklisted_package_is_told_with_its_chain(work: SmallBundle, tmp_path: Path) -> None:
    zoo = make_wheel(
        tmp_path, "zoo", "1.0", {"zoo.py": b""}, requires=["torchao>=0.13; os_name=='posix'"]
    )
    click = make_wheel(tmp_path, "click", "8.3.0", {"click.py": b""}, requires=["zoo"])
    torchao = make_wheel(tmp_path, "torchao", "0.18.0", {"torchao/__init__.py": b""})
    relock(work, zoo, click, torchao)
    told = refused(work, 12, "torchao 0.18.0 is blacklisted by rule 'torchao': It breaks imports.")
    assert "click → zoo → torchao>=0.13" in told


def test_a_blacklisted_module_inside_another_wheel(work: SmallBundle, tmp_path: Path) -> None:
    files = {"click.py": b"", "torchao/__init__.py": b""}
    relock(work, make_wheel(tmp_path, "click", "8.3.0", files))
    refused(work, 12, "click-8.3.0-py3-none-any.whl carries the importable module 'torchao'")


def test_an_unmet_requirement(work: SmallBundle, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "click", "8.3.0", {"click.py": b""}, requires=["absent[x]>=2"])
    relock(work, wheel)
    refused(work, 12, "[closure] click needs absent[x]>=2, but the set has none")


def test_a_lock_that_no_longer_answers_is_not_built(work: SmallBundle) -> None:
    write_manifest(small_manifest(tqdm="4.66.5"), work.manifest.parent)
    refused(work, 2, "tqdm==4.66.5 is wanted, 4.67.1 is locked", "python -m builder lock --cuda")


def test_a_wheel_for_another_platform(work: SmallBundle, tmp_path: Path) -> None:
    wheel = make_wheel(
        tmp_path, "click", "8.3.0", {"click.py": b""}, tag=TAG.replace("linux_x86_64", "win_amd64")
    )
    relock(work, wheel)
    refused(work, 12, f"[platform] {wheel.name} does not fit linux_x86_64")


def test_two_wheels_that_own_one_path(work: SmallBundle, tmp_path: Path) -> None:
    relock(work, make_wheel(tmp_path, "click", "8.3.0", {"tqdm/__init__.py": b"mine"}))
    refused(work, 12, "[collision]", "both bring, with different content: tqdm/__init__.py")


def test_two_wheels_that_make_one_script(work: SmallBundle, tmp_path: Path) -> None:
    points = {"click-8.3.0.dist-info/entry_points.txt": b"[console_scripts]\ntqdm = click:tqdm\n"}
    relock(work, make_wheel(tmp_path, "click", "8.3.0", {"click.py": b"", **points}))
    refused(work, 12, "[collision]", "both bring, with different content: ../scripts/tqdm")


def test_all_findings_are_told_at_once(work: SmallBundle, tmp_path: Path) -> None:
    files = {"torchao/__init__.py": b"", "tqdm/__init__.py": b"mine"}
    relock(work, make_wheel(tmp_path, "click", "8.3.0", files, requires=["absent>2"]))
    refused(work, 12, "3 reasons", "[blacklist]", "[closure]", "[collision]")


def test_any_folder_of_wheels_can_be_checked(small: SmallBundle, tmp_path: Path) -> None:
    make_wheel(tmp_path, "torchao", "0.18.0", {"torchao/__init__.py": b""})
    place = ("--cuda", VARIANT, "--manifest", small.manifest)
    done = run_builder("check", *place, "--wheelhouse", tmp_path)
    assert done.returncode == 12
    assert "torchao 0.18.0 is blacklisted" in done.stderr


def test_a_cached_wheel_that_went_bad_is_named_and_fetched_anew(work: SmallBundle) -> None:
    wheel = next(wheel for wheel in lock_of(work).wheels if wheel.name == "tqdm")
    path = work.cache / "files" / wheel.sha256
    for place in (wheel.size // 2, wheel.size - 30):
        good = path.read_bytes()
        bad = bytearray(good)
        bad[place] ^= 1
        path.write_bytes(bad)
        refused(work, 10, f"The cached {wheel.filename} is damaged", "Run the build again")
        assert not path.exists()
        path.write_bytes(good)
    assert build(work).returncode == 0


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    require_root()
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    ("runtimes", "more", "told"),
    [(1.2, 0, "that is not enough"), (2, 20 << 20, " are needed")],
    ids=["for the runtime", "for packing"],
)
def test_a_full_disk(
    small: SmallBundle, work: SmallBundle, full_disk: Path, runtimes: float, more: int, told: str
) -> None:
    """A folder and an archive of the runtime come first, then archive and bundle."""
    index = decode_index((small.beside / "bundle.json").read_bytes())
    size = int(index.runtime.entry.size * runtimes) + more
    subprocess.run(["mount", "-o", f"remount,size={size}", full_disk], check=True)
    crowded = SmallBundle(manifest=work.manifest, cache=work.cache, output=full_disk / "dist")
    refused(crowded, 20, str(full_disk), told, "choose another folder with --output")
    assert [path.name for path in crowded.output.iterdir()] == [".llmsetup-build.lock"]


def test_a_disk_that_becomes_full_while_packing(small: SmallBundle, work: SmallBundle) -> None:
    limit = small.installer.stat().st_size - 100_000
    done = subprocess.run(
        ["prlimit", f"--fsize={limit}", sys.executable, "-m", "builder", *arguments(work)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 20, done.stderr
    assert "── cpu: pack" in done.stderr
    assert [path.name for path in work.output.iterdir()] == [".llmsetup-build.lock"]


def test_an_output_folder_that_cannot_be_written(work: SmallBundle, full_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", full_disk], check=True)
    closed = SmallBundle(manifest=work.manifest, cache=work.cache, output=full_disk / "dist")
    refused(closed, 21, f"{closed.output} cannot be used: Read-only file system")


def start_build(work: SmallBundle) -> "subprocess.Popen[bytes]":
    """A build that is just packing."""
    process = subprocess.Popen(
        [sys.executable, "-m", "builder", *arguments(work)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if b": pack" in line:
            return process
    raise AssertionError("the build has ended before it packed")


@pytest.mark.parametrize("delay", [0, 0.02, 0.05, 0.1])
def test_a_killed_build_leaves_no_final_name(
    small: SmallBundle, work: SmallBundle, delay: float
) -> None:
    process = start_build(work)
    sleep(delay)
    process.kill()
    process.communicate()
    if process.returncode == 0:
        pytest.skip("it was faster")
    assert finished(work.output) == []
    assert build(work).returncode == 0
    assert work.installer.read_bytes() == small.installer.read_bytes()


def test_an_interrupted_build_cleans_up(work: SmallBundle) -> None:
    process = start_build(work)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert [path.name for path in work.output.iterdir()] == [".llmsetup-build.lock"]


def test_two_builds_in_one_folder(work: SmallBundle) -> None:
    first = start_build(work)
    second = build(work)
    _, errors = first.communicate()
    assert first.returncode == 0, errors
    assert second.returncode in (0, 23)
    if second.returncode == 23:
        assert f"Another build is working in {work.output}" in second.stderr


def test_json_is_one_object_per_line(work: SmallBundle) -> None:
    done = run_builder(*arguments(work), "--json")
    told = events(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert told[-1]["event"] == "result"
    assert told[-1]["path"] == str(work.installer)
    assert [e["name"] for e in told if e["event"] == "phase"][:3] == [
        *("cpu: lock", "cpu: fetch", "cpu: police"),
    ]


def test_wheels_brought_by_hand_are_enough(small: SmallBundle, work: SmallBundle) -> None:
    stick = work.manifest.parent / "stick"
    stick.mkdir()
    for number, path in enumerate((work.cache / "files").iterdir()):
        path.rename(stick / f"download ({number}).whl")
    assert build(work).returncode == 50
    done = run_builder(*arguments(work), "--wheels", stick)
    assert done.returncode == 0, done.stderr
    assert work.installer.read_bytes() == small.installer.read_bytes()


def torch_wheel(folder: Path, local: str, cuda: str | None) -> Path:
    source = f"cuda: str | None = {cuda!r}\n".encode()
    files = {"torch/__init__.py": b"", "torch/version.py": source}
    return make_wheel(folder, "torch", f"2.6.0+{local}", files, tag=TAG)


def two_variants(work: SmallBundle, address: str, wheel: Path) -> None:
    """Torch in both variants: that of cu118 from an index of its own, that of cpu in the cache."""
    manifest = json.loads(work.manifest.read_text())
    manifest["indexes"] = {"pytorch-cu118": address}
    torch = {"order": 90, "name": "torch", "specifier": ""}
    manifest["groups"].append({"name": "torch", "packages": [torch]})
    target = {"pins": {"torch": "2.6.0+cu118"}, "indexes": {"torch": "pytorch-cu118"}}
    manifest["variants"]["cu118"] = {"cuda": "11.8", "targets": {TARGET: target}}
    work.manifest.write_text(json.dumps(manifest))
    own = lock_of(work)
    relock(work, torch_wheel(work.manifest.parent, "cpu", None))
    write_lock(work, lock_of(work), VARIANT)
    added = LockedWheel(
        name=NormalizedName("torch"),
        version=Version("2.6.0+cu118"),
        filename=wheel.name,
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        size=wheel.stat().st_size,
    )
    write_lock(work, replace(own, wheels=(*own.wheels, added)), "cu118")


def write_lock(work: SmallBundle, lock: Lock, variant: str) -> None:
    asked = digest(load_manifest(work.manifest), variant, TARGET)
    path = lock.path.with_name(f"pylock.{variant}-{TARGET}.toml")
    path.write_bytes(encode_lock(replace(lock, variant=variant, requirements_sha256=asked)))


def test_torch_from_an_index_as_pytorchs(work: SmallBundle, tmp_path: Path) -> None:
    """Absent there, it is told and the other variant is built; present, both are."""
    wheel = torch_wheel(tmp_path, "cu118", "11.8")
    size = wheel.stat().st_size
    with serve(Indexes()) as indexes:
        two_variants(work, f"{indexes.address}/html", wheel)
        command = arguments(work, "cu118", VARIANT)
        command.remove("--offline")
        done = run_builder(*command, NO_PROXY="127.0.0.1")
        assert done.returncode == 50, done.stderr
        assert f"{wheel.name} ({size:,} bytes, SHA-256 " in done.stderr
        assert "127.0.0.1: it says no (403)" in done.stderr
        assert "--wheels DIR" in done.stderr
        assert "1 of 2 variants were not built: cu118." in done.stderr
        assert finished(work.output) == FINISHED
        indexes.files["html"] = {wheel.name: wheel.read_bytes()}
        done = run_builder(*command, NO_PROXY="127.0.0.1")
        assert done.returncode == 0, done.stderr
    assert "SmallStack-cu118.run" in finished(work.output)
    index = decode_index((work.output / f"SmallStack-cu118-{TARGET}/bundle.json").read_bytes())
    assert index.cuda is not None
    assert (index.cuda.version, index.cuda.minimum_driver) == ("11.8", "450.80.02")


def test_a_torch_of_another_cuda(work: SmallBundle, tmp_path: Path) -> None:
    wheel = torch_wheel(tmp_path, "cu118", None)
    two_variants(work, "https://wheels.invalid/whl", wheel)
    content = wheel.read_bytes()
    (work.cache / "files" / hashlib.sha256(content).hexdigest()).write_bytes(content)
    done = build(work, "cu118")
    assert done.returncode == 12
    assert "was built with CUDA none (torch/version.py), the variant needs 11.8" in done.stderr


def test_what_is_missing_is_said_before_anything_is_fetched(work: SmallBundle) -> None:
    shutil.rmtree(work.cache)
    done = run_builder(*arguments(work), "--stub", work.manifest)
    assert done.returncode == 12
    assert "is no program for linux_x86_64" in done.stderr
    windows = run_builder(*arguments(work), "--target", "win_amd64")
    assert windows.returncode == 2
    assert "fetch" not in done.stderr + windows.stderr


def test_a_file_is_not_a_folder_and_a_folder_no_file(small: SmallBundle, tmp_path: Path) -> None:
    for command in ("inspect", "verify"):
        assert "There is no file" in run_builder(command, tmp_path).stderr
    for path in (tmp_path, tmp_path / "absent" / "stub", Path("/dev/null")):
        done = run_builder("freeze", "--output", path)
        assert done.returncode == 2
        assert f"{path} cannot be the stub's name" in done.stderr
    assert Path("/dev/null").is_char_device()
    done = run_builder(*arguments(small)[:-1], small.installer)
    assert done.returncode == 21
    assert f"{small.installer} cannot be used" in done.stderr


def test_verify_compares_with_the_sums_beside_it(small: SmallBundle, tmp_path: Path) -> None:
    good = run_builder("verify", small.installer)
    assert (good.returncode, "It is what SHA256SUMS says." in good.stdout) == (0, True)
    copy = tmp_path / small.installer.name
    shutil.copyfile(small.installer, copy)
    assert run_builder("verify", copy).returncode == 0
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  {copy.name}\n")
    done = run_builder("verify", copy)
    assert done.returncode == 10
    assert "is intact in itself, but has SHA-256" in done.stderr


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (["bogus"], 2, "There is no command 'bogus'"),
        (["--bogus"], 2, "arguments are required: --cuda"),
        (["--cuda", "cpu", "--jobs", "x"], 2, "must be a number, 1 or more"),
        (["--cuda", "cpu", "--cache", "README.md"], 21, "cannot be used: Not a directory"),
        (["--cuda", "cpu", "--output", "/proc/nowhere"], 21, "/proc/nowhere cannot be used"),
        (["freeze", "--output", "README.md"], 2, "README.md is there, and is no stub"),
    ],
)
def test_slips_of_the_pen(work: SmallBundle, command: list[str], code: int, told: str) -> None:
    place = [] if command[0] in ("freeze", "bogus") else ["--manifest", str(work.manifest)]
    done = run_builder(*command, *place)
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    as_json = events(run_builder(*command, *place, "--json").stdout)[-1]
    assert (as_json["event"], as_json["exit_code"]) == ("error", code)


def test_a_damaged_stub_in_the_cache_never_gets_into_an_installer(
    small: SmallBundle, work: SmallBundle
) -> None:
    (stub,) = (work.cache / "stubs").glob("*.run")
    data = bytearray(stub.read_bytes())
    data[len(data) // 2] ^= 1
    stub.write_bytes(data)
    assert build(work).returncode == 0
    assert work.installer.read_bytes() == small.installer.read_bytes()


def test_damage_is_found_wherever_it_is(small: SmallBundle, tmp_path: Path) -> None:
    index = decode_index((small.beside / "bundle.json").read_bytes())
    data = small.installer.read_bytes()
    payload = data.index(b"7z\xbc\xaf\x27\x1c")
    bad = tmp_path / "bad.run"
    for place in (5000, payload + 10, len(data) - 3000):
        bad.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        done = run_builder("verify", bad)
        assert done.returncode == 10
        assert "the program around the payload is damaged" in done.stderr
    for entry in (index.wheels[0].entry, index.runtime.entry, index.documents[0]):
        place = payload + entry.offset + entry.size // 2
        bad.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        done = run_builder("verify", bad)
        assert done.returncode == 10
        assert f"{entry.name} (at offset {payload + entry.offset}, " in done.stderr


def test_what_was_cut_off_is_not_a_bundle(small: SmallBundle, tmp_path: Path) -> None:
    short = tmp_path / "short.run"
    size = small.installer.stat().st_size
    shutil.copyfile(small.installer, short)
    for left in (size - 1, size // 2, 100, 0):
        os.truncate(short, left)
        done = run_builder("verify", short)
        assert done.returncode == 10
        assert "it is cut off" in done.stderr


def test_a_stub_is_frozen_once_and_reused(
    small: SmallBundle, work: SmallBundle, tmp_path: Path
) -> None:
    stub = tmp_path / "stub.run"
    made = run_builder("freeze", "--cache", work.cache, "--output", stub)
    assert made.returncode == 0, made.stderr
    shutil.rmtree(work.cache / "stubs")
    done = run_builder(*arguments(work), "--stub", stub)
    assert done.returncode == 0, done.stderr
    assert work.installer.read_bytes() == small.installer.read_bytes()
    assert not (work.cache / "stubs").exists()
    again = run_builder(*arguments(work), "--stub", work.installer)
    assert again.returncode == 12
    assert "is a finished installer and not a stub" in again.stderr
