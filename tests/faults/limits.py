"""Faults that come from outside: a disk that becomes full, limits, and signals."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Self

from tests.faults.place import ROOM, Case, Ended, Place, wait

# To end, or to say no, after a signal; on a machine that does much else.
_SECONDS = 5
_TRIES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """The installer runs under a limit.

    Attributes:
        limit: as prlimit(1) calls it.
        value: bytes, or a count.
        codes: that it may end with.
    """

    limit: str
    value: int
    codes: frozenset[int]

    def __str__(self) -> str:
        return f"limit {self.limit} {self.value} {_join(self.codes)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` gave, less its first word."""
        limit, value, codes = text.split(" ")
        return cls(limit=limit, value=int(value), codes=_split(codes))

    @property
    def clears(self) -> bool:
        """Nothing stays behind; that takes no more of what there is little of."""
        return self.limit == "fsize"

    def strike(self, place: Place, case: Case) -> Ended:
        """Run the command under the limit."""
        under = ["prlimit", f"--{self.limit}={self.value}", "--"]
        return place.run(case.scenario.command, under=under)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The disk has room for so much more, from the beginning of a phase on.

    Attributes:
        phase: of the installer.
        what: ``size`` in bytes, or ``nr_inodes``, of files.
        room: how much.
        codes: that it may end with.
    """

    phase: str
    what: str
    room: int
    codes: frozenset[int]
    clears: bool = True

    def __str__(self) -> str:
        return f"filled {self.what} {self.room} {_join(self.codes)} {self.phase}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` gave, less its first word."""
        what, room, codes, phase = text.split(" ", 3)
        return cls(phase=phase, what=what, room=int(room), codes=_split(codes))

    def strike(self, place: Place, case: Case) -> Ended | None:
        """Run the command; None where it was over too soon."""
        started = time.monotonic()
        process = place.start(place.arguments(case.scenario.command))
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line).get("phase") == self.phase:
                break
        filled = self._fill(place)
        ended = wait(process, started)
        subprocess.run(["mount", "-o", f"remount,{ROOM}", place.folder], check=True)
        return ended if filled else None

    def _fill(self, place: Place) -> bool:
        for _ in range(_TRIES):
            now = os.statvfs(place.folder)
            if self.what == "size":
                used = (now.f_blocks - now.f_bfree) * now.f_frsize
            else:
                used = now.f_files - now.f_ffree
            option = f"remount,{self.what}={used + self.room}"
            # Refused where meanwhile even more is there.
            done = subprocess.run(
                ["mount", "-o", option, place.folder], check=False, capture_output=True
            )
            if done.returncode == 0:
                return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signalled:
    """Somebody wants it to stop.

    Attributes:
        name: of the signal.
        moment: seconds after it has said its first word.
        codes: that it may end with.
    """

    name: str
    moment: float
    codes: frozenset[int] = frozenset({130})
    clears: bool = True

    def __str__(self) -> str:
        return f"signal {self.name} {self.moment:.3f}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` gave, less its first word."""
        name, moment = text.split(" ")
        return cls(name=name, moment=float(moment))

    def strike(self, place: Place, case: Case) -> Ended | None:
        """Run the command; None where it was over too soon.

        Raises:
            TimeoutError: it did not listen.
        """
        started = time.monotonic()
        process = place.start(place.arguments(case.scenario.command))
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(self.moment)
        struck = time.monotonic()
        over = process.poll() is not None
        process.send_signal(signal.Signals[self.name])
        ended = wait(process, started)
        if time.monotonic() - struck > _SECONDS:
            raise TimeoutError(f"{self} was not heard for {time.monotonic() - struck:.1f} s")
        return None if over else ended


def listen_as_usual() -> None:
    """Hand no ignored signals on, as whoever was started by nohup would."""
    for name in ("SIGINT", "SIGHUP"):
        number = signal.Signals[name]
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _join(codes: frozenset[int]) -> str:
    return ",".join(map(str, sorted(codes)))


def _split(codes: str) -> frozenset[int]:
    return frozenset(map(int, codes.split(",")))
