"""Boxes of Windows, for who double-clicked and so has no terminal to read in.

A console program that is started that way gets a console of its own, which PyInstaller hides.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bootstrap.ui.console import is_terminal

if sys.platform == "win32":
    import pywintypes
    import win32api
    import win32con
    import win32console
    import win32service

    _PATIENCE = "This may take some minutes; another message tells when it is done."

    def wanted() -> bool:
        """Whether nobody but us, and PyInstaller's parent process, is in a console to be seen.

        Tasks, services and scripts of an administrator have consoles of their own as well, but
        where a box would wait for ever for somebody to see it.
        """
        if not all(stream and is_terminal(stream) for stream in (sys.stdin, sys.stdout)):
            return False
        try:
            present = win32console.GetConsoleProcessList()
            return set(present) <= {os.getpid(), os.getppid()} and _visible()
        except pywintypes.error:
            # There is none: whoever started us did not want one.
            return False

    def _visible() -> bool:
        """Whether windows of this process are shown to anybody (USEROBJECTFLAGS)."""
        shown = 1  # WSF_VISIBLE, which pywin32 does not name
        # Its stubs know nothing of what the one returns and the other takes.
        station: Any = win32service.GetProcessWindowStation()
        flags: Any = win32service.GetUserObjectInformation(station, win32con.UOI_FLAGS)  # type: ignore[func-returns-value]
        # Without a window of the console somebody has asked for none at all (CREATE_NO_WINDOW).
        window = win32console.GetConsoleWindow()  # type: ignore[no-untyped-call]
        return bool(window and flags["Flags"] & shown)

    def ask(question: str, details: Iterable[str]) -> bool:
        """Yes or no."""
        # Nothing is to be seen of the work itself.
        text = "\n".join([*details, "", question, _PATIENCE])
        style = win32con.MB_YESNO | win32con.MB_ICONQUESTION
        return _show(text, style) == win32con.IDYES

    def tell(text: str, *, failed: bool) -> None:
        """How it ended."""
        _show(text, win32con.MB_ICONERROR if failed else win32con.MB_ICONINFORMATION)

    def _show(text: str, style: int) -> int:
        title = Path(sys.executable).stem
        return win32api.MessageBox(0, text, title, style | win32con.MB_SETFOREGROUND)

else:

    def wanted() -> bool:
        """Whoever has a desktop here has a terminal, too."""
        return False

    def ask(question: str, details: Iterable[str]) -> bool:
        """Nobody is asked."""
        del question, details
        return True

    def tell(text: str, *, failed: bool) -> None:
        """Nobody is told."""
        del text, failed
