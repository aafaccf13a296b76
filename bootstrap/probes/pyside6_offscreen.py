"""PySide6 works beside torch, without a screen."""
# mypy: disable-error-code=import-not-found

import ctypes
import os
import re
import sys
from pathlib import Path
from typing import NoReturn

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, SkippedError, answer, require

os.environ["QT_QPA_PLATFORM"] = "offscreen"


def _event_loop(application_class: type) -> None:
    """An application that ends by its own first event."""
    from PySide6.QtCore import QTimer

    application = application_class([])
    QTimer.singleShot(0, application.quit)
    code = application.exec()
    require(code == 0, f"the event loop ended with {code}")


def _require_plugin() -> None:
    """Load what Qt would load; where that fails Qt ends the process without asking."""
    from PySide6.QtCore import QLibraryInfo

    plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath))
    for plugin in plugins.glob("platforms/libqoffscreen.so"):
        ctypes.CDLL(str(plugin))


def _give_up(error: Exception, what: str) -> NoReturn:
    """A missing system library is no fault of the environment; any other error is."""
    found = re.search(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object", str(error))
    # What the wheels bring themselves must be there.
    if found is None or found[1].startswith(("libQt6", "libpyside6", "libshiboken6")):
        raise error
    raise SkippedError(f"{what} needs {found[1]}, which this system lacks")


def _prove_qt() -> str:
    try:
        from PySide6.QtCore import QCoreApplication
    except ImportError as error:
        _give_up(error, "Qt")
    try:
        from PySide6.QtGui import QGuiApplication

        _require_plugin()
    except (ImportError, OSError) as error:
        _event_loop(QCoreApplication)
        _give_up(error, "QtCore works, but QtGui")
    _event_loop(QGuiApplication)
    return "event loop without a screen, after torch"


def _prove(_arguments: list[str]) -> Proof:
    # Before Qt: on Windows the C++ runtime that is loaded first is everybody's, and Qt's
    # may be too old for torch.
    import torch

    detail = _prove_qt()
    import PySide6

    return detail, {"PySide6": PySide6.__version__, "torch": torch.__version__}


answer(_prove)
