"""What people have added to an installed environment, through the real installer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import events
from tests.support.small_stack import SmallBundle, make_wheel

pytestmark = pytest.mark.slow


class Machine:
    """A target on this machine, and wheels that its user has."""

    def __init__(self, bundle: SmallBundle, folder: Path) -> None:
        self.target = folder / "llm"
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self._installer = bundle.installer
        make_wheel(self.wheels, "mine", "1.0", {"mine.py": b"import click\n"}, ["click>=8"])
        make_wheel(self.wheels, "lost", "2.0", {"lost.py": b""}, ["nowhere>=1"])

    def run(self, *arguments: str) -> list[dict[str, Any]]:
        command = [str(self._installer), "--json", "--target", str(self.target), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return events(done.stdout)

    def add(self, *names: str) -> None:
        """As somebody does who has a pip of his own."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        python = str(self.target / ".venv" / "bin" / "python")
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--quiet"]
        subprocess.run(
            [*pip, "--no-index", "--find-links", str(self.wheels), *names],
            env={**clean, "PIP_CONFIG_FILE": os.devnull},
            check=True,
            timeout=120,
        )

    def imports(self, name: str) -> bool:
        python = self.target / ".venv" / "bin" / "python"
        done = subprocess.run(
            [python, "-I", "-c", f"import {name}"], capture_output=True, check=False
        )
        return done.returncode == 0

    @property
    def generation(self) -> str:
        state = json.loads((self.target / "install.json").read_text())["state"]
        return str(state["live"]["generation"])


@pytest.fixture
def machine(small: SmallBundle, tmp_path: Path) -> Machine:
    made = Machine(small, tmp_path)
    made.run()
    made.add("mine", "lost")
    return made


def said(told: list[dict[str, Any]], event: str) -> str:
    return "\n".join(str(e["message"]) for e in told if e["event"] == event)


def test_what_fits_comes_along_and_the_rest_stays_as_wheels(machine: Machine) -> None:
    (machine.target / ".venv" / "notes.txt").write_text("years of work")
    before = machine.generation
    told = machine.run("--keep-extras")
    (plan,) = [e for e in told if e["event"] == "plan"]
    assert plan["extras"] == ["lost 2.0", "mine 1.0"]
    assert "mine 1.0 comes along." in said(told, "note")
    assert "lost 2.0 does not come along: " in said(told, "warning")
    assert machine.generation != before
    assert machine.imports("mine")
    assert not machine.imports("lost")
    assert [path.name for path in (machine.target / "extras").iterdir()] == [
        "lost-2.0-py3-none-any.whl"
    ]
    # Neither of them a second time; what nobody has packed is moved.
    moved = [path for path in (machine.target / "user-files").rglob("*") if path.is_file()]
    assert moved == [machine.target / "user-files" / before / "venv" / "notes.txt"]
    # They are still the user's: no drift, and found again.
    verified = machine.run("--verify", "--deep")
    assert "files were added since" in said(verified, "warning")
    (plan,) = [e for e in machine.run("--keep-extras") if e["event"] == "plan"]
    assert plan["extras"] == ["mine 1.0"]
    assert machine.imports("mine")


def test_without_being_asked_to_they_are_moved_and_not_lost(machine: Machine) -> None:
    before = machine.generation
    told = machine.run()
    assert f"files that were added to {before} are in " in said(told, "note")
    assert not machine.imports("mine")
    (moved,) = (machine.target / "user-files" / before).rglob("mine.py")
    assert moved.read_bytes() == b"import click\n"
    assert not (machine.target / "extras").exists()
