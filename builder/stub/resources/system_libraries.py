"""Runs inside the frozen installer on Windows, before any other code of it.

An extension module's DLLs are searched beside the module, then beside the program, and only
then among the system's (LOAD_LIBRARY_SEARCH_DEFAULT_DIRS, as Python asks for). Beside the
program lies what else somebody has downloaded, or a stick. A DLL that is there already is not
searched for, so those of the system that our modules import are loaded by their full paths
now; and who asks without saying where from here on, is not sent beside the program.
"""

import ctypes
import os
import sys

_SYSTEM32 = 0x800
_USER_DIRS = 0x400
# Of what the stub's modules import, all that Windows does not take from its own folder anyway
# (KnownDLLs). A test compares the list with the frozen modules.
_IMPORTED = (
    "bcrypt",
    "crypt32",
    "iphlpapi",
    "netapi32",
    "oleacc",
    "powrprof",
    "secur32",
    "urlmon",
    "version",
)

kernel32 = ctypes.WinDLL("kernel32")
folder = ctypes.create_unicode_buffer(260)
kernel32.GetSystemDirectoryW(folder, len(folder))
for name in _IMPORTED:
    try:
        ctypes.WinDLL(os.path.join(folder.value, f"{name}.dll"), winmode=_SYSTEM32)
    except OSError:
        # This Windows does not have it; then nothing here can need it.
        continue
# Modules in folders of their own ask for what only our own folder has; Python's DLL brought the
# other half of it.
ctypes.WinDLL(os.path.join(sys._MEIPASS, "VCRUNTIME140_1.dll"))  # noqa: SLF001 (documented)
kernel32.SetDefaultDllDirectories(_SYSTEM32 | _USER_DIRS)
