"""The logs in a target: what they are called, and how they go."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from bootstrap.files import is_link, patiently, remove_file

FOLDER_NAME = "logs"
# Earlier versions put no process number in.
_NAME = re.compile(r"[a-z_]+-\d{8}T\d{6}Z(-\d+)?\.log")


def new_log(target: Path, mode: str) -> Path:
    """Where a run writes what it does, now and in this process; several may begin at once.

    Args:
        target: the folder.
        mode: what is done, as the command line calls it.
    """
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return target / FOLDER_NAME / f"{mode}-{now}-{os.getpid()}.log"


def remove_logs(target: Path) -> None:
    """Remove them and, when it is empty, their folder; what others have put there stays.

    Raises:
        BusyError, OSError: one cannot be deleted.
    """
    logs = target / FOLDER_NAME
    if is_link(logs) or not logs.is_dir():
        return
    for path in list(logs.iterdir()):
        if _NAME.fullmatch(path.name):
            remove_file(path)
    if not any(logs.iterdir()):
        patiently(logs.rmdir, logs)
