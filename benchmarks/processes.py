"""The processes of a command that is being measured."""

from collections.abc import Collection, Iterable
from pathlib import PurePath

import psutil

# Where the scripts of the installer's own checks lie. They import torch and more, so what they
# take is told apart from it.
_CHECKS = "probes"


def family(root: int) -> list[psutil.Process]:
    """The process itself and all that it has started, parents first; empty when it is gone."""
    try:
        process = psutil.Process(root)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def is_check(process: psutil.Process, known: Collection[int] = ()) -> bool:
    """Whether the process is a check of an installation, or was started by one.

    Args:
        process: any.
        known: process ids of checks.

    Raises:
        psutil.Error: it has ended.
    """
    if process.pid in known or process.ppid() in known:
        return True
    return runs_check(process.cmdline())


def runs_check(arguments: Iterable[str]) -> bool:
    """Whether a command line is that of a check: its script is an argument by itself."""
    paths = [PurePath(argument) for argument in arguments]
    return any(path.suffix == ".py" and path.parent.name == _CHECKS for path in paths)
