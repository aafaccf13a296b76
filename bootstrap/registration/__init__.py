"""How the system knows of an installation: its menu, and its list of installed programs.

One module per system, with the same functions. All of it is the user's own; nobody needs
an administrator for it, and an installation works without it.
"""

import sys

from bootstrap.registration.model import UNINSTALLER, Place, Registration

if sys.platform == "win32":
    from bootstrap.registration.windows import (
        register,
        remove_uninstaller,
        unregister,
        write_uninstaller,
    )
else:
    from bootstrap.registration.linux import (
        register,
        remove_uninstaller,
        unregister,
        write_uninstaller,
    )

__all__ = [
    "UNINSTALLER",
    "Place",
    "Registration",
    "register",
    "remove_uninstaller",
    "unregister",
    "write_uninstaller",
]
