"""Signs a finished installer for Windows (Authenticode), by the platform's own program.

Signing comes after packing and before proving: what it changes is left out of the bundle's
hashes (:mod:`bootstrap.bundle.pe`), and what is proved is what will be shipped.
"""

import os
import shutil
import sys
from pathlib import Path

from builder.disk import require_room, storing
from builder.errors import UnfitHostError, UsageError
from builder.fetch import sync
from builder.pack.contents import Contents
from builder.processes import ProgramError, run_program
from builder.targets import TargetPlatform

PASSWORD_VARIABLE = "LLMSETUP_AUTHENTICODE_PASSWORD"  # noqa: S105 (its name, not the password)
_WINDOWS = sys.platform == "win32"
_TOOL, _INSTALL = (
    ("signtool", "Install the Windows SDK and put the folder of signtool.exe into PATH.")
    if _WINDOWS
    else ("osslsigncode", "Install the package osslsigncode.")
)


def require_signing(key: Path, target: TargetPlatform) -> None:
    """Check what can be checked before there is anything to sign.

    Args:
        key: certificate and private key, PKCS#12.
        target: what is built for.

    Raises:
        UsageError: the target knows no such signatures, or key or password are not given.
        UnfitHostError: the program that signs is missing.
    """
    if target.sys_platform != "win32":
        raise UsageError(
            f"--authenticode signs programs for Windows, not for {target.name}.",
            remedy="Leave it out, or build with --target win_amd64.",
        )
    if not key.is_file():
        raise UsageError(
            f"There is no file {key}.",
            remedy="Give a PKCS#12 file (.p12, .pfx) with certificate and key: --authenticode.",
        )
    if not os.environ.get(PASSWORD_VARIABLE):
        raise UsageError(
            f"The password of {key} is not known.",
            remedy=f"Put it into the environment variable {PASSWORD_VARIABLE}.",
        )
    if shutil.which(_TOOL) is None:
        raise UnfitHostError(f"{_TOOL} is missing, which signs programs.", remedy=_INSTALL)


def try_key(key: Path, contents: Contents, work: Path) -> None:
    """Sign a copy of the stub: a wrong password is known before gigabytes are written.

    So is whether there is room for the second copy of the installer that signing takes.

    Args:
        key: as for :func:`sign`.
        contents: what is going to be packed; its stub stays as it is.
        work: a folder for the copy, which does not stay.

    Raises:
        UsageError, NoSpaceError: as :func:`sign` does.
    """
    trial = work / "stub.exe"
    if contents.volume_size is None:
        require_room(work, 2 * contents.size, option="--output")
    with storing(work, option="--output"):
        try:
            shutil.copyfile(contents.stub.path, trial)
            sign(trial, key)
        finally:
            trial.unlink(missing_ok=True)


def sign(path: Path, key: Path) -> None:
    """Sign a Windows program in its place.

    Args:
        path: the program.
        key: certificate and private key, PKCS#12; its password is in the environment.

    Raises:
        UsageError: key and password do not fit, or the program cannot be signed.
        NoSpaceError: the disk of ``path`` has no room for a second copy.
    """
    require_room(path.parent, path.stat().st_size, option="--output")
    signed = path.with_name(f"{path.name}.signed")
    with storing(path.parent, option="--output"):
        try:
            shutil.copymode(path, _run_tool(path, signed, key))
            sync(signed)
            signed.replace(path)
        except ProgramError as error:
            # Not the error itself: it repeats the command, which signtool's password is part of.
            raise UsageError(
                f"{_TOOL} could not sign {path.name} with {key}:\n  {_reason(error)}",
                remedy=f"See that {key} is a PKCS#12 file with a certificate for signing code and "
                f"its key, and that {PASSWORD_VARIABLE} holds its password.",
            ) from None
        finally:
            signed.unlink(missing_ok=True)


def _run_tool(path: Path, signed: Path, key: Path) -> Path:
    password = os.environ[PASSWORD_VARIABLE]
    if _WINDOWS:
        shutil.copyfile(path, signed)
        options = ["/f", str(key), "/p", password, "/fd", "SHA256"]
        run_program([_TOOL, "sign", *options, str(signed)])
    else:
        options = ["-pkcs12", str(key), "-readpass", "-", "-h", "sha256"]
        run_program([_TOOL, "sign", *options, "-in", str(path), "-out", str(signed)], text=password)
    return signed


def _reason(error: ProgramError) -> str:
    lines = [line for line in error.output.splitlines() if line.strip() and line != "Failed"]
    return lines[0].strip() if lines else "it gave no reason"
