"""Freezing for Windows, there or under Wine: icon, version, manifest, and a guarded start.

The result is PyInstaller's ordinary one-file program: a PE image, and the PKG behind it.
"""

from pathlib import Path

from builder.launching import Launcher
from builder.stub.hardening import harden
from builder.stub.identity import Identity

_RESOURCES = Path(__file__).with_name("resources")
ICON = _RESOURCES / "installer.ico"
MANIFEST = _RESOURCES / "installer.manifest"
# Runs before anything else does.
RUNTIME_HOOK = _RESOURCES / "system_libraries.py"
OPTIONS = (
    # Double-clicked, no console shows; started from one, it speaks there.
    *("--hide-console", "hide-early"),
    # The launchers that wheel installation on Windows puts before console scripts.
    *("--collect-data", "installer"),
    # Imported by their names only, where they are needed.
    *("--hidden-import", "win32timezone"),
    # pywin32's own windows, which its COM support would bring along.
    *(f"--exclude-module={module}" for module in ("pythonwin", "win32ui", "win32trace")),
)


def options(folder: Path, identity: Identity, home: Path, launcher: Launcher) -> list[str]:
    """PyInstaller's options.

    Args:
        folder: where files that they name are written.
        identity: what the program says of itself.
        home: where the Python that freezes is installed.
        launcher: how that Python is started here.
    """
    version = folder / "version.txt"
    version.write_text(_version_resource(identity), encoding="utf-8")
    files = {
        "--icon": ICON,
        "--manifest": MANIFEST,
        "--version-file": version,
        "--runtime-hook": RUNTIME_HOOK,
    }
    # Python looks for it with every extension module: beside its own DLL, then beside the
    # program, where it must not be found first.
    stable_abi = ("--add-binary", f"{launcher.path(home / 'python3.dll')};.")
    return [
        *OPTIONS,
        *stable_abi,
        *(text for name, path in files.items() for text in (name, launcher.path(path))),
    ]


def assemble(folder: Path, name: str) -> bytes:
    """The stub from what PyInstaller has made."""
    return harden((folder / "dist" / f"{name}.exe").read_bytes())


def _version_resource(identity: Identity) -> str:
    """The text that PyInstaller makes a VERSIONINFO resource of."""
    numbers = (*identity.release, 0, 0, 0, 0)[:4]
    texts = {
        "CompanyName": identity.company,
        "FileDescription": f"{identity.product} {identity.version} offline installer",
        "FileVersion": identity.version,
        "InternalName": identity.product,
        "OriginalFilename": f"{identity.product}.exe",
        "ProductName": identity.product,
        "ProductVersion": identity.version,
    }
    table = ", ".join(f"StringStruct({name!r}, {text!r})" for name, text in texts.items())
    return (
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3f, "
        "flags=0x0, OS=0x40004, fileType=0x1, subtype=0x0, date=(0, 0)), kids=["
        f"StringFileInfo([StringTable('040904B0', [{table}])]), "
        "VarFileInfo([VarStruct('Translation', [0x0409, 1200])])])\n"
    )
