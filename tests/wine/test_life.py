"""The whole life of an installation on Windows, from the small stack's exe."""

from pathlib import Path

import pytest

from tests.support.commands import events, fingerprint
from tests.support.records import mismatches
from tests.support.small_stack import PINS, SmallBundle
from tests.support.windows import WindowsMachine

pytestmark = pytest.mark.slow

TARGET = r"C:\my modèls"
UNINSTALL = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall"
MENU = r"C:\users\root\AppData\Roaming\Microsoft\Windows\Start Menu\Programs"


@pytest.fixture(scope="module")
def pristine(machine: WindowsMachine) -> set[Path]:
    """What is in the user's own folders before anything is installed."""
    machine.run("cmd", "/c", "exit")
    return files_of(machine)


def files_of(machine: WindowsMachine) -> set[Path]:
    return {
        path
        for path in machine.path("C:\\").rglob("*")
        if not path.is_relative_to(machine.path(r"C:\windows"))
    }


@pytest.fixture(scope="module")
def installed(machine: WindowsMachine, exe: SmallBundle, pristine: set[Path]) -> Path:
    assert pristine
    done = machine.run(exe.installer, "--silent", "--json", "--target", TARGET)
    assert done.returncode == 0, done.stdout + done.stderr
    result = events(done.stdout)[-1]
    assert (result["event"], result["exit_code"]) == ("result", 0)
    assert TARGET in result["message"]
    return machine.path(TARGET)


def test_every_file_is_as_its_record_says(installed: Path) -> None:
    wrong, compared = mismatches(installed / ".venv/Lib/site-packages")
    assert wrong == []
    assert compared > 100


def test_its_python_imports(machine: WindowsMachine, installed: Path) -> None:
    code = "import sys, jinja2, msgspec, markupsafe._speedups; print(sys.prefix)"
    said = machine.run(rf"{TARGET}\.venv\Scripts\python.exe", "-X", "utf8", "-c", code)
    assert said.stdout.strip() == rf"{TARGET}\.venv", said.stderr
    assert (installed / ".venv/Scripts/python.exe").is_file()


@pytest.mark.usefixtures("installed")
def test_scripts_and_launchers_start(machine: WindowsMachine) -> None:
    tqdm = machine.run(rf"{TARGET}\.venv\Scripts\tqdm.exe", "--version")
    assert tqdm.stdout.strip() == PINS["tqdm"], tqdm.stderr
    machine.path(r"C:\told.py").write_text("import sys; print(sys.prefix)")
    python = machine.run(rf"{TARGET}\python.bat", "-X", "utf8", r"C:\told.py")
    machine.path(r"C:\told.py").unlink()
    assert python.stdout.strip() == rf"{TARGET}\.venv", python.stderr


def test_no_script_knows_where_it_was_built(installed: Path) -> None:
    """It was moved when it went live, for Wine has no junctions."""
    built = b"generations"
    scripts = [path for path in (installed / ".venv/Scripts").iterdir() if path.is_file()]
    assert scripts
    assert [path.name for path in scripts if built in path.read_bytes()] == []


@pytest.mark.usefixtures("installed")
def test_verify(machine: WindowsMachine, exe: SmallBundle) -> None:
    done = machine.run(exe.installer, "--verify", "--deep", "--silent", "--target", TARGET)
    assert done.returncode == 0, done.stderr


def test_verify_sees_a_changed_file(
    machine: WindowsMachine, exe: SmallBundle, installed: Path
) -> None:
    path = installed / ".venv/Lib/site-packages/jinja2/lexer.py"
    before = path.read_bytes()
    path.write_bytes(before + b"#")
    try:
        done = machine.run(exe.installer, "--verify", "--silent", "--target", TARGET)
    finally:
        path.write_bytes(before)
    assert done.returncode == 31
    assert "jinja2/lexer.py (changed)" in done.stderr


