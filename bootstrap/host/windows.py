"""Windows: the same functions as :mod:`bootstrap.host.linux`.

Only what asks the system is missing elsewhere; the rest can be tested anywhere.
"""

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

from packaging.version import Version

from bootstrap.host.model import VC_LIBRARIES, DiskFacts, SystemFacts, SystemLibrary
from bootstrap.longpaths import plain

_CURRENT_VERSION = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
_FILE_SYSTEM = r"SYSTEM\CurrentControlSet\Control\FileSystem"
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


def synced_folders(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where OneDrive keeps its copies, for each kind of account."""
    names = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")
    return tuple({Path(environment[name]): None for name in names if environment.get(name)})


if sys.platform == "win32":
    import ctypes
    import winreg

    import pywintypes
    import win32api
    import win32con
    import win32process

    def system_facts() -> SystemFacts:
        """Name and settings of this system; there is no glibc."""
        return SystemFacts(
            system=platform.system(),
            release=_release(),
            machine=platform.machine(),
            glibc=None,
            long_paths=_long_paths(),
            synced_folders=synced_folders(os.environ),
            vc_libraries=_vc_libraries(),
        )

    def users_of(*folders: Path) -> tuple[int, ...]:
        """Numbers of the processes that run a program or a library from these folders.

        Of other users' processes only an administrator can tell.
        """
        # A process keeps the name that it was started by, which may lead through a junction.
        places = {place for folder in folders for place in (folder, folder.resolve())}
        marks = tuple(f"{os.path.normcase(str(place))}\\" for place in places)
        return tuple(
            number
            for number in win32process.EnumProcesses()
            if any(os.path.normcase(module).startswith(marks) for module in _modules(number))
        )

    def _modules(process: int) -> list[str]:
        try:
            access = win32con.PROCESS_QUERY_INFORMATION | win32con.PROCESS_VM_READ
            handle = win32api.OpenProcess(access, False, process)  # noqa: FBT003
            modules = win32process.EnumProcessModules(handle)
            return [plain(win32process.GetModuleFileNameEx(handle, module)) for module in modules]
        except pywintypes.error:
            # It has ended, or belongs to somebody else.
            return []

    def _long_paths() -> bool:
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _FILE_SYSTEM) as key:
                return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
        except OSError:
            return False

    def _vc_libraries() -> tuple[SystemLibrary, ...]:
        folder = Path(win32api.GetSystemDirectory())
        return tuple(
            SystemLibrary(name=name, version=_file_version(folder / name))
            for name in VC_LIBRARIES
            if (folder / name).is_file()
        )

    def _file_version(path: Path) -> Version | None:
        try:
            stated = win32api.GetFileVersionInfo(str(path), "\\")
        except pywintypes.error:
            return None
        high, low = stated["FileVersionMS"], stated["FileVersionLS"]
        return Version(f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}")

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
