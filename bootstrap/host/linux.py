"""Linux: the same functions as :mod:`bootstrap.host.windows`."""

import os
import platform
import re
from pathlib import Path

from bootstrap.host.model import DiskFacts, SystemFacts


def system_facts() -> SystemFacts:
    """Name and C library of this system."""
    return SystemFacts(
        system=platform.system(),
        release=_release(),
        machine=platform.machine(),
        glibc=_glibc(),
    )


def disk_facts(path: Path) -> DiskFacts:
    """The file system that the existing ``path`` lies on."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        mounts = ""
    return DiskFacts(
        filesystem=filesystem_of(path.resolve(), mounts),
        noexec=bool(os.statvfs(path).f_flag & os.ST_NOEXEC),
    )


def users_of(*folders: Path) -> tuple[int, ...]:
    """Numbers of the processes that run a program or a library from these folders, or work there.

    Of other users' processes only root can tell.
    """
    # Path.resolve fails where a link leads to itself.
    marks = tuple({os.fsencode(os.path.realpath(folder)) + b"/" for folder in folders})
    return tuple(
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdecimal() and _uses(process, marks)
    )


def _uses(process: Path, marks: tuple[bytes, ...]) -> bool:
    if any(_place(process / link).startswith(marks) for link in ("cwd", "root")):
        return True
    mapped = _mapped(process)
    return any(mark in mapped for mark in marks)


def _place(link: Path) -> bytes:
    """The folder that a link of /proc leads to, with a slash at the end."""
    try:
        return os.fsencode(link.readlink()) + b"/"
    except OSError:
        # As in _mapped.
        return b""


def _mapped(process: Path) -> bytes:
    try:
        return (process / "maps").read_bytes()
    except OSError:
        # It has ended, or belongs to somebody else.
        return b""


def mount_points() -> tuple[Path, ...]:
    """Where something is mounted, another folder of the same disk perhaps; nothing without /proc.

    Source: proc_pid_mountinfo(5).
    """
    try:
        mounts = Path("/proc/self/mountinfo").read_bytes()
    except OSError:
        return ()
    lines = filter(None, mounts.split(b"\n"))
    return tuple(Path(os.fsdecode(_unescaped(line.split(b" ")[4]))) for line in lines)


def _unescaped(text: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8)]), text)


def filesystem_of(path: Path, mounts: str) -> str | None:
    """Type of the file system that ``path`` lies on; None when no mount point holds it.

    Args:
        path: absolute, without links.
        mounts: what ``/proc/self/mounts`` says (fstab(5): blanks are octal escapes).
    """
    found, longest = None, -1
    for line in mounts.splitlines():
        fields = line.split(" ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[1]))
        # Of several mounts on one point the last hides the others.
        if path.is_relative_to(point) and len(point.parts) >= longest:
            found, longest = fields[2], len(point.parts)
    return found


def _release() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.release()


def _glibc() -> tuple[int, int] | None:
    try:
        answer = os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):
        # Other C libraries do not know the name.
        return None
    found = re.fullmatch(r"glibc (\d+)\.(\d+).*", answer or "")
    return (int(found[1]), int(found[2])) if found else None
