"""Bad input to the builder: a sentence, a code, and no bundle."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.bundle.model import decode_index
from tests.support.building import (
    arguments,
    build,
    lock_of,
    refused,
    relock,
    torch_wheel,
    two_variants,
)
from tests.support.commands import ROOT, events, run_builder
from tests.support.small_stack import (
    TAG,
    VARIANT,
    SmallBundle,
    make_wheel,
    small_manifest,
    write_manifest,
)

pytestmark = pytest.mark.slow


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


def test_a_lock_that_no_longer_answers_is_not_built(work: SmallBundle) -> None:
    write_manifest(small_manifest(tqdm="4.66.5"), work.manifest.parent)
    refused(work, 2, "tqdm==4.66.5 is wanted, 4.67.1 is locked", "python -m builder lock --cuda")


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


def test_a_torch_of_another_cuda(work: SmallBundle, tmp_path: Path) -> None:
    wheel = torch_wheel(tmp_path, "cu118", None)
    two_variants(work, "https://wheels.invalid/whl", wheel)
    content = wheel.read_bytes()
    (work.cache / "files" / hashlib.sha256(content).hexdigest()).write_bytes(content)
    done = build(work, "cu118")
    assert done.returncode == 12
    assert "was built with CUDA none (torch/version.py), the variant needs 11.8" in done.stderr


def test_a_cached_wheel_that_went_bad_is_named_and_fetched_anew(work: SmallBundle) -> None:
    # What was made of it when it was good would be good still.
    shutil.rmtree(work.cache / "transcoded")
    wheel = next(wheel for wheel in lock_of(work).wheels if wheel.name == "tqdm")
    path = work.cache / "files" / wheel.sha256
    good = path.read_bytes()
    for place in (len(good) // 2, len(good) - 30):
        bad = bytearray(good)
        bad[place] ^= 1
        path.write_bytes(bad)
        refused(work, 10, f"The cached {wheel.filename} is damaged", "Run the build again")
        assert not path.exists()
        path.write_bytes(good)
    assert build(work).returncode == 0


@pytest.mark.parametrize(
    ("bundles", "more", "told"),
    [(0, 5 << 20, "that is not enough"), (1, 31 << 20, " are needed")],
    ids=["for the runtime", "for packing"],
)
def test_a_full_disk(
    small: SmallBundle, work: SmallBundle, full_disk: Path, bundles: int, more: int, told: str
) -> None:
    """The runtime's folder and archive come first; then that archive, the bundle and 32 MiB."""
    runtime = decode_index((small.beside / "bundle.json").read_bytes()).runtime
    size = runtime.entry.size + bundles * small.installer.stat().st_size + more
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
