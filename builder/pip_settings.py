"""What pip is configured with on this machine: its index serves the builder too."""

import os
import sys
from functools import cache

from builder.processes import ProgramError, run_program


def configured_index() -> str | None:
    """The address of pip's index, credentials included; None where pip's default holds."""
    return _configured("index-url")


def configured_certificates() -> str | None:
    """The file of certificate authorities that pip is told to trust; None is the usual ones."""
    return _configured("cert")


def _configured(option: str) -> str | None:
    if stated := os.environ.get(f"PIP_{option.upper().replace('-', '_')}"):
        return stated
    return _asked(option)


@cache
def _asked(option: str) -> str | None:
    try:
        listed = run_program([sys.executable, "-m", "pip", "config", "get", f"global.{option}"])
    except ProgramError:
        # pip answers so when nothing is configured, and is not there in some environments.
        return None
    return listed.strip() or None
