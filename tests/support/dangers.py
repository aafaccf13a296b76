"""What may make a deletion go astray: :data:`DANGERS`, and :func:`run` tries one of them."""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from bootstrap.removal import aside_of
from tests.support.endangered import MARK, Danger, Outcome, World, mark, run

__all__ = ["DANGERS", "run"]

DANGERS: list[Danger] = []
# What is to be deleted, and inside of what; a path alone is inside of the folder that it is in.
_Attempt = tuple[Path, Path] | Path
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20


def _add(
    name: str, prepare: Callable[[World], _Attempt], outcome: Outcome, *, root: bool = False
) -> None:
    def prepared(world: World) -> tuple[Path, Path]:
        attempt = prepare(world)
        return attempt if isinstance(attempt, tuple) else (attempt, attempt.parent)

    DANGERS.append(Danger(name=name, prepare=prepared, outcome=outcome, needs_root=root))


# Folders that are nobody's to delete.
_add("the root", lambda _: (Path("/"), Path("/")), "refused")
_add("the home folder", lambda w: w.base / "home", "refused")
_add("the home folder inside itself", lambda w: (w.base / "home", w.base / "home"), "refused")
_add("the target", lambda w: w.target, "refused")
_add("the target inside itself", lambda w: (w.target, w.target), "refused")
_add("what holds the target and the home folder", lambda w: w.base, "refused")
_add("a folder inside itself", lambda w: (w.generations, w.generations), "refused")
_add("a folder inside what it holds", lambda w: (w.generations, w.doomed), "refused")
_add("somebody's folder", lambda w: w.precious, "refused")
_add("somebody's folder inside ours", lambda w: (w.precious, w.target), "refused")
_add("somebody's folder inside itself", lambda w: (w.precious / "g1", w.precious), "refused")


def _called(name: str) -> None:
    def prepare(world: World) -> Path:
        (world.target / name).mkdir(exist_ok=True)
        return world.target / name

    _add(f"in the target, but called {name!r}", prepare, "refused")


for _name in ("logs", "Generations", "generations.bak", "user-files ", ".hidden", ".venv", "..."):
    _called(_name)


def _longer_name(world: World) -> _Attempt:
    other = mark(world.base / "llm2") / "generations" / "g1"
    other.mkdir(parents=True)
    return other, world.target


def _unmarked_in_marked(world: World) -> _Attempt:
    (world.target / "logs" / "llm" / "generations" / "g1").mkdir(parents=True)
    return world.target / "logs" / "llm" / "generations" / "g1"


def _marked_generation(world: World) -> _Attempt:
    return mark(world.doomed) / "deep"


_add("another target with a longer name", _longer_name, "refused")
_add("a target without a mark in one with a mark", _unmarked_in_marked, "refused")
_add("a folder in a generation with a mark of its own", _marked_generation, "refused")


# Ways that are not straight.
def _by(way: str, inside: str = "") -> None:
    def prepare(world: World) -> _Attempt:
        return Path(f"{world.target}/{way}"), Path(f"{world.target}/{inside}")

    _add(f"the way {way!r} inside {inside!r}", prepare, "refused")


for _name in ("generations/..", "generations/../logs", "generations/g1/..", "..", "../home"):
    _by(_name)
_by("generations/g1/../../../home/precious")
_by("generations/../../llm/generations/g1", "generations")
_by("../llm/generations/g1", "../llm/generations")


def _relative(world: World) -> _Attempt:
    world.patch.chdir(world.target)
    return Path("generations/g1"), Path("generations")


_add("a relative path", _relative, "refused")
_add("a name with dots at its end", lambda w: w.generations / "g1...", "idle")
_add("a name with a space at its end", lambda w: w.generations / "g1 ", "idle")
_add("a name with a zero byte", lambda w: w.generations / "g1\0", "idle")
_add("a name in another case", lambda w: w.generations / "G1", "idle")


# Folders that somebody needs.
def _worked_in(name: str, at: str, path: str, *, link: bool = False) -> None:
    def prepare(world: World) -> _Attempt:
        (world.base / "link").symlink_to(world.target / at)
        world.patch.chdir(world.base / "link" if link else world.target / at)
        return world.target / path

    _add(name, prepare, "refused")


def _lived_in(name: str, at: str, path: str, *, link: bool = False) -> None:
    def prepare(world: World) -> _Attempt:
        (world.base / "link").symlink_to(world.target / at)
        home = world.base / "link" if link else world.target / at
        world.patch.setenv("HOME", str(home))
        return world.target / path

    _add(name, prepare, "refused")


_worked_in("the current folder", "generations/g1", "generations/g1")
_worked_in("what holds the current folder", "generations/g1/deep/er", "generations")
_worked_in("the current folder by a link", "generations/g1/deep", "generations/g1", link=True)
_lived_in("a home folder that is ours", "generations/g1", "generations/g1")
_lived_in("what holds a home folder", "generations/g1/deep/er", "generations")
_lived_in("a home folder by a link", "generations/g1/deep", "generations/g1", link=True)


