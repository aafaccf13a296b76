"""What this machine is: operating system, GPUs, disk. Looks, and changes nothing."""

import os
import secrets
import shutil
import sys
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bootstrap.errors import DISK_FULL, BusyError
from bootstrap.files import patiently
from bootstrap.host.gpu import ask_nvml
from bootstrap.host.model import Disk, Host

if sys.platform == "win32":
    from bootstrap.host.windows import disk_facts, system_facts, users_of
else:
    from bootstrap.host.linux import disk_facts, system_facts, users_of

__all__ = ["TRIAL_PREFIX", "detect_host", "look_at_disk", "users_of"]

# Of what is made to see whether something can be made.
TRIAL_PREFIX = ".llmsetup-"


def detect_host() -> Host:
    """Find out what this machine is. Never raises: what cannot be told is said so."""
    system = system_facts()
    return Host(
        **{field.name: getattr(system, field.name) for field in fields(system)},
        gpu=ask_nvml(),
        time=datetime.now(UTC),
    )


def look_at_disk(target: Path) -> Disk:
    """Find out about the place where ``target`` lies or would lie.

    A file is made in the target and deleted, or a folder where the target would be made,
    since no permission bit tells the truth about read-only mounts, quotas, network shares
    and access control lists.
    """
    path = _nearest_existing(target)
    facts = disk_facts(path)
    return Disk(
        path=path,
        free=shutil.disk_usage(path).free,
        writable=_can_write(path, a_file=path == target.absolute()),
        filesystem=facts.filesystem,
        noexec=facts.noexec,
    )


def _nearest_existing(target: Path) -> Path:
    absolute = target.absolute()
    candidates = (absolute, *absolute.parents)
    # os.path.exists says no, where Path.exists raises, below a folder that is closed to us.
    return next((path for path in candidates if os.path.exists(path)), candidates[-1])  # noqa: PTH110


def _can_write(folder: Path, *, a_file: bool) -> bool:
    r"""Try once, with what will be made there: a file in the target, or a folder on the way to it.

    Where only folders may be made (``C:\``), a folder of ours may hold files all the same. The
    module tempfile would try on and on: on Windows it takes a refusal for a name that is taken.
    """
    trial = folder / f"{TRIAL_PREFIX}{secrets.token_hex(8)}"
    try:
        if a_file:
            os.close(os.open(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            # Whoever clears up meanwhile may take it for a leftover.
            patiently(partial(trial.unlink, missing_ok=True), trial)
        else:
            trial.mkdir()
            patiently(trial.rmdir, trial)
    except BusyError:
        return False
    except OSError as error:
        # A full disk can be written as soon as there is room; that is another question.
        return error.errno in DISK_FULL
    return True
