"""Builds under conditions as different as one machine can make them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.commands import ROOT
from tests.support.small_stack import VARIANT, SmallBundle

_NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "dist", "*.egg-info"),
)
_CLOCK = "other_clock.so"
_TIMEOUT = 900
NOBODY = 65534


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What must not show in what is built.

    Attributes:
        place: an empty folder; source, cache, output, home and temporary files go below it.
        names: what those folders are called there.
        environment: all of it besides PATH and what ``place`` decides.
        wrapper: put before the command.
        python: of the environment that the builder runs in.
        uid: of the user who builds.
        umask: of the same.
        jobs: for ``--jobs``.
        backwards: files are copied in reversed order.
        modified: when they were changed last, in seconds since 1970.
    """

    place: Path
    names: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    python: Path = Path(sys.executable)
    uid: int = 0
    umask: int = 0o022
    jobs: int = 4
    backwards: bool = False
    modified: int = 1_700_000_000

    def folder(self, kind: str) -> Path:
        """Where it lies: source, cache, output, home or temporary."""
        return self.place / self.names[kind]

    @property
    def manifest(self) -> Path:
        """Its locks lie beside it."""
        return self.folder("output") / "dependencies.json"


def other_python(folder: Path, days: int) -> Path:
    """This environment under another path, its Python in another time; that Python's path.

    Args:
        folder: a new one; its path must have no blank.
        days: how far in the future.
    """
    (folder / "bin").mkdir(parents=True)
    here = Path(sys.prefix)
    shutil.copyfile(here / "pyvenv.cfg", folder / "pyvenv.cfg")
    (folder / "lib").symlink_to(here / "lib")
    for program in (here / "bin").iterdir():
        if not program.name.startswith("python"):
            (folder / "bin" / program.name).symlink_to(program)
    # It learns from its name which environment it is of.
    python = folder / "bin" / "python"
    return _at_another_time(python, Path(sys.executable).resolve(), days, '"$LD_PRELOAD"')


def other_wine(folder: Path, days: int) -> dict[str, str]:
    """A variable by which Wine is found that lives in another time; arguments as above."""
    folder.mkdir()
    found = shutil.which("wine")
    assert found
    # Itself a script, so all that is started from it must be told.
    _at_another_time(folder / "wine", Path(found), days, str(folder / _CLOCK))
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def _at_another_time(script: Path, program: Path, days: int, others: str) -> Path:
    """A script that starts a program under its own name, and in another time; its path.

    What is preloaded into the programs that are started from there is said by ``others``.
    """
    library = script.with_name(_CLOCK)
    _compile(Path(__file__).with_name("other_clock.c"), library)
    script.write_text(
        "#!/bin/bash\n"
        f"export OTHER_CLOCK_PRELOAD={others} OTHER_CLOCK_SECONDS={days * 86_400}\n"
        f'export LD_PRELOAD={library}\nexec -a "$0" {program} "$@"\n'
    )
    script.chmod(0o755)
    return script


def bystander(folder: Path) -> dict[str, str]:
    """A variable by which a library gets into every program, and no part of any."""
    _compile(Path(os.devnull), folder / "bystander.so")
    return {"LD_PRELOAD": str(folder / "bystander.so")}


def _compile(source: Path, library: Path) -> None:
    compiler = os.environ.get("CC", "cc")
    command = [compiler, "-shared", "-fPIC", "-o", str(library), "-x", "c", str(source)]
    subprocess.run(command, check=True, timeout=60)


def made_locale(folder: Path) -> dict[str, str]:
    """Turkish, whose lower case of I is not i, and which sorts otherwise than by bytes."""
    name = "tr_TR.UTF-8"
    folder.mkdir()
    command = ["localedef", "--no-archive", "-i", "tr_TR", "-f", "UTF-8", str(folder / name)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return {"LOCPATH": str(folder), "LANG": name, "LC_ALL": name}


def as_nobody() -> list[str]:
    """A command that goes on as nobody, who can read what root can: this Python, above all."""
    return [
        *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
        *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
    ]


@contextmanager
def memory_disk(folder: Path) -> Iterator[Path]:
    """Another kind of file system, which lists files in another order."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def lay_out(conditions: Conditions, bundle: SmallBundle) -> Conditions:
    """Copy source, manifest, lock and fetched files below the place.

    Neither stub nor compressed wheels are taken along: they are made anew.
    """
    folder = conditions.folder
    copy_source(conditions)
    _copy(bundle.manifest.parent / "locks", folder("output") / "locks", conditions.backwards)
    shutil.copyfile(bundle.manifest, conditions.manifest)
    _copy(bundle.cache / "files", folder("cache") / "files", conditions.backwards)
    _hand_over(conditions)
    return conditions


def copy_source(conditions: Conditions) -> None:
    """Copy the source below the place, and make the folders that a build needs."""
    _copy(ROOT, conditions.folder("source"), conditions.backwards)
    for kind in ("cache", "home", "output", "temporary"):
        conditions.folder(kind).mkdir(parents=True, exist_ok=True)
    _hand_over(conditions)


def _hand_over(conditions: Conditions) -> None:
    """Let all of it be the builder's own, as if it had copied it."""
    for path in [conditions.place, *conditions.place.rglob("*")]:
        mode = 0o777 if path.is_dir() or path.stat().st_mode & 0o111 else 0o666
        path.chmod(mode & ~conditions.umask)
        os.chown(path, conditions.uid, conditions.uid)
        os.utime(path, (conditions.modified, conditions.modified))


def _copy(source: Path, destination: Path, backwards: bool) -> None:  # noqa: FBT001
    """A tree, whose files come to be in the order of their names, or the other way round."""
    shutil.copytree(source, destination, ignore=_NOT_COPIED, copy_function=_leave_for_later)
    files = sorted(_wanted(source), reverse=backwards)
    for path in files:
        shutil.copy(path, destination / path.relative_to(source))


def _leave_for_later(source: str, destination: str) -> None:
    """Only folders are made."""


def _wanted(folder: Path) -> Iterator[Path]:
    names = os.listdir(folder)  # noqa: PTH208 (what ignore_patterns takes)
    for name in set(names) - _NOT_COPIED(str(folder), names):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            yield from _wanted(path)
        elif path.is_file():
            yield path


def build_under(
    conditions: Conditions, *more: str, variants: Sequence[str] = (VARIANT,), to: str = "dist"
) -> Path:
    """Build in a process of its own; the folder that it filled.

    Args:
        conditions: where and how; laid out before.
        more: arguments.
        variants: what to build.
        to: name of that folder.
    """
    output = conditions.folder("output") / to
    run_under(
        conditions,
        *("--cuda", *variants, "--offline", "--manifest", str(conditions.manifest)),
        *("--output", str(output), "--jobs", str(conditions.jobs), *more),
    )
    return output


def run_under(conditions: Conditions, *arguments: str | Path) -> None:
    """Run the copied builder, with the cache that belongs to it, in a process of its own."""
    folder = conditions.folder
    command = [*conditions.wrapper, conditions.python, "-m", "builder", *arguments]
    done = subprocess.run(
        [*command, "--cache", folder("cache")],
        cwd=folder("source"),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder("home")),
            "TMPDIR": str(folder("temporary")),
            **conditions.environment,
        },
        umask=conditions.umask,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=_TIMEOUT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
