"""What pip is configured with on this machine: its index serves the builder too."""

import os
import sys
from functools import cache

from builder.processes import ProgramError, run_program


@cache
def configured_index() -> str | None:
    """The address of pip's index, credentials included; None where pip's default holds."""
    if stated := os.environ.get("PIP_INDEX_URL"):
        return stated
    try:
        listed = run_program([sys.executable, "-m", "pip", "config", "get", "global.index-url"])
    except ProgramError:
        # pip answers so when nothing is configured, and is not there in some environments.
        return None
    return listed.strip() or None
