"""The small stack in many small volumes: built, listed, installed, and spoilt one by one."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep

import pytest

from bootstrap.bundle.model import Volume, decode_index
from tests.support.building import arguments, finished, start_build
from tests.support.commands import events, fingerprint, run_builder
from tests.support.debian import require_debian
from tests.support.machine import TARGET, TIMEOUT, python
from tests.support.minimal_root import MinimalRoot, open_minimal_root
from tests.support.small_stack import PINS, SmallBundle

pytestmark = pytest.mark.slow

# Ten wheels lie in the first of them, the runtime in the others.
SIZE = 300_000
INSTALLER = "SmallStack-cpu.run"
STICK = f"/media/split/{INSTALLER}"


def build(small: SmallBundle, output: Path, *more: str) -> list[dict[str, object]]:
    made = SmallBundle(manifest=small.manifest, cache=small.cache, output=output)
    done = run_builder(*arguments(made), "--json", "--volume-size", f"{SIZE / 1e6}MB", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return events(done.stdout)


@pytest.fixture(scope="module")
def made(small: SmallBundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder. Look, do not touch."""
    output = tmp_path_factory.mktemp("split") / "dist"
    result = build(small, output)[-1]
    (output.parent / "result.json").write_text(json.dumps(result))
    return output


@pytest.fixture(scope="module")
def volumes(made: Path) -> tuple[Volume, ...]:
    return decode_index((made / "SmallStack-cpu-linux_x86_64/bundle.json").read_bytes()).volumes


@pytest.fixture
def stick(made: Path, tmp_path: Path) -> Path:
    """Installer and volumes, to be replaced, but not to be written to."""
    folder = tmp_path / "stick"
    folder.mkdir()
    for path in made.glob(f"{INSTALLER.removesuffix('.run')}.*"):
        os.link(path, folder / path.name)
    return folder


@pytest.fixture(scope="module")
def machine(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinimalRoot]:
    """One with an installation, from which each fault is tried."""
    with open_minimal_root(tmp_path_factory.mktemp("root")) as opened:
        opened.copy_in(made, "/media/split")
        done = opened.run([STICK, "--target", TARGET, "--silent"], timeout=TIMEOUT)
        assert done.returncode == 0, done.stderr
        yield opened


def test_what_is_made(made: Path, volumes: tuple[Volume, ...]) -> None:
    assert len(volumes) > 50
    names = {volume.name for volume in volumes}
    assert set(finished(made)) == {"SHA256SUMS", "SmallStack-cpu-linux_x86_64", INSTALLER, *names}
    assert {(made / name).stat().st_size for name in sorted(names)[:-1]} == {SIZE}
    assert (made / INSTALLER).stat().st_size < 30_000_000
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=made, check=False
    )
    assert checked.returncode == 0
    result = json.loads((made.parent / "result.json").read_text())
    assert [volume["path"] for volume in result["volumes"]] == [
        str(made / volume.name) for volume in volumes
    ]
    assert [volume["sha256"] for volume in result["volumes"]] == [v.sha256 for v in volumes]
    assert (
        f"{len(volumes)} files: SmallStack-cpu.7z.001 to "
        in result["message"] + (made / "SmallStack-cpu-linux_x86_64/summary.txt").read_text()
    )
    readme = (made / "SmallStack-cpu-linux_x86_64/README.txt").read_text()
    assert "SmallStack-cpu.7z.001, .002 and so on" in readme


def test_seven_zip_lists_the_installer_and_the_first_volume(
    made: Path, volumes: tuple[Volume, ...]
) -> None:
    require_debian("7zip")
    listed = seven_zip("l", "-slt", made / INSTALLER)
    assert "Path = bundle.json" in listed
    assert "Path = wheels/" not in listed
    listed = seven_zip("l", "-slt", made / volumes[0].name)
    assert listed.count("Path = wheels/") == len(PINS)
    assert f"Volumes = {len(volumes)}" in listed
    assert "Everything is Ok" in seven_zip("t", made / volumes[0].name)


