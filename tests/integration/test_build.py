"""The real builder on a small stack: what it leaves in the output folder, and how it ends."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from time import sleep

import pytest

from bootstrap.bundle.model import Index, decode_index
from tests.support.building import (
    FINISHED,
    arguments,
    build,
    finished,
    lock_of,
    start_build,
    torch_wheel,
    two_variants,
)
from tests.support.commands import events, run_builder
from tests.support.debian import require_debian
from tests.support.index_server import Indexes, serve
from tests.support.small_stack import (
    PINS,
    TARGET,
    VARIANT,
    SmallBundle,
    small_manifest,
    write_manifest,
)

pytestmark = pytest.mark.slow


def test_the_output_folder(small: SmallBundle) -> None:
    assert finished(small.output) == FINISHED
    assert {path.name for path in small.beside.iterdir()} == {
        *("README.txt", "LICENSES.txt", "python.sh", "shell.sh"),
        *("bundle.json", "summary.txt", "evidence"),
    }
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=small.output,
        capture_output=True,
        text=True,
        check=False,
    )
    count = sum(path.is_file() for path in small.beside.rglob("*"))
    assert (checked.returncode, checked.stdout.count(": OK")) == (0, 1 + count)


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


def transcodes(work: SmallBundle) -> dict[str, int]:
    """What is kept of them: file name to time."""
    kept = (work.cache / "transcoded").rglob("*.whl")
    return {path.name: path.stat().st_mtime_ns for path in kept}


def test_a_second_build_transcodes_nothing(work: SmallBundle) -> None:
    shutil.rmtree(work.cache / "transcoded")
    first = events(run_builder(*arguments(work), "--json").stdout)
    kept = transcodes(work)
    assert len(kept) == len(PINS)
    begun = [e["what"] for e in first if e["event"] == "start"]
    assert f"compress {len(PINS)} wheels" in begun
    again = events(run_builder(*arguments(work), "--json").stdout)
    assert not [e for e in again if e["event"] == "start" and "compress" in e["what"]]
    assert transcodes(work) == kept
    assert again[-1]["sha256"] == first[-1]["sha256"]


def test_transcodes_are_smaller_and_told_as_such(small: SmallBundle, index: Index) -> None:
    assert index.compression == "fast"
    assert index.ratio < 0.98
    line = f"(fast), {index.ratio:.3f} of "
    assert line in (small.beside / "summary.txt").read_text()
    shown = run_builder("inspect", small.installer)
    assert line in shown.stderr
    told = events(run_builder("inspect", small.installer, "--json").stdout)
    assert told[-1]["ratio"] == round(index.ratio, 4)


def test_store_keeps_the_originals(work: SmallBundle) -> None:
    shutil.rmtree(work.cache / "transcoded")
    done = run_builder(*arguments(work), "--compression", "store")
    assert done.returncode == 0, done.stderr
    index = decode_index((work.beside / "bundle.json").read_bytes())
    assert index.compression == "store"
    assert all(wheel.is_original for wheel in index.wheels)
    assert not (work.cache / "transcoded").exists()


def test_a_damaged_transcode_is_told_and_made_anew(small: SmallBundle, work: SmallBundle) -> None:
    rotten = max((work.cache / "transcoded").rglob("*.whl"), key=lambda path: path.stat().st_size)
    data = bytearray(rotten.read_bytes())
    data[len(data) // 2] ^= 1
    rotten.write_bytes(data)
    done = build(work)
    assert done.returncode == 10
    assert "is damaged: its SHA-256 is" in done.stderr
    assert finished(work.output) == []
    assert build(work).returncode == 0
    assert work.installer.read_bytes() == small.installer.read_bytes()


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
    # Either may be the quicker one.
    ended = {first.returncode: errors, second.returncode: second.stderr}
    assert 0 in ended, ended
    assert set(ended) <= {0, 23}
    if 23 in ended:
        assert f"Another build is working in {work.output}" in ended[23]


def test_json_is_one_object_per_line(work: SmallBundle) -> None:
    done = run_builder(*arguments(work), "--json")
    told = events(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert told[-1]["event"] == "result"
    assert told[-1]["path"] == str(work.installer)
    assert [e["name"] for e in told if e["event"] == "phase"][:4] == [
        *("cpu: lock", "cpu: stub", "cpu: fetch", "cpu: police"),
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


def test_torch_from_an_index_as_pytorchs(work: SmallBundle, tmp_path: Path) -> None:
    """Absent there, it is told and the other variant is built; present, both are."""
    wheel = torch_wheel(tmp_path, "cu118", "11.8")
    with serve(Indexes()) as indexes:
        two_variants(work, f"{indexes.address}/html", wheel)
        command = arguments(work, "cu118", VARIANT)
        command.remove("--offline")
        done = run_builder(*command, NO_PROXY="127.0.0.1")
        assert done.returncode == 50, done.stderr
        assert "only one source has published the hash of torch." in done.stderr
        assert f"{wheel.name} (size not stated, SHA-256 " in done.stderr
        assert "127.0.0.1: it says no (403)" in done.stderr
        assert "--wheels DIR" in done.stderr
        assert "1 of 2 variants were not built: cu118." in done.stderr
        assert finished(work.output) == FINISHED
        indexes.files["html"] = {wheel.name: wheel.read_bytes()}
        done = run_builder(*command, NO_PROXY="127.0.0.1")
        assert done.returncode == 0, done.stderr
    assert "SmallStack-cu118.run" in finished(work.output)
    index = decode_index((work.output / f"SmallStack-cu118-{TARGET}/bundle.json").read_bytes())
    (torch,) = (entry for entry in index.wheels if entry.name == "torch")
    assert torch.size == wheel.stat().st_size
    assert index.cuda is not None
    assert (index.cuda.version, index.cuda.minimum_driver) == ("11.8", "450.80.02")


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


def test_a_damaged_stub_in_the_cache_never_gets_into_an_installer(
    small: SmallBundle, work: SmallBundle
) -> None:
    (stub,) = (work.cache / "stubs").glob("*.run")
    data = bytearray(stub.read_bytes())
    data[len(data) // 2] ^= 1
    stub.write_bytes(data)
    assert build(work).returncode == 0
    assert work.installer.read_bytes() == small.installer.read_bytes()
