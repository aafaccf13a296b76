"""What of a Python installation does not go along, whichever it comes from."""

from pathlib import PurePath

_FOLDERS = frozenset(
    {
        "__pycache__",
        # CPython's own tests, a quarter of its standard library.
        *("test", "tests"),
        # An editor and a demonstration, neither of which is a library.
        *("idlelib", "turtledemo"),
        # More of the kind, and the documentation, beside Lib on Windows.
        *("Tools", "Doc"),
        # Other people's packages: the environment must hold the locked ones and no others.
        *("site-packages", "dist-packages"),
        # pip and friends, which went with site-packages; their scripts name the old place.
        "Scripts",
    }
)
# They would run in every Python of the environment.
_CUSTOMIZATIONS = frozenset({"sitecustomize.py", "usercustomize.py"})
_TEST_EXTENSIONS = ("_test", "_ctypes_test", "_xxtest", "xxlimited")
_EXTENSION_SUFFIXES = (".so", ".pyd")
_STATIC_LIBRARY_SUFFIXES = (".a", ".lib")


def is_left_out(path: PurePath) -> bool:
    """Whether a folder or file is left out; asked for a folder, it means all below it.

    Args:
        path: relative to the installation, or any path below it.
    """
    name = path.name
    if name in _FOLDERS or name in _CUSTOMIZATIONS:
        return True
    # The static library and what one needs to link with it: as large as all the rest.
    if name.startswith("config-") or path.suffix in _STATIC_LIBRARY_SUFFIXES:
        return True
    if path.suffix in _EXTENSION_SUFFIXES and name.startswith(_TEST_EXTENSIONS):
        return True
    return _is_script(path)


def _is_script(path: PurePath) -> bool:
    """Whether it is a script of a package that is left out, such as ``bin/pip3``."""
    return path.parent.name == "bin" and not path.name.startswith("python")
