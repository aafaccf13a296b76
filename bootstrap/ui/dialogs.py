"""Boxes of Windows, for who double-clicked and so has no terminal to read in.

A console program that is started that way gets a console of its own, which PyInstaller hides.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

if sys.platform == "win32":
    import pywintypes
    import win32api
    import win32con
    import win32console

    _PATIENCE = "This may take some minutes; another message tells when it is done."

    def wanted() -> bool:
        """Whether nobody but us, and PyInstaller's parent process, is in our console."""
        try:
            present = win32console.GetConsoleProcessList()
        except pywintypes.error:
            # There is none: whoever started us did not want one.
            return False
        return set(present) <= {os.getpid(), os.getppid()}

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