def seven_zip(command: str, *more: str | Path) -> str:
    done = subprocess.run(["7zz", command, *more], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_builder_looks_into_them(made: Path, stick: Path, volumes: tuple[Volume, ...]) -> None:
    good = run_builder("verify", made / INSTALLER)
    assert good.returncode == 0, good.stderr
    assert f"in {len(volumes)} volumes and the program. It is not signed. It is what" in good.stdout
    spoil_middle(stick, volumes[6])
    bad = run_builder("verify", stick / INSTALLER)
    assert bad.returncode == 10
    assert f"volume 7 of {len(volumes)} ({volumes[6].name}) is damaged." in bad.stderr
    for path in stick.glob("*.7z.*"):
        path.unlink()
    assert run_builder("verify", stick / INSTALLER).returncode == 10
    inspected = run_builder("inspect", stick / INSTALLER)
    assert inspected.returncode == 0
    assert len(json.loads(inspected.stdout)["volumes"]) == len(volumes)


def test_the_sums_of_volumes_are_compared_too(stick: Path, volumes: tuple[Volume, ...]) -> None:
    (stick / "SHA256SUMS").write_text(f"{'0' * 64}  {volumes[3].name}\n")
    done = run_builder("verify", stick / INSTALLER)
    assert done.returncode == 10
    assert f"{volumes[3].name} is intact in itself, but has SHA-256" in done.stderr


def test_building_again_gives_the_same_bytes(
    small: SmallBundle, made: Path, tmp_path: Path
) -> None:
    build(small, tmp_path / "dist")
    assert (
        fingerprint(tmp_path / "dist").items()
        >= {
            path.name: fingerprint(made)[path.name] for path in made.glob("SmallStack-cpu.*")
        }.items()
    )


@pytest.mark.parametrize("delay", [0, 0.05, 0.2])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_build_that_is_stopped_leaves_no_final_name(
    work: SmallBundle, number: signal.Signals, delay: float
) -> None:
    process = start_build(work, "--volume-size", "300kB")
    sleep(delay)
    process.send_signal(number)
    process.communicate()
    if process.returncode == 0:
        pytest.skip("it was faster")
    assert finished(work.output) == []
    left = {path.name for path in work.output.iterdir()} - {".llmsetup-build.lock"}
    assert left == ({".llmsetup-build"} if number == signal.SIGKILL else set())


def test_it_is_installed_from_its_volumes(
    machine: MinimalRoot, volumes: tuple[Volume, ...]
) -> None:
    assert python(machine, "import jinja2; print(jinja2.__version__)") == PINS["jinja2"]
    media = machine.run([STICK, "--check-media", "--json"], timeout=TIMEOUT)
    assert media.returncode == 0, media.stderr
    assert f"in {len(volumes)} volumes and the program" in events(media.stdout)[-1]["message"]
    done = machine.run([STICK, "--extract", "/opt/wheels"], timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    assert len(list(machine.path("/opt/wheels/wheelhouse").iterdir())) == len(PINS)


def remove(stick: Path, volume: Volume) -> None:
    (stick / volume.name).unlink()


def cut_off(stick: Path, volume: Volume) -> None:
    replace(stick / volume.name, (stick / volume.name).read_bytes()[:-1])


def take_another(stick: Path, volume: Volume) -> None:
    replace(stick / volume.name, bytes(volume.size))


def spoil_middle(stick: Path, volume: Volume) -> None:
    data = bytearray((stick / volume.name).read_bytes())
    data[volume.size // 2] ^= 1
    replace(stick / volume.name, data)


def swap(stick: Path, volume: Volume) -> None:
    first, second = stick / volume.name, stick / volume.name.replace(".004", ".005")
    one, two = first.read_bytes(), second.read_bytes()
    replace(first, two)
    replace(second, one)


def replace(path: Path, data: bytes | bytearray) -> None:
    path.unlink()
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (remove, "is missing"),
        (cut_off, "is cut off (has 299,999 of 300,000 bytes)"),
        (swap, "has the content of volume 5: they were swapped; volume 5 of "),
        (take_another, "begins with other bytes than it should"),
        (spoil_middle, "is damaged"),
    ],
)
def test_a_spoilt_volume_is_named_and_nothing_is_touched(
    machine: MinimalRoot,
    stick: Path,
    volumes: tuple[Volume, ...],
    spoil: Callable[[Path, Volume], None],
    told: str,
) -> None:
    # What is wrong in the middle is heard of only where somebody reads; wheels come last.
    number = len(volumes) - 1 if spoil is spoil_middle else 4
    spoil(stick, volumes[number - 1])
    place = f"/media/{spoil.__name__}"
    machine.copy_in(stick, place)
    before = fingerprint(machine.path(TARGET) / "generations")
    for arguments_ in (
        ["--target", TARGET, "--silent"],
        ["--check-media", "--silent"],
        ["--extract", f"/opt/{spoil.__name__}", "--silent"],
    ):
        done = machine.run([f"{place}/{INSTALLER}", *arguments_], timeout=TIMEOUT)
        assert done.returncode == 10, done.stderr
        assert (
            f"volume {number} of {len(volumes)} (SmallStack-cpu.7z.{number:03d}) {told}"
            in done.stderr
        )
        which = "these files" if spoil is swap else "that file"
        assert f"Copy only {which} again, beside {place}/{INSTALLER}" in done.stderr
    assert list(machine.path("/opt").glob(f"{spoil.__name__}/**/*.whl")) == []
    assert fingerprint(machine.path(TARGET) / "generations") == before
    assert machine.run([STICK, "--verify", "--target", TARGET], timeout=TIMEOUT).returncode == 0
    for mode in ("--list", "--version"):
        assert machine.run([f"{place}/{INSTALLER}", mode], timeout=TIMEOUT).returncode == 0


def test_a_spoilt_volume_of_the_runtime(
    machine: MinimalRoot, stick: Path, volumes: tuple[Volume, ...]
) -> None:
    spoil_middle(stick, volumes[40])
    machine.copy_in(stick, "/media/runtime")
    done = machine.run(
        [f"/media/runtime/{INSTALLER}", "--target", "/opt/fresh", "--silent"], timeout=TIMEOUT
    )
    assert done.returncode == 10, done.stderr
    assert f"volume 41 of {len(volumes)} (SmallStack-cpu.7z.041) is damaged" in done.stderr
    assert list(machine.path("/opt/fresh/generations").iterdir()) == []


def test_without_any_volume_it_says_so(machine: MinimalRoot, made: Path, tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    shutil.copy(made / INSTALLER, tmp_path / "alone")
    machine.copy_in(tmp_path / "alone", "/media/alone")
    for mode in (["--check"], ["--target", "/opt/new", "--silent"], ["--extract", "/opt/x"]):
        done = machine.run([f"/media/alone/{INSTALLER}", *mode], timeout=TIMEOUT)
        assert done.returncode == 10, done.stderr
        assert "and none of them lies beside it" in done.stderr
    assert not machine.path("/opt/new").exists()
    assert not machine.path("/opt/x").exists()


def test_the_first_volume_of_another_build(
    small: SmallBundle, stick: Path, tmp_path: Path, volumes: tuple[Volume, ...]
) -> None:
    """Which differs in little: the version that its documents name."""
    shutil.copytree(small.manifest.parent / "locks", tmp_path / "locks")
    manifest = json.loads(small.manifest.read_text())
    (tmp_path / small.manifest.name).write_text(json.dumps({**manifest, "version": "1.0.1"}))
    other = SmallBundle(
        manifest=tmp_path / small.manifest.name, cache=small.cache, output=tmp_path / "dist"
    )
    build(other, other.output)
    replace(stick / volumes[0].name, (other.output / volumes[0].name).read_bytes())
    done = subprocess.run(
        [stick / INSTALLER, "--target", tmp_path / "target", "--silent"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 10, done.stderr
    assert f"volume 1 of {len(volumes)} (SmallStack-cpu.7z.001) begins with other" in done.stderr
    assert not (tmp_path / "target").exists()
