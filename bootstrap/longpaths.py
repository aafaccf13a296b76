r"""Paths of any length, on Windows, too.

Unless an administrator has allowed more (``LongPathsEnabled``), Windows takes 259 characters,
but any number behind ``\\?\``. People, other programs and configuration files see such a path
as they know it; only the system gets the prefix.
"""

import sys
from pathlib import Path

_PREFIX = "\\\\?\\"
_UNC_PREFIX = "\\\\?\\UNC\\"


def extended(path: str) -> str:
    r"""An absolute Windows path with the prefix; a relative one as it is.

    Args:
        path: with backslashes only and without ``..``, which nobody interprets behind the prefix.
    """
    if path.startswith(_PREFIX):
        return path
    if path.startswith("\\\\"):
        return _UNC_PREFIX + path[2:]
    return _PREFIX + path if path[1:3] == ":\\" else path


def plain(path: str) -> str:
    """The path as people know it; elsewhere than on Windows nothing changes."""
    if path.startswith(_UNC_PREFIX):
        return "\\\\" + path.removeprefix(_UNC_PREFIX)
    # A volume that has no letter is known by nothing but such a path.
    return path.removeprefix(_PREFIX) if path[len(_PREFIX) + 1 :].startswith(":") else path


if sys.platform == "win32":
    from pathlib import WindowsPath

    class _LongPath(WindowsPath):
        """``str`` gives what people see, ``os.fspath`` what the system gets."""

        def __fspath__(self) -> str:
            return extended(str(self))

        def resolve(self, strict: bool = False) -> "_LongPath":  # noqa: FBT001, FBT002
            return type(self)(plain(str(super().resolve(strict))))

        def readlink(self) -> "_LongPath":
            return type(self)(plain(str(super().readlink())))

    def lengthen(path: Path) -> Path:
        """The same path, and every one that is made from it, without a limit of its length."""
        return _LongPath(plain(str(path)))

else:

    def lengthen(path: Path) -> Path:
        """The path as it is: only Windows limits it."""
        return path
