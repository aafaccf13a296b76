"""Says what is live in a target, and whether it is whole. Knows nothing of the installer.

It goes by what users are promised: ``.venv`` is the live environment, ``install.json`` says the
same, each distribution's files are what its RECORD says, everything can be imported, and besides
a few names nothing else lies there.
"""

import base64
import csv
import hashlib
import json
import os
import re
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT = 60
_HANDED_ON = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
# The standard library's compiled parts as well, and whatever somebody has compiled before:
# Python believes bytecode of the right age, however short it is.
_IMPORT_ALL = """
import importlib, marshal, os, sys
for name in sys.argv[1:] + ["ssl", "sqlite3", "ctypes", "zlib", "json", "decimal", "venv"]:
    importlib.import_module(name)
for root in {sys.prefix, sys.base_prefix}:
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".pyc"):
                with open(os.path.join(folder, name), "rb") as file:
                    marshal.loads(file.read()[16:])
print("fine")
"""
_AT_THE_TOP = frozenset(
    {
        *(".venv", "evidence", "generations", "install.json", "logs"),
        *("python.sh", "shell.sh", ".install.lock"),
    }
)
# What is the user's.
_KEPT = frozenset({"user-files", "extras"})
_HALF = re.compile(r"\..*\.(part|removed)")
# Hold times, or are made by whoever runs it first.
_NEVER_ALIKE = ("inventory.csv", ".torch_lock")
# Scripts name the folder that they lie in, so their hashes are those of one generation.
_SCRIPT_ROW = re.compile(rb"^(\.\./[^,]*),.*$", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What is live.

    Attributes:
        generation: name of the folder that ``.venv`` leads into.
        exact: hash of every name, mode and byte in that folder; empty where there is no folder.
        kind: the same, but equal for two installations of the same bundle.
        faults: what is wrong with it.
    """

    generation: str
    exact: str
    kind: str
    faults: tuple[str, ...]


def look(target: Path) -> Environment | None:
    """What is live in ``target``; None when nothing is."""
    link = target / ".venv"
    if not os.path.lexists(link):
        return None
    if not link.is_symlink():
        return Environment(generation="", exact="", kind="", faults=(f"{link} is no link",))
    generation = link.readlink().parent.name
    if not link.exists():
        return Environment(
            generation=generation, exact="", kind="", faults=(f"{link} leads nowhere",)
        )
    exact, kind = _hashes(target / "generations" / generation)
    faults = (*_not_as_recorded(link), *_not_running(link))
    return Environment(generation=generation, exact=exact, kind=kind, faults=faults)


def _hashes(folder: Path) -> tuple[str, str]:
    """Of every name, mode and byte, and of what two installations have in common."""
    exact, kind = hashlib.sha256(), hashlib.sha256()
    own = _any_name_of(folder.name)
    for path in _walk(folder):
        status, name = path.lstat(), path.relative_to(folder)
        if stat.S_ISLNK(status.st_mode):
            content = os.fsencode(path.readlink())
        else:
            content = b"" if path.is_dir() else path.read_bytes()
        head = f"{name} {status.st_mode:o} ".encode()
        digest = hashlib.sha256(content).digest()
        exact.update(head + digest)
        if "__pycache__" in name.parts or name.name in _NEVER_ALIKE:
            continue
        if name.name == "RECORD":
            content = _SCRIPT_ROW.sub(rb"\1", content)
        if name.name == "RECORD" or own.search(content):
            digest = hashlib.sha256(own.sub(b"@", content)).digest()
        kind.update(head + digest)
    return exact.hexdigest(), kind.hexdigest()


def _any_name_of(generation: str) -> re.Pattern[bytes]:
    """Finds what the generation is called, or another of the same bundle: those have a number."""
    base, _, number = generation.rpartition(".")
    name = base if number.isdigit() else generation
    return re.compile(re.escape(name.encode()) + rb"(\.\d+)?")


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        yield Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))


def _not_as_recorded(venv: Path) -> Iterator[str]:
    """Files of distributions that are missing, or not what RECORD says."""
    records = sorted(venv.glob("lib/python3*/site-packages/*.dist-info/RECORD"))
    if not records:
        yield "it holds no distribution"
    for record in records:
        site = record.parents[1]
        try:
            with record.open(encoding="utf-8", newline="") as file:
                rows = [(row[0], row[1], row[2]) for row in csv.reader(file)]
        except (OSError, ValueError, IndexError, csv.Error) as error:
            yield f"{record} cannot be read: {error!r}"
            continue
        if not any(path.endswith(".dist-info/RECORD") for path, _, _ in rows):
            yield f"{record} does not name itself, so it is cut off"
        for path, digest, size in rows:
            if fault := _fault(site / path, digest, size):
                yield f"{path} {fault}"


def _fault(path: Path, digest: str, size: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not digest:
        return ""
    algorithm, _, value = digest.partition("=")
    made = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).decode()
    return "" if (made.rstrip("="), str(len(content))) == (value, size) else "is not as recorded"


def _not_running(venv: Path) -> Iterator[str]:
    """What its Python says when it must import everything."""
    files = venv.glob("lib/python3*/site-packages/*/*.py")
    modules = sorted(
        {f"{path.parent.name}.{path.stem}".removesuffix(".__init__") for path in files}
    )
    command = [str(venv / "bin/python"), "-I", "-B", "-c", _IMPORT_ALL, *modules]
    try:
        done = subprocess.run(
            command,
            env=_HANDED_ON,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        yield f"its Python does not run: {error}"
        return
    if done.returncode != 0 or done.stdout != "fine\n":
        last = done.stderr.strip().rpartition("\n")[2]
        yield f"its Python ends with {done.returncode}: {last}"


def leftovers(target: Path, *, kept: int) -> list[str]:
    """What lies there that should not, when nothing is being done.

    Args:
        target: where something was installed, or was to be.
        kept: how many generations there should be.
    """
    if not target.is_dir():
        return []
    found = [
        f"{path.name} is left"
        for path in target.iterdir()
        if path.name not in _AT_THE_TOP | _KEPT and not _HALF.fullmatch(path.name)
    ]
    found += [
        f"{path.relative_to(target)} is left"
        for path in _walk(target)
        if _HALF.fullmatch(path.name)
    ]
    generations = target / "generations"
    names = sorted(path.name for path in generations.glob("*"))
    if len(names) != kept:
        found.append(f"{kept} generations should be there, and there are: {', '.join(names)}")
    return found


def untruths(target: Path) -> Iterator[str]:
    """What ``install.json`` says that is not so, of a target with a live environment."""
    link, names = target / ".venv", {path.name for path in target.glob("generations/*")}
    try:
        state = json.loads((target / "install.json").read_bytes())["state"]
    except (OSError, ValueError, KeyError) as error:
        yield f"install.json cannot be read: {error!r}"
        return
    for doing in ("building", "removing"):
        if state.get(doing):
            yield f"install.json says that {state[doing]} is still {doing}"
    live = link.readlink().parent.name if link.is_symlink() else None
    said = (state.get("live") or {}).get("generation")
    if said != live:
        yield f".venv leads to {live}, but install.json says {said}"
    known = {name for name in (live, (state.get("previous") or {}).get("generation")) if name}
    if names != known:
        yield f"install.json knows {sorted(known)}, but there are {sorted(names)}"


def remains(target: Path) -> list[str]:
    """What is left where everything should be gone."""
    if not os.path.lexists(target):
        return []
    return [f"{path.name} is left" for path in sorted(target.iterdir()) if path.name not in _KEPT]


def holds(folder: Path, content: bytes) -> bool:
    """Whether a file with this content lies anywhere in the folder."""
    return folder.is_dir() and any(
        path.is_file() and not path.is_symlink() and path.read_bytes() == content
        for path in _walk(folder)
        if path.lstat().st_size == len(content)
    )


def holds_wheel(target: Path, name: str) -> bool:
    """Whether a wheel of that name lies where those are that do not come along, and is whole."""
    found = list(target.glob(f"extras/{name}-*.whl"))
    try:
        return len(found) == 1 and zipfile.ZipFile(found[0]).testzip() is None
    except (OSError, zipfile.BadZipFile):
        return False
