"""Targets, disks and command lines that will not do: a sentence, a code, nothing touched."""

import json
from contextlib import suppress

import psutil
import pytest

from bootstrap.bundle.model import Index
from tests.support.commands import events, fingerprint
from tests.support.machine import STICK, TARGET, TIMEOUT, install, refused, run
from tests.support.minimal_root import MinimalRoot
from tests.support.small_stack import SmallBundle

pytestmark = pytest.mark.slow


def test_a_target_that_is_not_ours(root: MinimalRoot) -> None:
    folder = root.path(TARGET)
    folder.mkdir()
    (folder / "thesis.doc").write_text("years of work")
    refused(root, 22, "it is not empty (thesis.doc) and holds no installation of ours")
    refused(root, 22, "root of a file system or a home folder", target="/root")
    root.path("/opt/link").symlink_to("/opt")
    done = run(root, "--target", "/opt/link", "--silent")
    assert done.returncode == 22
    assert "it is a link to /opt" in done.stderr


def test_a_folder_that_only_looks_like_ours(root: MinimalRoot) -> None:
    root.path(f"{TARGET}/generations/mine").mkdir(parents=True)
    root.path(f"{TARGET}/install.json").write_text("{}")
    refused(root, 40, "install.json cannot be understood")


def test_another_product_is_not_replaced(root: MinimalRoot) -> None:
    install(root)
    state = root.path(f"{TARGET}/install.json")
    state.write_text(state.read_text().replace("SmallStack", "OtherStack"))
    refused(root, 22, "holds OtherStack, which SmallStack does not replace")


def test_nothing_is_deleted_through_a_link(root: MinimalRoot) -> None:
    install(root)
    elsewhere = root.path("/elsewhere")
    root.path(f"{TARGET}/generations").rename(elsewhere)
    (elsewhere / "precious").mkdir()
    root.path(f"{TARGET}/generations").symlink_to("/elsewhere")
    done = run(root, "--target", TARGET, "--silent")
    assert done.returncode == 22
    assert "its folder generations is a link" in done.stderr
    assert (elsewhere / "precious").is_dir()


def test_a_file_instead_of_a_folder(root: MinimalRoot) -> None:
    root.path("/opt/file").write_text("a file")
    refused(root, 22, "it is a file", target="/opt/file")


def test_places_that_cannot_be(root: MinimalRoot) -> None:
    root.path("/opt/file").write_text("a file")
    refused(root, 22, "/opt/file is no folder", target="/opt/file/llm")
    deep = "/opt" + f"/{'x' * 200}" * 20
    refused(root, 24, "and Linux knows 4095 at most", target=deep)
    for text in ("/opt/a\nb", "/opt/\x1b[0m"):
        done = run(root, "--target", text, "--silent")
        assert done.returncode == 2
        assert "characters that cannot be printed" in done.stderr


def test_a_target_that_cannot_be_written(root: MinimalRoot) -> None:
    root.path("/opt/closed").mkdir()
    root.read_only("/opt/closed")
    refused(root, 21, "/opt/closed/llm cannot be written", target="/opt/closed/llm")


def test_a_disk_that_is_too_small(root: MinimalRoot) -> None:
    root.tmpfs("/mnt/small", 50 << 20)
    refused(root, 20, "MB free; the installation needs", target="/mnt/small/llm")


def test_a_disk_that_becomes_full_meanwhile(root: MinimalRoot) -> None:
    root.tmpfs("/mnt/disk", 600 << 20)
    runner = root.start([STICK, "--target", "/mnt/disk/llm", "--json"])
    assert runner.stdout is not None
    for line in runner.stdout:
        if json.loads(line).get("phase") == "runtime":
            break
    family = psutil.Process(runner.pid).children(recursive=True)
    for process in family:
        process.suspend()
    with root.path("/mnt/disk/others").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
    # nsenter, too, which stops as soon as what it runs does.
    for process in [*family, psutil.Process(runner.pid)]:
        process.resume()
    output, errors = runner.communicate(timeout=TIMEOUT)
    assert runner.returncode == 20, output + errors
    result = events(output)[-1]
    assert "The disk became full while installing" in result["message"]
    assert "--target" in result["remedy"]
    assert list(root.path("/mnt/disk/llm/generations").iterdir()) == []
    root.path("/mnt/disk/others").unlink()
    assert run(root, "--target", "/mnt/disk/llm", "--silent").returncode == 0


