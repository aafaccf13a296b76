"""Windows: the same functions as :mod:`bootstrap.host.linux`.

Only what asks the system is missing elsewhere; the rest can be tested anywhere.
"""

import platform
import sys
from pathlib import Path

from bootstrap.host.model import DiskFacts, SystemFacts

_CURRENT_VERSION = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_NAMES = ("ProductName", "DisplayVersion", "CurrentBuild")
_FIRST_WINDOWS_11 = 22000


def release_name(product: str, display: str, build: str) -> str:
    """What people call this Windows, such as ``Windows 11 Pro 23H2 (build 22631)``.

    Args:
        product: ``ProductName``, which still says "Windows 10" on Windows 11.
        display: ``DisplayVersion``; empty before Windows 10 20H2.
        build: ``CurrentBuild``.
    """
    if build.isdecimal() and int(build) >= _FIRST_WINDOWS_11:
        product = product.replace("Windows 10", "Windows 11")
    return " ".join(part for part in (product, display, f"(build {build})") if part)


def users_of(folder: Path) -> tuple[int, ...]:
    """Nobody has to be asked: Windows itself refuses to delete what is in use."""
    del folder
    return ()


if sys.platform == "win32":
    import ctypes
    import winreg

    def system_facts() -> SystemFacts:
        """Name of this system; there is no glibc."""
        return SystemFacts(
            system=platform.system(), release=_release(), machine=platform.machine(), glibc=None
        )

    def disk_facts(path: Path) -> DiskFacts:
        """The file system that the existing ``path`` lies on; Windows knows no noexec mounts."""
        return DiskFacts(filesystem=_filesystem(path), noexec=False)

    def _release() -> str:
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _CURRENT_VERSION) as key:
                return release_name(*(_value(key, name) for name in _NAMES))
        except OSError:
            return platform.version()

    def _value(key: winreg.HKEYType, name: str) -> str:
        try:
            return str(winreg.QueryValueEx(key, name)[0])
        except FileNotFoundError:
            return ""

    def _filesystem(path: Path) -> str | None:
        kernel32 = ctypes.windll.kernel32
        volume = ctypes.create_unicode_buffer(1024)
        name = ctypes.create_unicode_buffer(64)
        # A volume may be mounted in a folder, so the drive letter alone does not tell.
        found = kernel32.GetVolumePathNameW(str(path.resolve()), volume, len(volume))
        if found and kernel32.GetVolumeInformationW(
            volume, None, 0, None, None, None, name, len(name)
        ):
            return name.value or None
        return None
