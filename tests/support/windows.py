"""A Windows machine of the tests' own: a Wine prefix that was never used before."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath

from builder.fetch import Cache, default_cache_folder
from builder.launching import WINE_IS_NOT_READY
from builder.progress import Progress
from builder.wine import Rig, open_rig
from tests.support.debian import require_debian

_TIMEOUT = 900
_STARTS = 3


def windows_rig() -> Rig:
    """The builder's own rig; skips the test where Wine is not and cannot be installed."""
    require_debian("wine", "wine64")
    return open_rig(Cache(default_cache_folder()), offline=False, progress=Progress())


class WindowsMachine:
    """Runs programs in a Wine prefix.

    Args:
        prefix: the prefix.
        rig: whose Wine is used.
    """

    def __init__(self, prefix: Path, rig: Rig) -> None:
        self._prefix = prefix
        self._rig = rig
        basic = {"PATH": os.environ["PATH"], "HOME": str(prefix), "LANG": "C.UTF-8"}
        self._environment = basic | {**rig.launcher.environment, "WINEPREFIX": str(prefix)}

    def path(self, inside: str) -> Path:
        """Where ``C:\\…`` is found from outside."""
        path = PureWindowsPath(inside)
        return self._prefix.joinpath("drive_c", *path.parts[1:])

    def seen(self, path: Path) -> str:
        """What a file outside is called in there."""
        return self._rig.launcher.path(path)

    def run(
        self, program: str | Path, *arguments: str, encoding: str = "utf-8", **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program, of either world, to its end; again where Wine was not ready for it.

        Standard output to a file is what Wine cannot do; pipes work.

        Args:
            program: by its path inside or outside, or one of Windows' own by its name.
            arguments: what it gets.
            encoding: of what it writes.
            environment: what is set besides the usual.
        """
        for _ in range(_STARTS):
            done = subprocess.run(
                [*self._rig.launcher.wrapper, program, *arguments],
                env=self._environment | environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding=encoding,
                errors="replace",
                check=False,
                timeout=_TIMEOUT,
            )
            if WINE_IS_NOT_READY not in done.stderr:
                break
        return done

    def start(self, program: str | Path, *arguments: str) -> "subprocess.Popen[str]":
        """Start a program, and talk with it."""
        return subprocess.Popen(
            [*self._rig.launcher.wrapper, program, *arguments],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def registry(self, key: str) -> str:
        """What ``reg query`` says of a key and all below it; empty when it is not there."""
        done = self.run("reg", "query", key, "/s", encoding="cp437")
        return done.stdout if done.returncode == 0 else ""

    def settle(self) -> None:
        """Wait until what programs have left running in the background has ended."""
        subprocess.run(["wineserver", "--wait"], env=self._environment, check=True, timeout=60)

    def shut_down(self) -> None:
        """End whatever still runs, Wine's own services included."""
        subprocess.run(["wineserver", "--kill"], env=self._environment, check=False, timeout=60)
        subprocess.run(["wineserver", "--wait"], env=self._environment, check=False, timeout=60)


@contextmanager
def open_windows(folder: Path, rig: Rig) -> Iterator[WindowsMachine]:
    """A machine as it comes from the factory, gone when the context ends.

    Args:
        folder: a new folder for the prefix.
        rig: whose own prefix is the factory.
    """
    factory = Path(rig.launcher.environment["WINEPREFIX"])
    # Windows' own files are never written to; the rest, registry included, must be copied.
    windows = factory / "drive_c" / "windows"

    def copy(source: str, destination: str) -> None:
        if Path(source).is_relative_to(windows):
            os.link(source, destination)
        else:
            shutil.copy2(source, destination)

    try:
        shutil.copytree(factory, folder, symlinks=True, copy_function=copy)
    except OSError:
        # Another file system: then everything.
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(factory, folder, symlinks=True)
    machine = WindowsMachine(folder, rig)
    try:
        yield machine
    finally:
        machine.shut_down()
        shutil.rmtree(folder, ignore_errors=True)