def test_a_log_goes_over_nothing_else(root: MinimalRoot) -> None:
    install(root)
    state = root.path(f"{TARGET}/install.json").read_text()
    for mode in (["--silent"], ["--verify"], ["--version"]):
        done = run(root, *mode, "--target", TARGET, "--log", f"{TARGET}/install.json")
        assert done.returncode == 2
        assert "install.json is no log" in done.stderr
    assert root.path(f"{TARGET}/install.json").read_text() == state
    assert run(root, "--version", "--log", "/nowhere/log").returncode == 21
    for _ in range(2):
        assert run(root, "--version", "--log", "/opt/our.log").returncode == 0
    assert root.path("/opt/our.log").read_text().count("exit code 0") == 2


def test_damage_is_named_and_leaves_everything_as_it_was(
    root: MinimalRoot, small: SmallBundle, index: Index
) -> None:
    install(root)
    data = bytearray(small.installer.read_bytes())
    entry = next(wheel.entry for wheel in index.wheels if wheel.name == "jinja2")
    place = data.index(b"7z\xbc\xaf\x27\x1c") + entry.offset + entry.size // 2
    data[place] ^= 1
    damaged = root.path("/opt/damaged.run")
    damaged.write_bytes(data)
    damaged.chmod(0o755)
    # What is damaged is there already, and right, so it is not needed.
    done = root.run(["/opt/damaged.run", "--target", TARGET, "--silent"], timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    assert run(root, "--verify", "--deep", "--target", TARGET).returncode == 0
    for path in root.path(TARGET).glob("generations/*/venv/lib/*/site-packages/jinja2/*.py"):
        path.write_bytes(b"changed")
    live = fingerprint(root.path(TARGET) / "generations")
    done = root.run(["/opt/damaged.run", "--target", TARGET, "--silent"], timeout=TIMEOUT)
    assert done.returncode == 10, done.stderr
    assert f"damaged.run: {entry.name} (at offset " in done.stderr
    assert "Copy the bundle again" in done.stderr
    assert fingerprint(root.path(TARGET) / "generations") == live
    media = root.run(["/opt/damaged.run", "--check-media", "--silent"], timeout=TIMEOUT)
    assert media.returncode == 10
    data[place] ^= 1
    # Padding of the ELF header: the program starts, and knows that it is not what it was.
    data[9] ^= 1
    damaged.write_bytes(data)
    media = root.run(["/opt/damaged.run", "--check-media", "--silent"], timeout=TIMEOUT)
    assert media.returncode == 10
    assert "the program around the payload is damaged" in media.stderr


def test_a_truncated_installer_does_not_start(root: MinimalRoot, small: SmallBundle) -> None:
    """The part that would say 10 is what is missing: PyInstaller's bootloader speaks instead."""
    data = small.installer.read_bytes()
    short = root.path("/opt/short.run")
    short.write_bytes(data[: len(data) // 2])
    short.chmod(0o755)
    done = root.run(["/opt/short.run", "--target", TARGET, "--silent"], timeout=TIMEOUT)
    assert done.returncode == 255
    assert "Could not load PyInstaller's embedded PKG archive" in done.stderr
    assert not root.path(TARGET).exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--no-such-option"], "Unrecognized arguments"),
        (["--list", "--verify"], "not allowed with"),
        (["--target", ""], "must not be empty"),
        (["--deep"], "--deep goes with --verify"),
        (["--verify", "--target", "/opt/nothing"], "Nothing is installed in /opt/nothing"),
        (["--target"], "expected one argument"),
    ],
    ids=str,
)
def test_slips_of_the_pen(root: MinimalRoot, arguments: list[str], told: str) -> None:
    done = run(root, *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    as_json = events(run(root, "--json", *arguments).stdout)[-1]
    assert (as_json["event"], as_json["exit_code"]) == ("result", 2)
    assert told in as_json["message"]