@pytest.mark.usefixtures("installed")
def test_the_system_knows_of_it(machine: WindowsMachine) -> None:
    entry = machine.registry(UNINSTALL)
    for told in ("SmallStack", "1.0.0", "Example", TARGET, "EstimatedSize", "QuietUninstallString"):
        assert told in entry
    names = {path.name for path in machine.path(MENU).rglob("*.lnk")}
    assert len(names) == 2, names


def test_a_shortcut_is_a_shortcut(machine: WindowsMachine, installed: Path) -> None:
    links = list(machine.path(MENU).rglob("*.lnk"))
    targets = {path.read_bytes().count("shell.bat".encode("utf-16-le")) > 0 for path in links}
    # Shell Link (MS-SHLLINK): the size of the header and the class that reads it.
    start = bytes.fromhex("4c0000000114020000000000c000000000000046")
    assert all(path.read_bytes().startswith(start) for path in links)
    assert targets == {True, False}
    assert (installed / "uninstall.exe").is_file()


def test_what_is_in_use_stays(machine: WindowsMachine, exe: SmallBundle, installed: Path) -> None:
    before = fingerprint(installed / ".venv")
    code = "import sys; print(1, flush=True); sys.stdin.readline()"
    program = machine.start(rf"{TARGET}\.venv\Scripts\python.exe", "-c", code)
    assert program.stdin
    assert program.stdout
    program.stdout.readline()
    for mode in ([], ["--uninstall"]):
        done = machine.run(exe.installer, "--target", TARGET, "--silent", *mode)
        assert done.returncode == 23
        assert "is in use by process " in done.stderr
    program.communicate("\n", timeout=60)
    assert fingerprint(installed / ".venv") == before


def test_upgrade_over_itself(machine: WindowsMachine, exe: SmallBundle, installed: Path) -> None:
    state = (installed / "install.json").read_bytes()
    done = machine.run(exe.installer, "--silent", "--target", TARGET)
    assert done.returncode == 0, done.stderr
    assert (installed / "install.json").read_bytes() != state
    assert len(list((installed / "generations").iterdir())) == 1
    assert mismatches(installed / ".venv/Lib/site-packages")[0] == []
    verified = machine.run(exe.installer, "--verify", "--silent", "--target", TARGET)
    assert verified.returncode == 0, verified.stderr


def test_uninstall_leaves_nothing(
    machine: WindowsMachine, installed: Path, pristine: set[Path]
) -> None:
    """By what the system's list would start, without the stick."""
    done = machine.run(rf"{TARGET}\uninstall.exe", "--uninstall", "--silent")
    assert done.returncode == 0, done.stderr
    machine.settle()
    assert not installed.exists()
    assert "SmallStack" not in machine.registry(UNINSTALL)
    left = {str(path) for path in files_of(machine) - pristine}
    assert left == set()


def test_by_default_it_is_installed_for_the_user(machine: WindowsMachine, exe: SmallBundle) -> None:
    done = machine.run(exe.installer, "--silent")
    assert done.returncode == 0, done.stderr
    place = machine.path(r"C:\users\root\AppData\Local\SmallStack")
    assert (place / ".venv/Scripts/python.exe").is_file()
    removed = machine.run(exe.installer, "--uninstall", "--silent")
    assert removed.returncode == 0, removed.stderr
    machine.settle()
    assert not place.exists()


def test_paths_are_refused_that_python_could_not_open(
    machine: WindowsMachine, exe: SmallBundle
) -> None:
    done = machine.run(exe.installer, "--check", "--target", "C:\\" + "t" * 200)
    assert done.returncode == 24
    assert "LongPathsEnabled is 0" in done.stderr
    assert r"such as C:\LLM" in done.stderr


def test_nothing_can_be_uninstalled_twice(machine: WindowsMachine, exe: SmallBundle) -> None:
    done = machine.run(exe.installer, "--uninstall", "--silent", "--target", TARGET)
    assert done.returncode == 2
    assert "Nothing is installed in" in done.stderr
