"""What the installer's own steps make of a bundle, without a process for each of them.

Whatever they are asked to do with a damaged bundle, they must say that it is damaged, or do
exactly what they do with the intact one.
"""

import atexit
import hashlib
import os
import resource
import shutil
import signal
import stat
import tempfile
import traceback
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bootstrap import modes
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import ExitCode, ReportedError
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.install.runtime import unpack_runtime
from bootstrap.install.seal import write_documents
from bootstrap.install.wheels import install_wheels
from bootstrap.session import Session
from bootstrap.wishes import Wishes
from tests.hostile.mutations.subjects import Subject, write

# Codes for bytes that are not what was written.
DAMAGED = frozenset({ExitCode.DAMAGED, ExitCode.NOT_TRUSTED})
# Codes for a bundle that was changed by somebody who has mended all its hashes.
REFUSED = DAMAGED | {ExitCode.REFUSED_CONTENT}
_SECONDS = 20
# More than an intact bundle of these takes: what one window of Zstandard has, twice.
_MEMORY = 128 << 20
_DONE = ExitCode.DONE
MEDIA = "check media"


class TooSlowError(BaseException):
    """It took longer than anybody waits; nothing that catches errors catches this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one mode ended.

    Attributes:
        code: exit code; UNEXPECTED for any error that is not reported as one.
        told: message, or the traceback.
        tree: hash of everything that lies in the target.
    """

    code: int
    told: str
    tree: str


Mode = Callable[[Path, Path], None]


def _session(bundle: Path, target: Path) -> Session:
    return Session(
        reader=BundleReader.open(bundle), target=target, wishes=Wishes(), listener=Listener()
    )


def _run(mode: str) -> Mode:
    def run(bundle: Path, target: Path) -> None:
        options = Namespace(extract=target)
        modes.run(mode, options, _session(bundle, target), lambda: None, lambda *_: True)

    return run


def _install(bundle: Path, target: Path) -> None:
    """All that is taken from a bundle, in the order in which it is; nothing runs."""
    session = _session(bundle, target)
    reader, listener = session.reader, session.listener
    reader.require_volumes()
    generation = Generation.of(target, reader.index.bundle_id, reader.index)
    generation.folder.mkdir(parents=True)
    unpack_runtime(reader, generation, listener.advance)
    install_wheels(reader, generation, Earlier.none(), listener)
    write_documents(reader, generation)


MODES: dict[str, Mode] = {
    MEDIA: _run("check_media"),
    "list": _run("list"),
    "version": _run("version"),
    "extract": _run("extract"),
    "install": _install,
}


def modes_for(subject: Subject) -> dict[str, Mode]:
    """Those that make sense on this machine."""
    return {name: mode for name, mode in MODES.items() if subject.installable or name != "install"}


class Bench:
    """A folder in which one bundle at a time is tried.

    Args:
        folder: in which it has one of its own, for the bundle, its target, and a canary.
        subject: what the bundle was before.
    """

    def __init__(self, folder: Path, subject: Subject) -> None:
        folder = Path(tempfile.mkdtemp(prefix="bench-", dir=folder))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self._stick = folder / "stick"
        self._target = folder / "place" / "target"
        self._subject = subject
        self._canary = folder / "place" / "canary"
        self._canary.mkdir(parents=True)
        (self._canary / "file").write_bytes(b"alive")
        self._outside = tree_hash(folder / "place")
        intact = {name: self._outcome(name, subject.files) for name in modes_for(subject)}
        for name, outcome in intact.items():
            if outcome.code:
                raise AssertionError(f"{name} of an intact bundle: {outcome.told}")
        # From some byte on it may be the other build: then that is what is rightly installed.
        self._right = {
            name: {outcome.tree, self._outcome(name, subject.foreign).tree}
            for name, outcome in intact.items()
        }
        self._memory = peak_memory()

    def judge(
        self,
        files: Mapping[str, bytes],
        *,
        read: bool,
        codes: frozenset[int] = DAMAGED,
        alike: bool = True,
    ) -> tuple[list[str], int]:
        """What is wrong with what became of these files, and how many modes refused them.

        Args:
            files: the bundle.
            read: whoever checks the medium must notice.
            codes: with which it may be refused.
            alike: what is not refused must lead to the same files.
        """
        problems, refused = [], 0
        for name, right in self._right.items():
            outcome = self._outcome(name, files)
            refused += outcome.code in codes
            problems += [
                f"{name}: {wrong}"
                for wrong in self._wrong(outcome, right if alike else {outcome.tree}, codes)
            ]
            if outcome.code == _DONE and name == MEDIA and read:
                problems.append(f"{name}: finds nothing")
        if (memory := peak_memory()) > self._memory + _MEMORY:
            problems.append(f"{memory - self._memory:,} bytes of memory more than usual")
            self._memory = memory
        return problems, refused

    def _outcome(self, mode: str, files: Mapping[str, bytes]) -> Outcome:
        write(files, self._stick)
        shutil.rmtree(self._target, ignore_errors=True)
        bundle = self._stick / self._subject.installer
        code, told = int(_DONE), ""
        try:
            with within(_SECONDS):
                MODES[mode](bundle, self._target)
        except ReportedError as error:
            code, told = int(error.exit_code), error.message
        except (Exception, TooSlowError):  # noqa: BLE001 (that is what is looked for)
            code, told = int(ExitCode.UNEXPECTED), traceback.format_exc()
        return Outcome(code=code, told=told, tree=tree_hash(self._target))

    def _wrong(
        self, outcome: Outcome, right: AbstractSet[str], codes: frozenset[int]
    ) -> Iterator[str]:
        if outcome.code == _DONE:
            if outcome.tree not in right:
                yield "it succeeds, but not with the same files"
        elif outcome.code not in codes:
            yield f"it ended with {outcome.code} instead of {sorted(map(int, codes))}:"
            yield outcome.told
        shutil.rmtree(self._target, ignore_errors=True)
        if tree_hash(self._target.parent) != self._outside:
            yield "something outside of the target was changed"
            self._mend()

    def _mend(self) -> None:
        shutil.rmtree(self._target.parent)
        self._canary.mkdir(parents=True)
        (self._canary / "file").write_bytes(b"alive")


def tree_hash(folder: Path) -> str:
    """Of every name, mode and byte; of what is no folder, the empty one's."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        content = b""
        if stat.S_ISLNK(mode):
            content = os.fsencode(path.readlink())
        elif stat.S_ISREG(mode):
            content = path.read_bytes()
        name = os.fsencode(path.relative_to(folder))
        digest.update(b"%d %s %o %d " % (len(name), name, mode, len(content)) + content)
    return digest.hexdigest()


def peak_memory() -> int:
    """Most bytes that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Interrupt whatever takes longer.

    Raises:
        TooSlowError: it did.
    """

    def stop(*_: object) -> None:
        raise TooSlowError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