# Marks that are none.
def _no_mark(name: str, make: Callable[[World, Path], object]) -> None:
    def prepare(world: World) -> _Attempt:
        (world.target / "install.json").unlink()
        make(world, world.target / "install.json")
        return world.doomed

    _add(name, prepare, "refused")


def _written(name: str, data: bytes) -> None:
    _no_mark(f"a mark that is {name}", lambda _, path: path.write_bytes(data))


def _link_to_a_mark(world: World, path: Path) -> None:
    (world.base / "a mark").write_bytes(MARK)
    path.symlink_to(world.base / "a mark")


def _bind(path: Path) -> None:
    # Sockets have short paths.
    folder = os.open(path.parent, os.O_DIRECTORY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


_written("empty", b"")
_written("cut off", MARK[:-10])
_written("somebody else's", b'{"packageManager": "python"}')
_written("a list", b'["llmsetup_format"]')
_written("one with a word for a number", b'{"llmsetup_format": "1"}')
_written("not UTF-8", b'{"llmsetup_format\xff": 1}')
_written("larger than any", MARK[:-1] + b', "more": "' + b"x" * (2 << 20) + b'"}')
_no_mark("no mark", lambda *_: None)
_no_mark("a mark that is a link", _link_to_a_mark)
_no_mark("a mark that leads nowhere", lambda _, path: path.symlink_to("nowhere"))
_no_mark("a mark that is a folder", lambda _, path: path.mkdir())
_no_mark("a mark that is a pipe", lambda _, path: os.mkfifo(path))
_no_mark("a mark that is a socket", lambda _, path: _bind(path))


# Links on the way, at each level.
def _linked(name: str, at: str, to: str, path: str, outcome: Outcome = "refused") -> None:
    def prepare(world: World) -> _Attempt:
        world.put_link(world.base / at, to.format(precious=world.precious))
        return world.base / path

    _add(name, prepare, outcome)


_linked("the target is a link", "llm", "llm moved", "llm/generations/g1")
_linked("its folder leads to somebody's", "llm/generations", "{precious}", "llm/generations/g1")
_linked(
    "its folder leads to itself", "llm/generations", "generations", "llm/generations/g1", "idle"
)
_linked("its folder leads into ours", "llm/generations", "generations moved", "llm/generations/g1")
_linked("it leads to somebody's", "llm/generations/g1", "{precious}", "llm/generations/g1")
_linked("it leads to what is live", "llm/generations/g1", "live", "llm/generations/g1")
_linked("it leads to nothing", "llm/generations/g1", "nowhere", "llm/generations/g1")
_linked("it leads to itself", "llm/generations/g1", "g1", "llm/generations/g1")
_linked("it leads to the root", "llm/generations/g1", "/", "llm/generations/g1")
_linked("its folder leads to the root", "llm/generations", "/", "llm/generations/home")
_linked("a link far above", "llm/user-files", "{precious}", "llm/user-files/b/c")
_linked("a link above", "llm/user-files/a", "{precious}", "llm/user-files/a/b/c")
_linked("a link right above", "llm/user-files/a/b", "{precious}/b", "llm/user-files/a/b/c")
_linked("a link deep below", "llm/user-files/a/b/c", "{precious}", "llm/user-files/a/b/c")


def _in_place(name: str, make: Callable[[World, Path], object], outcome: Outcome) -> None:
    """Something else where the doomed folder should be."""

    def prepare(world: World) -> _Attempt:
        world.doomed.rename(world.generations / "moved")
        make(world, world.doomed)
        return world.doomed

    _add(name, prepare, outcome)


def _aside(name: str, make: Callable[[World, Path], object], outcome: Outcome) -> None:
    """Something where the doomed folder is to be set aside."""

    def prepare(world: World) -> _Attempt:
        make(world, aside_of(world.doomed))
        return world.doomed

    _add(name, prepare, outcome)


def _second_name(world: World, path: Path) -> None:
    path.hardlink_to(world.precious / "thesis.txt")


def _half(world: World, path: Path) -> None:
    (path / "half").mkdir(parents=True)
    (path / "half" / "link").symlink_to(world.precious)


_in_place("a file", lambda _, path: path.write_text("x"), "refused")
_in_place("a pipe", lambda _, path: os.mkfifo(path), "refused")
_in_place("a socket", lambda _, path: _bind(path), "refused")
_in_place("a file of somebody's by a second name", _second_name, "refused")
_aside("a link where it is set aside", lambda w, path: path.symlink_to(w.precious), "refused")
_aside("a file where it is set aside", lambda _, path: path.write_text("x"), "refused")
_aside("what a crash has left where it is set aside", _half, "done")


def _link_above(world: World) -> _Attempt:
    """The system's affair: what is there is marked."""
    (world.base / "real").mkdir()
    world.target.rename(world.base / "real" / "llm")
    (world.base / "way").symlink_to("real")
    return world.base / "way" / "llm" / "generations" / "g1"


_add("a link above the target", _link_above, "done")


# Things in what is deleted: they go, and take nothing with them.
def _holding(
    name: str,
    make: Callable[[World, Path], object],
    outcome: Outcome = "done",
    *,
    root: bool = False,
) -> None:
    def prepare(world: World) -> _Attempt:
        make(world, world.doomed / "deep" / "thing")
        return world.doomed

    _add(f"it holds {name}", prepare, outcome, root=root)


def _make_deep(path: Path, levels: int) -> None:
    handle = os.open(path.parent, os.O_DIRECTORY)
    for _level in range(levels):
        os.mkdir("d", dir_fd=handle)
        below = os.open("d", os.O_DIRECTORY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(os.open("file", os.O_CREAT, dir_fd=handle))
    os.close(handle)


def _flagged(world: World, path: Path, flag: int) -> None:
    path.write_text("x")
    world.set_flag(path, flag)


def _another_users(path: Path) -> None:
    path.mkdir(mode=0o700)
    (path / "file").write_text("x")
    for place in (path / "file", path):
        os.chown(place, 4711, 4711)


_holding("a link to somebody's folder", lambda w, path: path.symlink_to(w.precious))
_holding("a link to somebody's file", lambda w, path: path.symlink_to(w.precious / "thesis.txt"))
_holding("a link upwards", lambda _, path: path.symlink_to("../../.."))
_holding("a link to the root", lambda _, path: path.symlink_to("/"))
_holding("a link to nothing", lambda _, path: path.symlink_to("nowhere"))
_holding("a link to itself", lambda _, path: path.symlink_to("thing"))
_holding("a link to what holds it", lambda _, path: path.symlink_to("."))
_holding("a second name of somebody's file", _second_name)
_holding("a pipe", lambda _, path: os.mkfifo(path))
_holding("a socket", lambda _, path: _bind(path))
_holding("300 folders in each other", lambda _, path: _make_deep(path, 300))
_holding("a mark of ours", lambda _, path: mark(path))
_holding("a device", lambda _, path: os.mknod(path, 0o600 | stat.S_IFCHR, 0x103), root=True)
_holding("a folder of another user", lambda _, path: _another_users(path), root=True)
_holding("an immutable file", lambda w, p: _flagged(w, p, _IMMUTABLE), "stopped", root=True)
_holding("an append-only file", lambda w, p: _flagged(w, p, _APPEND_ONLY), "stopped", root=True)


def _named(name: str) -> None:
    def prepare(world: World) -> _Attempt:
        world.doomed.rename(world.generations / name)
        for below in (name, f"{name}\n"):
            (world.generations / name / below).symlink_to(world.precious)
        return world.generations / name

    _add(f"it is called {name!a:.30}", prepare, "done")


for _name in ("new\nline", "\udcff\udcfe", "-rf", "*", "dots...", " ", "\\", "x" * 240, "\x1b[2J"):
    _named(_name)


# Mount points.
def _mounted(
    name: str, at: str, source: str | None, path: str, outcome: Outcome = "refused"
) -> None:
    def prepare(world: World) -> _Attempt:
        (world.target / at).mkdir(parents=True, exist_ok=True)
        world.mount(None if source is None else world.precious / source, world.target / at)
        (world.target / path).mkdir(parents=True, exist_ok=True)
        return world.target / path

    _add(name, prepare, outcome, root=True)


_OF = {"somebody's folder": "", "another disk": None}
for _name, _source in _OF.items():
    _mounted(f"{_name} mounted on it", "generations/g1", _source, "generations/g1")
    _mounted(f"{_name} mounted in it", "generations/g1/deep/er", _source, "generations/g1")
    _mounted(f"{_name} mounted in all", "generations/g1/deep/er", _source, "generations")
    _mounted(f"{_name} mounted above it", "generations", _source, "generations/g1")
    _mounted(f"{_name} mounted far above", "user-files/a", _source, "user-files/a/b/c")
    _mounted(f"{_name} mounted on a leftover", "generations/.g1.removed", _source, "generations/g1")
    _mounted(
        f"{_name} mounted on a neighbour", "generations/g12", _source, "generations/g1", "done"
    )
    _mounted(
        f"{_name} mounted under an odd name", "generations/g1/a \n\t\\b", _source, "generations/g1"
    )


def _mounted_file(world: World) -> _Attempt:
    world.mount(world.precious / "thesis.txt", world.doomed / "deep" / "file")
    return world.doomed


def _mounted_target(world: World) -> _Attempt:
    world.mount(world.target, world.target)
    return world.doomed


_add("somebody's file mounted in it", _mounted_file, "refused", root=True)
_add("the target itself is a mount point", _mounted_target, "done", root=True)
