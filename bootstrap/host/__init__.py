"""What this machine is: operating system, GPUs, disk. Looks, and changes nothing."""

import errno
import os
import shutil
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

from bootstrap.host.gpu import ask_nvml
from bootstrap.host.model import Disk, Host

if sys.platform == "win32":
    from bootstrap.host.windows import disk_facts, system_facts, users_of
else:
    from bootstrap.host.linux import disk_facts, system_facts, users_of

__all__ = ["TRIAL_PREFIX", "detect_host", "look_at_disk", "users_of"]

# Of the file that is made to see whether one can be made.
TRIAL_PREFIX = ".llmsetup-"
_FULL = (errno.ENOSPC, errno.EDQUOT)


def detect_host() -> Host:
    """Find out what this machine is. Never raises: what cannot be told is said so."""
    system = system_facts()
    return Host(
        **{field.name: getattr(system, field.name) for field in fields(system)}, gpu=ask_nvml()
    )


def look_at_disk(target: Path) -> Disk:
    """Find out about the place where ``target`` lies or would lie.

    A temporary file is made there and deleted, since no permission bit tells the
    truth about read-only mounts, quotas, network shares and access control lists.
    """
    path = _nearest_existing(target)
    facts = disk_facts(path)
    return Disk(
        path=path,
        free=shutil.disk_usage(path).free,
        writable=_can_write(path),
        filesystem=facts.filesystem,
        noexec=facts.noexec,
    )


def _nearest_existing(target: Path) -> Path:
    absolute = target.absolute()
    candidates = (absolute, *absolute.parents)
    # os.path.exists says no, where Path.exists raises, below a folder that is closed to us.
    return next((path for path in candidates if os.path.exists(path)), candidates[-1])  # noqa: PTH110


def _can_write(folder: Path) -> bool:
    try:
        # A named one: an anonymous file asks less of the file system than ours will.
        with tempfile.NamedTemporaryFile(dir=folder, prefix=TRIAL_PREFIX) as file:
            file.write(b"?")
            file.flush()
    except OSError as error:
        # A full disk can be written as soon as there is room; that is another question.
        return error.errno in _FULL
    return True
