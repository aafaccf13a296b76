"""A target to do harm to: brought to what was before, and handed to a real installer."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.bundles import Bundles
from tests.faults.scenarios import Command, Scenario
from tests.faults.witness import Environment, leftovers, look, remains, untruths
from tests.support.commands import ROOT
from tests.support.small_stack import make_wheel

NOTES = b"These are mine.\n"
# Of what somebody has added, that which stays behind.
LOST = "lost"
# Of the disk; most of it is never used.
ROOM = "size=6g,nr_inodes=1000000"
_TIMEOUT = 300
_LETTING_GO = 10
_DONE = 0


class BrokenPlaceError(Exception):
    """Without any fault it went wrong already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended.

    Attributes:
        code: exit code; -N when signal N ended it.
        seconds: it took.
    """

    code: int
    output: str
    errors: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A scenario in a place, as it is without a fault.

    Attributes:
        before: what is live before.
        after: what is live afterwards.
        kept: generations that are there before.
    """

    scenario: Scenario
    before: Environment | None
    after: Environment | None
    kept: int


class Place:
    """A folder for one target at a time; who works in parallel has several.

    Args:
        folder: for the target, its earlier states, and temporary files.
        bundles: what is installed.
        target: the target, if it shall lie elsewhere.
        program: the installer, as a module.
    """

    def __init__(
        self,
        folder: Path,
        bundles: Bundles,
        *,
        target: Path | None = None,
        program: str = "bootstrap",
    ) -> None:
        self.folder = folder
        self.target = target or folder / "target"
        self._bundles = bundles
        self._program = program
        self._cases = dict[str, Case]()
        folder.mkdir(parents=True, exist_ok=True)

    def case(self, scenario: Scenario) -> Case:
        """Do it once without a fault, to know what there should be.

        Raises:
            BrokenPlaceError: that went wrong.
        """
        if scenario.name not in self._cases:
            self._cases[scenario.name] = self._prepare(scenario)
        return self._cases[scenario.name]

    def _prepare(self, scenario: Scenario) -> Case:
        self.clear()
        for command in scenario.before:
            self._must(command)
        if scenario.before:
            self._live_in(scenario)
            self._copy(self.target, self._template(scenario))
        before, kept = look(self.target), len(list(self.target.glob("generations/*")))
        self._must(scenario.command)
        after = look(self.target)
        if scenario.gone:
            left = remains(self.target)
        else:
            left = [*leftovers(self.target, kept=scenario.kept), *untruths(self.target)]
        if left or (after and after.faults):
            raise BrokenPlaceError(f"{scenario.name}: {left} {after}")
        return Case(scenario=scenario, before=before, after=after, kept=kept)

    def _live_in(self, scenario: Scenario) -> None:
        """What the user has done since."""
        (site,) = self.target.glob(".venv/lib/python3*/site-packages")
        if scenario.notes:
            (self.target / ".venv" / "notes.txt").write_bytes(NOTES)
        if scenario.spoilt:
            (site / "alpha" / "module_00.py").write_text("spoilt = True\n")
        if scenario.extras:
            for name, needs in (("mine", "alpha"), (LOST, "alpha<2")):
                files = {f"{name}/__init__.py": b"import alpha\n"}
                wheel = make_wheel(self.folder, name, "1.0", files, [needs])
                shutil.unpack_archive(wheel, site, "zip")

    def _must(self, command: Command) -> None:
        ended = self.run(command)
        if ended.code != _DONE:
            raise BrokenPlaceError(f"{command} ended with {ended.code}: {ended.errors}")

    def _template(self, scenario: Scenario) -> Path:
        return self.folder / f"before-{scenario.name}"

    def clear(self) -> None:
        """No target, and nothing in the folder for temporary files."""
        for folder in (self.target, self.folder / "tmp"):
            if folder.exists():
                shutil.rmtree(folder)
        (self.folder / "tmp").mkdir()

    def restore(self, case: Case) -> None:
        """Bring the target to what was before."""
        self.clear()
        if case.before:
            self._copy(self._template(case.scenario), self.target)

    @staticmethod
    def _copy(source: Path, to: Path) -> None:
        shutil.rmtree(to, ignore_errors=True)
        # Quicker than Python, by which some million files are copied otherwise.
        subprocess.run(["cp", "-a", source, to], check=True)

    def arguments(self, command: Command, *, frozen: bool = False) -> list[str]:
        """The command line of an installer.

        Args:
            command: what it shall do.
            frozen: as the program that users get; otherwise from its source, which starts
                quicker.
        """
        bundle = str(self._bundles.path(command.bundle))
        start = [bundle] if frozen else [sys.executable, "-m", self._program, "--bundle", bundle]
        return [*start, "--target", str(self.target), "--json", *command.options]

    def start(self, arguments: Sequence[str]) -> "subprocess.Popen[str]":
        """Start a program as users do, but in an environment of its own."""
        return subprocess.Popen(
            arguments,
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder / "home"),
                "TMPDIR": str(self.folder / "tmp"),
                "LANG": "C.UTF-8",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def run(
        self,
        command: Command,
        *,
        under: Sequence[str] = (),
        frozen: bool = False,
    ) -> Ended:
        """Run an installer to its end.

        Args:
            command: what it shall do.
            under: a program that runs it, with its arguments.
            frozen: as of :meth:`arguments`.
        """
        started = time.monotonic()
        process = self.start([*under, *self.arguments(command, frozen=frozen)])
        return wait(process, started)


@contextmanager
def in_memory(folder: Path) -> Iterator[Path]:
    """The folder with a disk of its own, quick, and which may become full."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", ROOM, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        unmount(folder)


def unmount(folder: Path) -> None:
    """Unmount it, now or as soon as nobody has it.

    The kernel lets go of what was mounted from it a moment later, and other name spaces, as
    tests in a root of their own have them, when they end.
    """
    end = time.monotonic() + _LETTING_GO
    while subprocess.run(["umount", folder], check=False, capture_output=True).returncode != 0:
        if time.monotonic() > end:
            subprocess.run(["umount", "--lazy", folder], check=True)
            return
        time.sleep(0.1)


def wait(process: "subprocess.Popen[str]", started: float) -> Ended:
    """Wait for its end."""
    try:
        output, errors = process.communicate(timeout=_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        errors += f"\nkilled after {_TIMEOUT} s"
    return Ended(
        code=process.returncode,
        output=output,
        errors=errors,
        seconds=time.monotonic() - started,
    )
