"""Which files a distribution has, by its RECORD, and where a wheel holds them."""

import csv
import io
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from bootstrap.extras.metadata import LARGEST_RECORD, read_text
from bootstrap.extras.model import CannotCarryError, File, Scheme
from bootstrap.generation import Generation

# What pip and uv write about their own work; and signatures of the RECORD that was.
OF_INSTALLER = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
_NOT_IN_WHEEL = ("RECORD", "RECORD.jws", "RECORD.p7s", *OF_INSTALLER)
_DEEPEST = 200
# How many files installers for Windows make of one entry point, the older ones included.
_WINDOWS_SCRIPTS = (".exe", "-script.py", "-script.pyw", ".exe.manifest")


def list_files(live: Generation, folder: Path, scripts: Sequence[str]) -> tuple[File, ...]:
    """Every file of one distribution, looked at.

    Args:
        live: where it is installed.
        folder: its ``.dist-info``.
        scripts: names of those that are made from entry points.

    Raises:
        CannotCarryError: a file is missing, is none, or is not its own to bring.
    """
    made = _made(scripts, windows=live.target == "win_amd64")
    shelf = _Shelf(live, folder, frozenset(name for names in made for name in names))
    # Some installers list a file twice.
    found = {(file.scheme, file.path): file for file in shelf.files()}
    for name in ("METADATA", "WHEEL"):
        if ("root", f"{folder.name}/{name}") not in found:
            raise CannotCarryError(f"Its RECORD does not list its {name}.")
    return (
        *(file for _, file in sorted(found.items())),
        *(File(scheme="scripts", path=names[0], source=None) for names in made),
    )


def _made(scripts: Sequence[str], *, windows: bool) -> list[tuple[str, ...]]:
    """For each entry point the script's own file, then others of older installers."""
    if not windows:
        return [(name,) for name in scripts]
    return [tuple(f"{name}{suffix}" for suffix in _WINDOWS_SCRIPTS) for name in scripts]


class _Shelf:
    """Where one environment has which files of wheels; all paths are relative to it.

    Args:
        live: the environment's generation.
        info: the distribution's ``.dist-info``.
        made: file names of scripts that are made when installing.
    """

    def __init__(self, live: Generation, info: Path, made: frozenset[str]) -> None:
        self._venv = os.path.realpath(live.venv)
        self._info = info
        self._name = canonicalize_name(info.name.partition("-")[0])
        self._made = {os.path.normcase(name) for name in made}
        self._site = str(live.site_packages.relative_to(live.venv))
        self._scripts = str(live.scripts.relative_to(live.venv))
        self._includes = (
            str(live.include.relative_to(live.venv)),
            # pip has this place of its own for them on Windows, too.
            os.path.join("include", "site", f"python{live.python_version}"),  # noqa: PTH118
        )
        self._own_folders = dict[str, bool]()

    def files(self) -> Iterator[File]:
        """Those of RECORD that belong into a wheel."""
        for row in self._rows():
            inner = os.path.normpath(os.path.join(self._site, row))  # noqa: PTH118
            # The separator is for what is nothing but "..".
            if Path(inner).anchor or f"{inner}{os.sep}".startswith(f"..{os.sep}"):
                raise CannotCarryError(
                    f"Its RECORD lists {row!r}, which leads out of the environment."
                )
            # Installers split a RECORD at whatever may be the end of a line, and make folders by
            # way of all that are above them.
            if len(inner.splitlines()) != 1 or inner.count(os.sep) > _DEEPEST:
                raise CannotCarryError(f"Its file {inner!r} has a name that no wheel can hold.")
            scheme, path = self._place(inner)
            if not self._is_left_out(scheme, path):
                yield self._look(inner, scheme, path)

    def _rows(self) -> Iterator[str]:
        text = read_text(self._info / "RECORD", LARGEST_RECORD)
        try:
            for row in csv.reader(io.StringIO(text, newline="")):
                if row and row[0]:
                    yield row[0]
        except csv.Error as error:
            raise CannotCarryError(f"Its RECORD cannot be understood ({error}).") from error

    def _place(self, inner: str) -> tuple[Scheme, str]:
        if path := _below(self._site, inner):
            self._require_own(path)
            return "root", path
        if path := _below(self._scripts, inner):
            return "scripts", path
        for include in self._includes:
            first, _, path = _below(include, inner).partition("/")
            if path and canonicalize_name(first) == self._name:
                return "headers", path
        path = inner.replace(os.sep, "/")
        if "site-packages" in path.lower().split("/"):
            # There it would be of no distribution, and unseen.
            raise CannotCarryError(f"Its RECORD lists {path!r}, which is another Python's.")
        return "data", path

    def _require_own(self, path: str) -> None:
        first, _, _ = path.partition("/")
        if first.endswith((".dist-info", ".data")) and first != self._info.name:
            raise CannotCarryError(f"Its RECORD lists {path!r}, which no wheel of it can hold.")

    def _is_left_out(self, scheme: Scheme, path: str) -> bool:
        *folders, name = path.split("/")
        # pip compiles scripts, too.
        if "__pycache__" in folders:
            return True
        if scheme == "scripts":
            return os.path.normcase(path) in self._made
        return scheme == "root" and folders == [self._info.name] and name in _NOT_IN_WHEEL

    def _look(self, inner: str, scheme: Scheme, path: str) -> File:
        full = os.path.join(self._venv, inner)  # noqa: PTH118
        try:
            status = os.lstat(full)
            own = self._is_own(os.path.dirname(full))  # noqa: PTH120
        except FileNotFoundError as error:
            raise CannotCarryError(f"Its file {path} is missing.") from error
        except (OSError, ValueError) as error:
            raise CannotCarryError(f"Its file {path!r} cannot be looked at ({error}).") from error
        if not (own and stat.S_ISREG(status.st_mode)):
            raise CannotCarryError(f"Its file {path} is a link, or is none.")
        return File(
            scheme=scheme,
            path=path,
            source=full,
            size=status.st_size,
            executable=bool(status.st_mode & stat.S_IXUSR),
        )

    def _is_own(self, folder: str) -> bool:
        """Whether no folder on the way is a link, which leads to files of somebody else."""
        own = self._own_folders.get(folder)
        if own is None:
            own = self._own_folders[folder] = os.path.realpath(folder) == folder
        return own


def _below(folder: str, path: str) -> str:
    """The path relative to ``folder``, with forward slashes; empty where it lies elsewhere."""
    start = os.path.normcase(folder) + os.sep
    inside = os.path.normcase(path).startswith(start)
    return path[len(start) :].replace(os.sep, "/") if inside else ""
