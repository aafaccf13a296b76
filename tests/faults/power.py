"""Power cuts: what a disk may hold afterwards, made from what it was given until then.

Whatever came before the last flush is there. Of what came after it, any sectors may be there and
any may not, since disks write in whatever order they like.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.bundles import Bundles
from tests.faults.disk import Write, read_log
from tests.faults.judge import judge_instant, judge_rerun
from tests.faults.place import Case, Place, unmount
from tests.faults.scenarios import Scenario

# Much of it is never written, and so never takes room. The installer wants half of it for bytecode.
_SIZE = 900 << 20
_SECTOR = 512
# The page with the file system's head, without which nobody could mount it: never torn.
_HEAD = 4096
_MAKE = [
    *("mkfs.ext4", "-q", "-N", "16384", "-J", "size=16"),
    *("-E", "nodiscard,lazy_itable_init=1"),
]
# The journal is committed each second, so that much happens while the installer works.
_OPTIONS = "loop,commit=1,noinit_itable,nodiscard"
# For what was not waited for to be committed, as it is before somebody pulls the plug.
_IDLE_SECONDS = 3
_START_SECONDS = 20
# How likely each sector is to have been written.
_LIKELIHOODS = (0.0, 0.1, 0.5, 0.9, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One power cut.

    Attributes:
        number: of the event that never came.
        seed: decides over sectors.
    """

    number: int
    seed: int


class Power:
    """One scenario on a disk of its own.

    Args:
        folder: for images and whatever else; best in memory.
        bundles: what is installed.
        scenario: what is being done.
        program: what is run for it.
    """

    def __init__(
        self, folder: Path, bundles: Bundles, scenario: Scenario, program: str = "bootstrap"
    ) -> None:
        self._folder = folder
        self._disk = folder / "disk"
        self._place = Place(folder, bundles, target=self._disk / "llm", program=program)
        self._disk.mkdir(exist_ok=True)
        self._case = self._place.case(scenario)
        self._place.clear()

    @property
    def case(self) -> Case:
        """The scenario, as it is without a fault."""
        return self._case

    def record(self) -> list[Write | None]:
        """Do it once, and note what the disk is given; without what comes when it is unmounted."""
        base, image, log = (self._folder / name for name in ("base.img", "disk.img", "disk.log"))
        with base.open("wb") as file:
            file.truncate(_SIZE)
        _run([*_MAKE, base])
        with _mounted(base, self._disk):
            self._place.restore(self._case)
            # Unmounting does so only where no other name space has it as well.
            _run(["sync", "--file-system", self._disk])
        copy_image(base, image)
        with _served(image, log, self._folder / "served") as served:
            with _mounted(served, self._disk):
                ended = self._place.run(self._case.scenario.command)
                time.sleep(_IDLE_SECONDS)
                size = log.stat().st_size
        if ended.code != 0:
            raise RuntimeError(f"{self._case.scenario.name} ended with {ended.code}")
        os.truncate(log, size)
        image.unlink()
        return list(read_log(log))

    def images(
        self, events: Sequence[Write | None], cuts: Sequence[Cut]
    ) -> Iterator[tuple[Cut, Path]]:
        """What is on the disk after each cut; each image lives until the next is asked for."""
        rolling, image = self._folder / "rolling.img", self._folder / "crashed.img"
        copy_image(self._folder / "base.img", rolling)
        done = 0
        for cut in sorted(cuts, key=lambda cut: cut.number):
            safe = _last_flush(events, cut.number)
            with rolling.open("r+b") as file:
                _apply(file.fileno(), events[done:safe])
            done = safe
            copy_image(rolling, image)
            with image.open("r+b") as file:
                _apply(file.fileno(), _some_of(events[safe : cut.number], cut.seed))
            yield cut, image
        rolling.unlink()

    def judge(self, image: Path, *, again: bool) -> list[str]:
        """What is wrong with what a disk holds, and whether the next run puts it right.

        Args:
            image: what is on the disk; it is changed.
            again: with the next run.
        """
        try:
            with _mounted(image, self._disk):
                problems = judge_instant(self._place, self._case)
                return [*problems, *(judge_rerun(self._place, self._case) if again else ())]
        except (OSError, subprocess.CalledProcessError) as error:
            return [f"it cannot be read: {error!r}"]


def choose_cuts(
    events: Sequence[Write | None], count: int, seed: int, *, late: bool = False
) -> list[Cut]:
    """So many cuts, evenly over what lies between flushes: much or little, that is one place.

    The first place and the last are among them.

    Args:
        events: what has come to the disk.
        count: how many cuts.
        seed: decides where between two flushes, and over sectors.
        late: only in the last place.
    """
    flushes = [number for number, event in enumerate(events) if event is None]
    starts = [0, *(number + 1 for number in flushes)]
    stretches = list(zip(starts, [*flushes, len(events)], strict=True))[-1 if late else 0 :]
    source = random.Random(seed)  # noqa: S311 (not for secrets)
    chosen = []
    for number in range(count):
        first, last = stretches[(len(stretches) - 1) * number // max(1, count - 1)]
        chosen.append(Cut(number=source.randint(first, last), seed=source.getrandbits(32)))
    return chosen


def _last_flush(events: Sequence[Write | None], number: int) -> int:
    while number and events[number - 1] is not None:
        number -= 1
    return number


def _some_of(events: Sequence[Write | None], seed: int) -> Iterator[Write]:
    """Some sectors of each write."""
    source = random.Random(seed)  # noqa: S311 (not for secrets)
    likelihood = source.choice(_LIKELIHOODS)
    for event in filter(None, events):
        size = _SECTOR if event.offset >= _HEAD else _HEAD
        for start in range(0, len(event.data), size):
            if source.random() < likelihood:
                yield Write(event.offset + start, event.data[start : start + size])


def _apply(file: int, events: Sequence[Write | None] | Iterator[Write]) -> None:
    for event in events:
        if event:
            os.pwrite(file, event.data, event.offset)


@contextmanager
def _mounted(image: Path, folder: Path) -> Iterator[None]:
    _run(["mount", "-t", "ext4", "-o", _OPTIONS, image, folder])
    try:
        yield
    finally:
        unmount(folder)


@contextmanager
def _served(image: Path, log: Path, folder: Path) -> Iterator[Path]:
    """The image as the file of a disk that remembers."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.faults.disk", image, log, folder]
    with subprocess.Popen([*map(str, command)]) as process:
        try:
            end = time.monotonic() + _START_SECONDS
            while not (folder / image.name).exists():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("This machine has no file systems in user space.")
                time.sleep(0.05)
            yield folder / image.name
        finally:
            unmount(folder)
            process.terminate()


def copy_image(source: Path, to: Path) -> None:
    """Copy what was ever written of it."""
    to.unlink(missing_ok=True)
    _run(["cp", "--sparse=auto", source, to])


def _run(command: Sequence[str | Path]) -> None:
    subprocess.run(command, check=True, capture_output=True)
