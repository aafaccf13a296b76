"""``--watch-torch``: the environment's Python looks at torch whenever it starts, and warns."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap import inventory, verify
from bootstrap.errors import VerificationError
from bootstrap.install.seal import TORCH_WATCH
from tests.support.torch_environment import TorchEnvironment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes an environment for Linux")
LOADED = "import sys; print(*sys.modules)"
_LOST = "was installed again, or its RECORD was changed, in"
_STRANGE = ".torch_lock cannot be understood"
# What is done, and what is told of it.
FAULTS: dict[str, tuple[Callable[[TorchEnvironment], object], str]] = {
    "replaced": (lambda e: e.replace("2.13.0+cpu"), "2.6.0+cu124 was replaced by 2.13.0+cpu in"),
    "another build": (lambda e: e.replace("2.6.0+cpu"), "+cu124 was replaced by 2.6.0+cpu in"),
    "gone": (lambda e: shutil.rmtree(e.info), "2.6.0+cu124 was installed in SITE, and now: none."),
    "two": (lambda e: e.add("2.13.0+cpu"), "in SITE, and now: 2.13.0+cpu and 2.6.0."),
    "reinstalled": (TorchEnvironment.reinstall, _LOST),
    "no RECORD": (lambda e: e.record.unlink(), _LOST),
    "no lock": (lambda e: e.lock.unlink(), ".torch_lock is missing"),
    "rubbish": (lambda e: e.lock.write_bytes(b"\xff\x00 rubbish"), _STRANGE),
    "a list": (lambda e: e.lock.write_text("[1]"), _STRANGE),
    "empty": (lambda e: e.lock.write_text("{}"), _STRANGE),
    "a number": (
        lambda e: e.lock.write_text('{"version": 1, "local": "x", "record_size": 1}'),
        _STRANGE,
    ),
    "another lock": (lambda e: e.rewrite_lock('"2.6.0"', '"2.13.0"'), "was replaced by 2.6.0 in"),
}
REMEDY = "Run the installer again: it builds a fresh environment."


@pytest.fixture
def watched(tmp_path: Path) -> TorchEnvironment:
    return TorchEnvironment(tmp_path, watch=True)


def start(
    environment: TorchEnvironment, *options: str, code: str = "print('ran')"
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [environment.generation.python, *options, "-c", code],
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def watch_file(environment: TorchEnvironment) -> Path:
    return environment.site / f"{TORCH_WATCH}.py"


def test_as_installed_it_says_nothing_and_imports_nothing(
    watched: TorchEnvironment, tmp_path: Path
) -> None:
    done = start(watched, code=LOADED)
    assert (done.returncode, done.stderr) == (0, "")
    assert TORCH_WATCH in done.stdout.split()
    (tmp_path / "other").mkdir()
    plain = start(TorchEnvironment(tmp_path / "other"), code=LOADED)
    assert set(done.stdout.split()) - set(plain.stdout.split()) == {TORCH_WATCH}


def test_without_the_option_nothing_runs(tmp_path: Path) -> None:
    environment = TorchEnvironment(tmp_path)
    environment.replace("2.13.0+cpu")
    done = start(environment)
    assert (done.stdout, done.stderr) == ("ran\n", "")
    assert list(environment.site.glob("*.pth")) == []


def test_its_files_are_in_the_inventory(watched: TorchEnvironment) -> None:
    paths = {Path(item.path).name for item in inventory.read(watched.generation.inventory)}
    assert {f"{TORCH_WATCH}.py", f"{TORCH_WATCH}.pth", ".torch_lock"} <= paths


def test_a_replacement_is_one_line_with_the_remedy(watched: TorchEnvironment) -> None:
    watched.replace("2.13.0+cpu")
    done = start(watched)
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert done.stderr == (
        f"{watch_file(watched)}:0: RuntimeWarning: torch 2.6.0+cu124 was replaced by 2.13.0+cpu "
        f"in {watched.site}. {REMEDY}\n"
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_it_warns_of_whatever_verify_would_find_too(watched: TorchEnvironment, fault: str) -> None:
    spoil, told = FAULTS[fault]
    spoil(watched)
    with pytest.raises(VerificationError):
        verify.require_torch(watched.index, watched.generation)
    for options in ([], ["-I"], ["-W", "error"], ["-X", "dev"]):
        done = start(watched, *options)
        assert (done.returncode, done.stdout) == (0, "ran\n"), options
        (line,) = done.stderr.splitlines()
        assert line.startswith(str(watch_file(watched)))
        assert told in line.replace(str(watched.site), "SITE")
        assert line.endswith(REMEDY)
        assert "could not be looked at" not in line


def test_what_cannot_be_looked_at_is_told_and_no_more(watched: TorchEnvironment) -> None:
    watched.lock.unlink()
    watched.lock.mkdir()
    done = start(watched)
    assert (done.returncode, done.stdout) == (0, "ran\n")
    (line,) = done.stderr.splitlines()
    assert "torch could not be looked at: " in line


def test_a_lock_that_was_only_laid_out_anew_is_no_fault_at_start(watched: TorchEnvironment) -> None:
    watched.lock.write_text(json.dumps(json.loads(watched.lock.read_text())))
    assert start(watched).stderr == ""


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_where_nobody_listens_it_harms_nothing(watched: TorchEnvironment, closed: str) -> None:
    watched.replace("2.13.0+cpu")
    for options in ("", "-W error"):
        done = subprocess.run(
            ["sh", "-c", f'"$0" {options} -c "print(6 * 7)" {closed}', watched.generation.python],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (0, "42\n")


def test_who_wants_no_warnings_gets_none(watched: TorchEnvironment) -> None:
    watched.replace("2.13.0+cpu")
    assert start(watched, "-W", "ignore").stderr == ""
    assert start(watched, "-S").stderr == ""
