"""Where figures are from."""

import os
import platform
import subprocess
from datetime import UTC, datetime

from tests.support.commands import ROOT


def origin(command: str) -> str:
    """Date, revision and machine in words, and the command that measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, revision {revision.stdout.strip() or 'unknown'}, "
        f"{os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, Python "
        f"{platform.python_version()}. To repeat it, as root:\n\n```sh\n{command}\n```\n"
    )
