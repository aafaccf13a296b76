"""Runs the builder as a release engineer does, and finds what it has made."""

import os
import sys
from pathlib import Path

from benchmarks.machine import ROOT
from benchmarks.measuring import measure
from benchmarks.model import Run


def run_builder(*arguments: str | Path, scratch: Path) -> Run:
    """``python -m builder …``, measured.

    Args:
        arguments: of the command line.
        scratch: a folder for temporary files.

    Raises:
        CommandFailedError: it has failed.
    """
    return measure(
        [sys.executable, "-m", "builder", *arguments],
        cwd=ROOT,
        environment={**os.environ, "TMPDIR": str(scratch)},
    )


def bundle_files(output: Path) -> tuple[Path, ...]:
    """The installer in an output folder, and its volumes behind it."""
    (installer,) = output.glob("*.run")
    return (installer, *sorted(output.glob("*.7z.*")))


def size_of(*paths: Path) -> int:
    """Bytes of files, and of all files below folders, links not followed."""
    return sum(file.lstat().st_size for path in paths for file in files_below(path))


def files_below(path: Path) -> list[Path]:
    """The file itself, or all files and links below a folder."""
    if not path.is_dir():
        return [path]
    return [file for file in path.rglob("*") if file.is_symlink() or not file.is_dir()]
