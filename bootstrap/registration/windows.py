"""Windows: the Start menu, and "Installed apps" in the user's own part of the registry.

Everything here raises OSError, whatever the library underneath does.
"""

import sys

if sys.platform == "win32":
    import os
    import tempfile
    import winreg
    from collections.abc import Iterator
    from contextlib import contextmanager, suppress
    from pathlib import Path
    from typing import Any

    import pythoncom
    import pywintypes
    from win32com.shell import shell, shellcon

    from bootstrap.bundle.reader import BundleReader
    from bootstrap.events import Listener
    from bootstrap.files import patiently, remove_file, replace_file
    from bootstrap.processes import delete_later
    from bootstrap.registration.model import UNINSTALLER, Place, Registration
    from bootstrap.target import usual_target

    _UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall"

    def write_uninstaller(reader: BundleReader, target: Path) -> None:
        """Put the installer's own program into the target, for when the stick is gone.

        Raises:
            BusyError: the one that is there runs.
        """
        replace_file(target / UNINSTALLER, reader.program())

    def remove_uninstaller(target: Path, listener: Listener) -> bool:
        """Delete it; where it is what runs here, it goes as soon as it has ended.

        Returns:
            Whether it is still in the target.

        Raises:
            BusyError: somebody else keeps it open.
        """
        path = target / UNINSTALLER
        if not (path.exists() and path.samefile(sys.executable)):
            remove_file(path)
            return False
        moved = _move_out(path)
        try:
            delete_later(moved, empty_folder=target)
        except OSError as error:
            listener.warn(f"Delete {moved} by hand; what would do so cannot be started: {error}.")
        return moved == path

    def _move_out(path: Path) -> Path:
        """A running program cannot be deleted, but renamed, on the same disk."""
        name = f"llmsetup-{os.getpid()}-{UNINSTALLER}"
        for folder in (Path(tempfile.gettempdir()), path.parent.parent):
            with suppress(OSError):
                return path.rename(folder / name)
        return path

    def register(registration: Registration) -> None:
        """Make or refresh everything."""
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, rf"{_UNINSTALL}\{registration.key}") as key:
            for name, value in registration.values.items():
                kind = winreg.REG_DWORD if isinstance(value, int) else winreg.REG_SZ
                winreg.SetValueEx(key, name, 0, kind, value)
        with _errors_as_os_errors():
            menu = _menu(registration)
            menu.mkdir(parents=True, exist_ok=True)
            _shortcut(
                menu / _shell_name(registration),
                program=str(registration.target / "shell.bat"),
                folder=str(Path.home()),
            )
            # Not in the target: a folder that somebody works in cannot be deleted.
            _shortcut(
                menu / _uninstall_name(registration),
                program=registration.uninstaller,
                arguments=registration.uninstall_arguments,
                folder=tempfile.gettempdir(),
            )

    def unregister(place: Place) -> None:
        """Remove everything that is there of it."""
        with suppress(FileNotFoundError):
            winreg.DeleteKey(winreg.HKEY_CURRENT_USER, rf"{_UNINSTALL}\{place.key}")
        with _errors_as_os_errors():
            menu = _menu(place)
        for name in (_shell_name(place), _uninstall_name(place)):
            remove_file(menu / name)
        # Others may have put something of their own there.
        if menu.is_dir() and not any(menu.iterdir()):
            patiently(menu.rmdir, menu)

    def _menu(place: Place) -> Path:
        programs = shell.SHGetFolderPath(0, shellcon.CSIDL_PROGRAMS, None, 0)  # type: ignore[arg-type]
        return Path(programs, place.menu(usual_target(place.product)))

    def _shell_name(place: Place) -> str:
        return f"{place.product} shell.lnk"

    def _uninstall_name(place: Place) -> str:
        return f"Uninstall {place.product}.lnk"

    def _shortcut(path: Path, *, program: str, folder: str, arguments: str = "") -> None:
        link: Any = pythoncom.CoCreateInstance(
            shell.CLSID_ShellLink, None, pythoncom.CLSCTX_INPROC_SERVER, shell.IID_IShellLink
        )
        link.SetPath(program)
        link.SetArguments(arguments)
        link.SetWorkingDirectory(folder)
        link.QueryInterface(pythoncom.IID_IPersistFile).Save(str(path), 0)

    @contextmanager
    def _errors_as_os_errors() -> Iterator[None]:
        try:
            yield
        except (pywintypes.error, pythoncom.com_error) as error:
            raise OSError(f"the Start menu cannot be changed: {error}") from error
