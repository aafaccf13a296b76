"""What real pip and real uv do in an environment with a sealed torch; pip and uv lie outside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import verify
from bootstrap.errors import VerificationError
from tests.support.torch_environment import TorchEnvironment
from tests.support.torch_wheels import OTHERS, write_wheels

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes an environment for Linux")
CONFLICT = """\
The conflict is caused by:
    wants-other-torch 1.0 depends on torch==9.9
    The user requested (constraint) torch===2.6.0
"""


class Tools:
    """pip and uv, of a user with a home of his own."""

    def __init__(self, folder: Path) -> None:
        self.environment = TorchEnvironment(folder)
        self.wheels = write_wheels(folder / "wheels")
        self.home = folder / "home"
        self._python = str(self.environment.generation.python)

    def pip(self, *arguments: str | Path, **variables: str) -> str:
        """``pip install`` from the folder of wheels; its output, with its exit code at the end."""
        install = ("install", "--no-cache-dir", "--find-links", self.wheels)
        return self._run(["pip", "--python", self._python, *install, *arguments], variables)

    def uninstall(self, name: str) -> str:
        return self._run(["pip", "--python", self._python, "uninstall", "--yes", name], {})

    def uv(self, *arguments: str | Path, **variables: str) -> str:
        uv = ("uv", "--no-cache", "--offline", "pip", "install", "--python", self._python)
        return self._run([*uv, "--find-links", self.wheels, *arguments], variables)

    def _run(self, command: list[str | Path], variables: dict[str, str]) -> str:
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("PIP_", "UV_"))}
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env={**kept, "HOME": str(self.home), "XDG_CONFIG_HOME": "", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        return f"{done.stdout}exit code {done.returncode}\n"

    def user_says(self, text: str) -> None:
        folder = self.home / ".config" / "pip"
        folder.mkdir(parents=True)
        (folder / "pip.conf").write_text(text)

    def has(self, module: str) -> bool:
        return (self.environment.site / f"{module}.py").is_file()

    def require_torch(self) -> None:
        verify.require_torch(self.environment.index, self.environment.generation)


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path)


def test_what_wants_another_torch_is_refused_by_the_constraint(tools: Tools) -> None:
    told = tools.pip("wants-other-torch")
    assert CONFLICT in told
    assert told.endswith("exit code 1\n")
    assert not tools.has("wants_other_torch")
    tools.require_torch()


def test_the_constraint_is_explained_where_it_stands(tools: Tools) -> None:
    venv = tools.environment.generation.venv
    text = (venv / "constraints.txt").read_text()
    assert '"The user requested (constraint)"' in text
    assert text.endswith("\ntorch===2.6.0\n")
    assert (venv / "pip.conf").read_text().startswith("# Written by the installer: no index ")


def test_what_is_innocent_is_installed(tools: Tools) -> None:
    assert tools.pip("innocent", "wants-torch").endswith("exit code 0\n")
    assert tools.has("innocent")
    assert tools.has("wants_torch")
    tools.require_torch()


@pytest.mark.parametrize("more", [["--upgrade"], ["--upgrade", "--upgrade-strategy", "eager"]])
def test_an_upgrade_finds_nothing_newer(tools: Tools, more: list[str]) -> None:
    told = tools.pip(*more, "torch", "wants-torch")
    assert "Requirement already satisfied: torch" in told
    assert told.endswith("exit code 0\n")
    tools.require_torch()


@pytest.mark.parametrize("version", OTHERS)
def test_a_torch_by_name_and_version_or_by_file_is_refused(tools: Tools, version: str) -> None:
    for wanted in (f"torch=={version}", tools.wheels / f"torch-{version}-py3-none-any.whl"):
        for more in ([], ["--no-deps", "--force-reinstall"]):
            told = tools.pip(wanted, *more)
            assert "The user requested (constraint) torch===2.6.0" in told
            assert told.endswith("exit code 1\n")
    tools.require_torch()


@pytest.mark.parametrize("section", ["global", "install"])
def test_the_users_own_configuration_does_not_win(tools: Tools, section: str) -> None:
    empty = tools.wheels / "empty.txt"
    empty.write_text("")
    tools.user_says(
        f"[{section}]\nconstraint = {empty}\nno-index = false\n"
        "index-url = http://127.0.0.1:1/simple\nupgrade = true\n"
    )
    told = tools.pip("torch")
    assert "127.0.0.1" not in told
    assert told.endswith("exit code 0\n")
    tools.require_torch()


def test_a_further_constraint_does_not_replace_ours(tools: Tools) -> None:
    empty = tools.wheels / "empty.txt"
    empty.write_text("")
    assert tools.pip("--upgrade", "torch", "--constraint", empty).endswith("exit code 0\n")
    tools.require_torch()


def test_another_index_does_not_help(tools: Tools) -> None:
    variables = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_RETRIES": "0"}
    told = tools.pip("wants-other-torch", **variables)
    assert "The user requested (constraint) torch===2.6.0" in told
    tools.require_torch()


@pytest.mark.parametrize("variable", ["PIP_CONSTRAINT", "PIP_CONFIG_FILE"])
def test_variables_of_pip_win_and_verify_tells(tools: Tools, variable: str) -> None:
    """What README.md says does not hold."""
    empty = tools.wheels / "empty.txt"
    empty.write_text("")
    value = {"PIP_CONSTRAINT": str(empty), "PIP_CONFIG_FILE": os.devnull}[variable]
    assert "Successfully installed torch-9.9" in tools.pip(
        "--upgrade", "torch", "--no-index", **{variable: value}
    )
    with pytest.raises(VerificationError, match=r"torch 2.6.0\+cu124 was replaced by 9.9 by pip"):
        tools.require_torch()


def test_uninstalling_is_not_held_back_and_verify_tells(tools: Tools) -> None:
    assert tools.uninstall("torch").endswith("exit code 0\n")
    with pytest.raises(VerificationError, match=r"torch 2.6.0\+cu124 is gone"):
        tools.require_torch()


def test_uv_does_not_read_it_and_verify_tells(tools: Tools) -> None:
    assert tools.uv("wants-other-torch").endswith("exit code 0\n")
    with pytest.raises(VerificationError, match=r"torch 2.6.0\+cu124 was replaced by 9.9 by uv"):
        tools.require_torch()


def test_uv_keeps_to_the_constraints_that_it_is_given(tools: Tools) -> None:
    constraints = tools.environment.generation.venv / "constraints.txt"
    told = tools.uv("wants-other-torch", "--constraints", constraints)
    assert "wants-other-torch depend on torch==9.9 and torch==2.6.0" in " ".join(told.split())
    assert tools.uv("innocent", "--constraints", constraints).endswith("exit code 0\n")
    assert tools.uv("--upgrade", "torch", UV_CONSTRAINT=constraints.as_uri()).endswith(
        "exit code 0\n"
    )
    tools.require_torch()
