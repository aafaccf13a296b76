"""Faults at one system call of the installer, or of a program that it starts: strace puts them in.

A call is known by its name, by the path that it works on, and by how many such calls came before
it. So it is the same one in each run, whatever the threads beside it do.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from tests.faults.place import Case, Ended, Place

T = TypeVar("T")
# Whatever changes a file, a name, or what of them is on the disk.
_WRITING = ("write", "pwrite64", "writev", "copy_file_range", "sendfile", "ftruncate", "fallocate")
_NAMING = ("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat")
_MAKING = ("openat", "mkdir", "mkdirat")
_REMOVING = ("unlink", "unlinkat", "rmdir")
_MARKING = ("chmod", "fchmod", "fchmodat", "chown", "lchown", "fchown", "utimensat")
SYNCING = ("fsync", "fdatasync", "syncfs")
RENAMING = ("rename", "renameat", "renameat2")
# Those that take room on the disk.
FILLING = (*_WRITING, *_NAMING, *_MAKING)
CHANGING = (*FILLING, *_REMOVING, *_MARKING, *SYNCING)
_LINE = re.compile(r"(?P<pid>\d+) +(?P<call>\w+)\((?P<arguments>.*)")
_DESCRIPTOR = re.compile(r'(?:AT_FDCWD|\d+)<(?P<path>[^>]*)>(?:, "(?P<name>[^"]*)")?')
_STRING = re.compile(r'"(?P<path>[^"]*)"')
# Names that are others in each run.
_PASSING = re.compile(r"/tmp[a-z0-9_]{8}|/logs/|/\.llmsetup-|\.pyc\.\d+$")  # noqa: S108
# Where nearly all of the work is done, but nothing is decided.
_BULK = re.compile(r"generations/|\.generations\.removed/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One system call.

    Attributes:
        path: relative to the target; None where only the count tells which.
        number: the how manieth such call in its thread, from 1.
    """

    call: str
    path: str | None
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """What happens at one call.

    Attributes:
        what: ``signal=KILL`` or ``error=ENOSPC``, as strace calls them.
        codes: that the installer may end with; none where it cannot choose.
        frozen: it strikes the program that users get.
    """

    what: str
    point: Point
    codes: frozenset[int]
    frozen: bool = False
    clears: bool = True

    def __str__(self) -> str:
        codes = ",".join(map(str, sorted(self.codes))) or "-"
        kind = "frozen" if self.frozen else "source"
        point = self.point
        return f"inject {self.what} {codes} {kind} {point.call} {point.number} {point.path or ''}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` gave, less its first word."""
        what, codes, kind, call, number, path = text.split(" ", 5)
        return cls(
            what=what,
            point=Point(call=call, path=path or None, number=int(number)),
            codes=frozenset(map(int, codes.split(","))) if codes != "-" else frozenset(),
            frozen=kind == "frozen",
        )

    def strike(self, place: Place, case: Case) -> Ended | None:
        """Run the command with the fault; None when the call never came."""
        log = place.folder / "strace.log"
        point = self.point
        paths = [] if point.path is None else ["-P", str(place.target / point.path)]
        under = [
            *("strace", "-f", "-qq", "-o", str(log), *paths),
            *("-e", f"trace={point.call}"),
            *("-e", f"inject={point.call}:{self.what}:when={point.number}"),
        ]
        ended = place.run(case.scenario.command, under=under, frozen=self.frozen)
        text = log.read_text(errors="replace")
        struck = "(INJECTED)" in text or "killed by SIGKILL" in text
        return ended if struck else None


def watch(place: Place, case: Case, calls: Sequence[str]) -> tuple[Point, ...]:
    """Run the command, and note each call that changes something in the target, in order."""
    place.restore(case)
    log = place.folder / "strace.log"
    under = [
        *("strace", "-f", "-qq", "-y", "-s", "0", "--seccomp-bpf", "-o", str(log)),
        *("-e", f"trace={','.join(calls)}", "-e", "signal=none"),
    ]
    place.run(case.scenario.command, under=under)
    with log.open(errors="replace") as lines:
        return tuple(_points(lines, place.target))


def _points(lines: Iterable[str], target: Path) -> Iterator[Point]:
    counts = Counter[tuple[str, str]]()
    for line in lines:
        found = _LINE.match(line)
        if not found:
            continue
        call, arguments = found["call"], found["arguments"]
        path = _path(arguments)
        in_thread = counts[call, found["pid"]] = counts[call, found["pid"]] + 1
        on_path = counts[call, path] = counts[call, path] + 1
        if not (path == str(target) or path.startswith(f"{target}/")):
            continue
        if call == "openat" and "O_CREAT" not in arguments:
            continue
        if _PASSING.search(path):
            yield Point(call=call, path=None, number=in_thread)
        else:
            relative = str(Path(path).relative_to(target))
            yield Point(call=call, path=relative, number=on_path)


def _path(arguments: str) -> str:
    """What strace is told by ``-P``: the first path, or else what the first descriptor is."""
    found = _DESCRIPTOR.match(arguments)
    if found:
        name = found["name"]
        return name if name and name.startswith("/") else found["path"]
    found = _STRING.match(arguments)
    return found["path"] if found else ""


def choose(points: Sequence[Point], count: int) -> list[Point]:
    """So many of them, evenly: half where the switch is, as far as there are so many, else all.

    What is not in a generation are a few calls, and the ones that count most.
    """
    switch = [point for point in points if point.path and not _BULK.match(point.path)]
    rest = [point for point in points if point not in set(switch)]
    chosen = evenly(switch, count // 2)
    return [*chosen, *evenly(rest, count - len(chosen))]


def evenly(of: Sequence[T], count: int) -> list[T]:
    """So many of them, all if there are not more, at equal distances."""
    count = min(count, len(of))
    return [of[len(of) * (2 * number + 1) // (2 * count)] for number in range(count)]
