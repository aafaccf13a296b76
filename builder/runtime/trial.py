"""Runs inside the runtime that is tried: imports modules, and says what was loaded from where.

Every extension module is imported, so that each library that any of them needs is mapped; the
system then says from where. Arguments are further modules; the answer is a line of JSON.
"""

import ctypes
import importlib
import json
import os
import pathlib
import sys
import sysconfig
import warnings


def main() -> None:
    """Import everything and answer."""
    warnings.simplefilter("ignore")
    failed = {}
    for name in [*sys.argv[1:], *extensions()]:
        try:
            importlib.import_module(name)
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
    answer = {
        "version": sys.version.split()[0],
        "failed": failed,
        "libraries": sorted(windows_libraries() if os.name == "nt" else posix_libraries()),
        "system": os.environ.get("SYSTEMROOT", ""),
        "search": [path for path in sys.path if pathlib.Path(path).exists()],
    }
    print(json.dumps(answer))


def extensions() -> list[str]:
    """Names of all extension modules of the standard library."""
    if os.name == "nt":
        files = pathlib.Path(sys.base_prefix, "DLLs").glob("*.pyd")
    else:
        files = pathlib.Path(sysconfig.get_path("stdlib"), "lib-dynload").glob("*.so")
    return sorted(path.name.partition(".")[0] for path in files)


def posix_libraries() -> set[str]:
    """Files of the shared libraries in this process."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        files = {line.split(maxsplit=5)[5].rstrip("\n") for line in maps if "/" in line}
    return {path for path in files if ".so" in pathlib.PurePath(path).name}


def windows_libraries() -> set[str]:
    """Files of the DLLs in this process."""
    system = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined, unused-ignore]
    system.GetCurrentProcess.restype = ctypes.c_void_p
    handles, needed = (ctypes.c_void_p * 1024)(), ctypes.c_ulong()
    system.K32EnumProcessModules(
        ctypes.c_void_p(system.GetCurrentProcess()),
        *(handles, ctypes.sizeof(handles), ctypes.byref(needed)),
    )
    name, paths = ctypes.create_unicode_buffer(32768), set()
    for handle in handles[: needed.value // ctypes.sizeof(ctypes.c_void_p)]:
        system.GetModuleFileNameW(ctypes.c_void_p(handle), name, len(name))
        paths.add(name.value)
    return paths


if __name__ == "__main__":
    main()
