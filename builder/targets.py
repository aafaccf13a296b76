"""The platforms that are built for. All a decision needs to know of one is data here."""

import platform
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.markers import Environment
from packaging.tags import Tag, compatible_tags, cpython_tags

from bootstrap.bundle.value import Target
from builder.errors import UsageError

# Newest manylinux that the project promises to run on; torch's wheels need 2.28.
_GLIBC = (2, 28)
# manylinux1, 2010 and 2014 are older names of 2_5, 2_12 and 2_17 (PEP 600).
LEGACY_MANYLINUX = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlatform:
    """What the wheels and the environment of a target look like.

    Attributes:
        uv_platform: the name that ``uv --python-platform`` has for it.
        platforms: platform tags, best first.
        suffix: of the installer file.
    """

    name: Target
    uv_platform: str
    platforms: tuple[str, ...]
    sys_platform: str
    platform_system: str
    os_name: str
    machine: str
    suffix: str

    def tags(self, python: str) -> Iterator[Tag]:
        """Wheel tags that CPython ``python`` (``3.11``) accepts there, best first."""
        version = tuple(int(part) for part in python.split("."))
        yield from cpython_tags(python_version=version, platforms=self.platforms)
        interpreter = f"cp{version[0]}{version[1]}"
        yield from compatible_tags(
            python_version=version, interpreter=interpreter, platforms=self.platforms
        )

    def marker_environment(self, python: str) -> Environment:
        """Values of PEP 508's environment markers there."""
        return Environment(
            implementation_name="cpython",
            implementation_version=f"{python}.0",
            os_name=self.os_name,
            platform_machine=self.machine,
            platform_python_implementation="CPython",
            platform_release="",
            platform_system=self.platform_system,
            platform_version="",
            python_full_version=f"{python}.0",
            python_version=python,
            sys_platform=self.sys_platform,
        )


def _manylinux(machine: str) -> Iterator[str]:
    major, newest = _GLIBC
    for minor in range(newest, 4, -1):
        yield f"manylinux_{major}_{minor}_{machine}"
        if minor in LEGACY_MANYLINUX:
            yield f"{LEGACY_MANYLINUX[minor]}_{machine}"
    yield f"linux_{machine}"


TARGETS: dict[str, TargetPlatform] = {
    "linux_x86_64": TargetPlatform(
        name="linux_x86_64",
        uv_platform="x86_64-manylinux_2_28",
        platforms=tuple(_manylinux("x86_64")),
        sys_platform="linux",
        platform_system="Linux",
        os_name="posix",
        machine="x86_64",
        suffix=".run",
    ),
    "win_amd64": TargetPlatform(
        name="win_amd64",
        uv_platform="x86_64-pc-windows-msvc",
        platforms=("win_amd64",),
        sys_platform="win32",
        platform_system="Windows",
        os_name="nt",
        machine="AMD64",
        suffix=".exe",
    ),
}


def find_target(name: str) -> TargetPlatform:
    """The target of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in TARGETS:
        raise UsageError(
            f"There is no target {name!r}.", remedy=f"Choose one of: {', '.join(TARGETS)}."
        )
    return TARGETS[name]


def host_target() -> TargetPlatform | None:
    """The target that this machine itself is, if it is one."""
    here = (platform.system(), platform.machine())
    return next((t for t in TARGETS.values() if (t.platform_system, t.machine) == here), None)
