"""The launchers, filled in, find the environment beside them, whatever the shell is set to."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from builder.documents import render_documents
from tests.support.documents import TEMPLATE_VALUES

SHOW = "import json, sys; print(json.dumps([sys.prefix, sys.argv[1:]]))"
HOSTILE = {"PATH": "/usr/bin:/bin", "PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere"}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the launchers are for sh")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """An installation in a place with a space and a dollar sign: launchers and .venv."""
    folder = tmp_path / "my $models é"
    venv = folder / "generations" / "1" / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--symlinks", venv], check=True)
    (folder / ".venv").symlink_to(Path("generations", "1", "venv"))
    for name, data in render_documents(TEMPLATE_VALUES).items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o755)
    return folder


def run(
    *arguments: str | Path, cwd: Path | None = None, text: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=cwd,
        env=HOSTILE,
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def test_python_is_the_environments_own(target: Path) -> None:
    done = run(target / "python.sh", "-c", SHOW, "a b", "$c")
    assert json.loads(done.stdout) == [str(target / ".venv"), ["a b", "$c"]]


def test_python_passes_its_exit_code_through(target: Path) -> None:
    assert run("./python.sh", "-c", "raise SystemExit(7)", cwd=target).returncode == 7


def test_python_is_found_through_a_link(target: Path, tmp_path: Path) -> None:
    link = tmp_path / "llm-python"
    link.symlink_to(target / "python.sh")
    done = run(link, "-c", SHOW)
    assert json.loads(done.stdout)[0] == str(target / ".venv")


def test_the_shell_has_python_on_its_path(target: Path) -> None:
    done = run(target / "shell.sh", "-c", 'command -v python; echo "$VIRTUAL_ENV"')
    assert done.stdout.splitlines() == [f"{target}/.venv/bin/python", f"{target}/.venv"]


def test_a_shell_for_people_is_active_too(target: Path) -> None:
    done = run(target / "shell.sh", "-i", text=f"python -c '{SHOW}'\n")
    prefix = json.loads(done.stdout.splitlines()[-1])[0]
    assert Path(prefix).samefile(target / ".venv")


@pytest.mark.parametrize("name", ["python.sh", "shell.sh"])
def test_without_an_environment_it_says_so(tmp_path: Path, name: str) -> None:
    script = tmp_path / name
    script.write_bytes(render_documents(TEMPLATE_VALUES)[name])
    script.chmod(0o755)
    done = run(script, "-c", "exit")
    assert done.returncode == 1
    assert f"no environment in {tmp_path}" in done.stderr
    assert "LLMSetup-cu124.run" in done.stderr
