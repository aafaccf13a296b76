"""Where the files of wheels go: the new environment, each written once and hashed once."""

import base64
import hashlib
import io
import os
import shlex
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from installer.destinations import SchemeDictionaryDestination
from installer.records import Hash, RecordEntry
from installer.utils import Scheme, construct_record_file

from bootstrap.errors import InstallError, RefusedContentError
from bootstrap.generation import Generation

_CHUNK = 1 << 20
_LONGEST_SHEBANG = 127


class WrittenFiles:
    """What was written so far, by whichever thread: absolute path to ``algorithm=value``."""

    def __init__(self) -> None:
        self._hashes: dict[str, str] = {}
        self._folders: set[str] = set()
        self._lock = threading.Lock()
        self._done: dict[str, threading.Event] = {}

    @property
    def hashes(self) -> dict[str, str]:
        """A copy of all."""
        with self._lock:
            return dict(self._hashes)

    def claim(self, path: str) -> bool:
        """Whether the caller is the first to write this path, and so must do it."""
        with self._lock:
            if path in self._done:
                return False
            self._done[path] = threading.Event()
            return True

    def finish(self, path: str, record_hash: str) -> None:
        """A claimed path was written."""
        with self._lock:
            self._hashes[path] = record_hash
            self._done[path].set()

    def fail(self, path: str) -> None:
        """A claimed path could not be written; nobody need wait for it."""
        with self._lock:
            self._done[path].set()

    def hash_of(self, path: str) -> str | None:
        """The hash of a path that another thread claimed, once it is written; None if it failed."""
        self._done[path].wait()
        with self._lock:
            return self._hashes.get(path)

    def make_folder(self, path: str) -> None:
        """Make a folder and its parents; each is made once."""
        if path not in self._folders:
            os.makedirs(path, exist_ok=True)  # noqa: PTH103 (27,000 Path objects cost a second)
            self._folders.add(path)


class VenvDestination(SchemeDictionaryDestination):
    """The new environment, for one distribution.

    Args:
        generation: what is being built.
        distribution: its name, for the folder of its headers.
        written: shared by all distributions.
        stop: says whether to give up, looked at between chunks.
        progress: gets the count of bytes written.
    """

    def __init__(
        self,
        generation: Generation,
        distribution: str,
        written: WrittenFiles,
        stop: threading.Event,
        progress: Callable[[int], None],
    ) -> None:
        windows = generation.target == "win_amd64"
        super().__init__(
            scheme_dict={
                "purelib": os.fspath(generation.site_packages),
                "platlib": os.fspath(generation.site_packages),
                "scripts": os.fspath(generation.scripts),
                "headers": os.fspath(generation.include / distribution),
                "data": os.fspath(generation.venv),
            },
            interpreter=str(generation.home_python),
            script_kind="win-amd64" if windows else "posix",
        )
        self._generation = generation
        self._written = written
        self._stop = stop
        self._progress = progress

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,
        is_executable: bool,  # noqa: FBT001
    ) -> RecordEntry:
        """As the base class does, but with a first line that works from any folder."""
        if scheme == "scripts" and self.script_kind == "posix":
            script = _with_shebang(stream, self.interpreter)
            return self.write_to_fs(scheme, os.fspath(path), script, is_executable)
        return super().write_file(scheme, path, stream, is_executable)

    def write_to_fs(
        self,
        scheme: Scheme,
        path: str,
        stream: BinaryIO,
        is_executable: bool,  # noqa: FBT001
    ) -> RecordEntry:
        """Write one file, unless another wheel has brought the very same one."""
        full = self._inside(scheme, path)
        if not self._written.claim(full):
            return self._share(full, path, stream)
        try:
            self._written.make_folder(os.path.dirname(full))  # noqa: PTH120
            record_hash, size = self._copy(stream, full)
            if is_executable:
                Path(full).chmod(0o755)
        except BaseException:
            self._written.fail(full)
            raise
        self._written.finish(full, record_hash)
        return _entry(path, record_hash, size)

    def finalize_installation(
        self,
        scheme: Scheme,
        record_file_path: str,
        records: Iterable[tuple[Scheme, RecordEntry]],
    ) -> None:
        """Write ``RECORD``, as the base class does, but with relative paths on Windows, too.

        The environment is moved when it goes live.
        """

        def prefix(other: Scheme) -> str | None:
            start, folder = self.scheme_dict[scheme], self.scheme_dict[other]
            if other == scheme:
                return None
            return f"{os.path.relpath(folder, start).replace(os.sep, '/')}/"

        with construct_record_file(records, prefix) as record:
            self.write_to_fs(scheme, record_file_path, record, is_executable=False)

    def _inside(self, scheme: Scheme, path: str) -> str:
        base = self.scheme_dict[scheme]
        full = os.path.normpath(os.path.join(base, path))  # noqa: PTH118
        if not full.startswith(base + os.sep):
            raise RefusedContentError(
                f"A wheel wants to write {path!r}, outside of the environment.",
                remedy="Do not use this bundle; tell whoever made it.",
            )
        return full

    def _copy(self, stream: BinaryIO, full: str) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        checked = hasattr(stream, "record_hash")
        with open(full, "xb", buffering=0) as file:  # noqa: PTH123 (see make_folder)
            while chunk := stream.read(_CHUNK):
                if self._stop.is_set():
                    raise _stopped()
                file.write(chunk)
                if not checked:
                    digest.update(chunk)
                size += len(chunk)
                self._progress(len(chunk))
        known: str | None = getattr(stream, "record_hash", None)
        return known or f"sha256={_urlsafe(digest.digest())}", size

    def _share(self, full: str, path: str, stream: BinaryIO) -> RecordEntry:
        digest, size = hashlib.sha256(), 0
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            self._progress(len(chunk))
        mine = getattr(stream, "record_hash", f"sha256={_urlsafe(digest.digest())}")
        theirs = self._written.hash_of(full)
        if theirs is None:
            raise _stopped()
        if mine != theirs:
            raise InstallError(
                f"Two wheels bring {path} with different content.",
                remedy="Tell whoever made this bundle; its builder should have refused it.",
            )
        return _entry(path, mine, size)


def _stopped() -> InstallError:
    return InstallError("The installation was stopped.", remedy="Start it again.")


def _with_shebang(stream: BinaryIO, python: str) -> BinaryIO:
    """Replace ``#!python`` (binary distribution format, "Recommended installer features").

    A shebang ends at the first space and, in older kernels, after 127 bytes. Where that
    does not do, ``sh`` starts the interpreter; Python takes the same lines for a string.
    """
    first = stream.readline()
    if not first.startswith(b"#!python"):
        stream.seek(0)
        return stream
    line = f"#!{python}\n"
    if " " in line or len(line.encode()) > _LONGEST_SHEBANG:
        line = f"#!/bin/sh\n'''exec' {shlex.quote(python)} \"$0\" \"$@\"\n' '''\n"
    return io.BytesIO(line.encode() + stream.read())


def _entry(path: str, record_hash: str, size: int) -> RecordEntry:
    return RecordEntry(path, Hash.parse(record_hash), size)


def _urlsafe(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
