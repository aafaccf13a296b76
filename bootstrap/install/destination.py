"""Where the files of wheels go: the new environment, each written once and hashed once."""

import hashlib
import io
import os
import shlex
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from installer.destinations import SchemeDictionaryDestination
from installer.records import Hash, RecordEntry
from installer.utils import Scheme, construct_record_file

from bootstrap.bundle.records import row_hash
from bootstrap.bundle.wheel import Content
from bootstrap.errors import InstallError, RefusedContentError
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.install.written import WrittenFiles
from bootstrap.storage import allocate

_LONGEST_SHEBANG = 127
# From this size on a file may be written apart from the rest of its wheel.
LARGE = 8 << 20
# From this size on a file is told to the file system before it is written.
_ALLOCATED = 256 << 10


class VenvDestination(SchemeDictionaryDestination):
    """The new environment, for one distribution.

    Args:
        generation: what is being built.
        distribution: its name, for the folder of its headers.
        written: shared by all distributions.
        earlier: what may be taken from there instead.
        later: has a large file written by whoever has time; None writes it at once.
        stop: says whether to give up, looked at between chunks.
        progress: gets the count of bytes of the wheel's own files that are done.
    """

    def __init__(
        self,
        generation: Generation,
        distribution: str,
        written: WrittenFiles,
        earlier: Earlier,
        later: Callable[[Callable[[], None]], None] | None,
        stop: threading.Event,
        progress: Callable[[int], None],
    ) -> None:
        windows = generation.target == "win_amd64"
        super().__init__(
            scheme_dict={
                scheme: os.fspath(folder)
                for scheme, folder in scheme_folders(generation, distribution).items()
            },
            interpreter=str(generation.home_python),
            script_kind="win-amd64" if windows else "posix",
        )
        self._generation = generation
        self._written = written
        self._earlier = earlier
        self._later = later
        self._stop = stop
        self._progress = progress
        self._folders = set[str]()

    def write_file(
        self,
        scheme: Scheme,
        path: str | os.PathLike[str],
        stream: BinaryIO,
        is_executable: bool,  # noqa: FBT001
    ) -> RecordEntry:
        """As the base class does, but with a first line that works from any folder."""
        if scheme == "scripts":
            data = stream.read()
            self._progress(len(data))
            stream = io.BytesIO(data)
            if self.script_kind == "posix":
                stream = _with_shebang(stream, self.interpreter)
        if not isinstance(stream, Content):
            # Only then: there are 27,000 files, and the base class makes paths of all of them.
            return super().write_file(scheme, path, stream, is_executable)
        return self.write_to_fs(scheme, os.fspath(path), stream, is_executable)

    def write_to_fs(
        self,
        scheme: Scheme,
        path: str,
        stream: BinaryIO,
        is_executable: bool,  # noqa: FBT001
    ) -> RecordEntry:
        """Write one file, unless another wheel has brought the very same one."""
        full = self._inside(scheme, path)
        if isinstance(stream, Content):
            return self._write_content(full, path, stream, executable=is_executable)
        data = stream.read()
        entry = _entry(path, row_hash(hashlib.sha256(data)), len(data))
        self._create(
            full, entry, lambda: self._write(full, [data], len(data), executable=is_executable)
        )
        return entry

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

    def _write_content(
        self, full: str, path: str, content: Content, *, executable: bool
    ) -> RecordEntry:
        entry = _entry(path, content.record_hash, content.size)

        def create(*, alone: bool) -> None:
            self._create(
                full, entry, lambda: self._take(full, content, alone=alone, executable=executable)
            )

        if self._later and content.size >= LARGE:
            self._later(lambda: create(alone=True))
        else:
            create(alone=False)
        return entry

    def _create(self, full: str, entry: RecordEntry, write: Callable[[], None]) -> None:
        """Write one file, unless something is there, which had better be the very same."""
        if self._stop.is_set():
            raise _stopped()
        self._make_folder(os.path.dirname(full))  # noqa: PTH120
        try:
            write()
        except FileExistsError:
            self._written.meet(full, str(entry.hash_), entry.path)
            self._progress(entry.size or 0)
        else:
            self._written.add(full, str(entry.hash_))

    def _make_folder(self, path: str) -> None:
        """Make a folder and its parents, once for each distribution."""
        if path not in self._folders:
            os.makedirs(path, exist_ok=True)  # noqa: PTH103 (27,000 Path objects cost a second)
            self._folders.add(path)

    def _take(self, full: str, content: Content, *, alone: bool, executable: bool) -> None:
        """From the earlier generation, else from the bundle."""
        if self._earlier.give(
            full, content.record_hash, content.size, executable=executable, stop=self._stop
        ):
            self._progress(content.size)
        else:
            chunks = self._counted(content.chunks(alone=alone))
            self._write(full, chunks, content.size, executable=executable)

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            yield chunk
            self._progress(len(chunk))

    def _write(self, full: str, chunks: Iterable[bytes], size: int, *, executable: bool) -> None:
        with open(full, "xb", buffering=0) as file:  # noqa: PTH123 (see _make_folder)
            if size >= _ALLOCATED:
                allocate(file.fileno(), size)
            for chunk in chunks:
                if self._stop.is_set():
                    raise _stopped()
                _write_all(file, chunk)
        if executable:
            os.chmod(full, 0o755)  # noqa: PTH101, S103 (see _make_folder)


def scheme_folders(generation: Generation, distribution: str) -> dict[str, Path]:
    """Where a distribution's files go, by the names of the schemes that wheels have.

    Args:
        generation: where to.
        distribution: its name, for the folder of its headers.
    """
    return {
        "purelib": generation.site_packages,
        "platlib": generation.site_packages,
        "scripts": generation.scripts,
        "headers": generation.include / distribution,
        "data": generation.venv,
    }


def _write_all(file: io.FileIO, chunk: bytes) -> None:
    """Write all of it: a disk that becomes full takes a part first, and then complains."""
    written = file.write(chunk)
    while written < len(chunk):
        written += file.write(memoryview(chunk)[written:])


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
