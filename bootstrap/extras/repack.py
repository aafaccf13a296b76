"""Makes a wheel of an installed distribution: what lies there now, edits of the user's included."""

import csv
import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from bootstrap.bundle.records import row_hash
from bootstrap.bundle.zips import zipfile
from bootstrap.extras.model import CannotCarryError, Extra, File
from bootstrap.files import part_of, patiently, remove_file
from bootstrap.generation import Generation

# Measured (docs/adr/0010): level 6 makes them 4 % smaller in two and a half times the time.
_LEVEL = 1
_CHUNK = 1 << 20
# What installers make of "#!python", and what where its path has spaces or is too long for that.
_SHEBANG = re.compile(rb"#! *\"?(?P<python>[^\r\n\"\0]+?)\"?(?: +-[^\r\n]*)?\r?\n")
_BY_SHELL = re.compile(
    rb"#!/bin/sh\n'''exec' (?P<quote>[\"']?)(?P<python>[^\n\0]+?)(?P=quote) [^\n]+\n' '''\n"
)
_LONGEST_HEAD = 16 << 10


def repack(extra: Extra, live: Generation, folder: Path) -> Path:
    """Write the wheel of one distribution; of the same files it has the same bytes each time.

    Args:
        extra: one without a fault.
        live: where it is installed.
        folder: it must exist; a wheel of that name in it is replaced.

    Returns:
        Where the wheel is.

    Raises:
        CannotCarryError: one of its files cannot be read.
        OSError: the wheel cannot be written.
    """
    path = folder / extra.filename
    part = part_of(path)
    try:
        with zipfile.ZipFile(part, "w") as made:
            _fill(made, extra, live)
        patiently(lambda: part.replace(path), path)
    finally:
        remove_file(part)
    return path


def _fill(made: zipfile.ZipFile, extra: Extra, live: Generation) -> None:
    data = f"{extra.folder.name.removesuffix('.dist-info')}.data"
    rows = []
    for file in extra.files:
        if file.source:
            name = file.path if file.scheme == "root" else f"{data}/{file.scheme}/{file.path}"
            chunks = _chunks(file, file.source, live)
            rows.append(_add(made, name, file, chunks))
    record = f"{extra.folder.name}/RECORD"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*rows, (record, "", "")])
    made.writestr(_member(record, executable=False), text.getvalue().encode())


def _add(
    made: zipfile.ZipFile, name: str, file: File, chunks: Iterator[bytes]
) -> tuple[str, str, int]:
    """Write one member; its row of RECORD."""
    info = _member(name, executable=file.executable)
    # A guess, by which the archive knows whether it must be able to hold 4 GiB.
    info.file_size = file.size
    digest, size = hashlib.sha256(), 0
    with made.open(info, "w") as member:
        for chunk in chunks:
            member.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return name, row_hash(digest), size


def _member(name: str, *, executable: bool) -> zipfile.ZipInfo:
    # The date that it has by itself is the earliest of all.
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.compress_level = _LEVEL
    info.create_system = 3  # as on POSIX, where there are modes
    info.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
    return info


def _chunks(file: File, source: str, live: Generation) -> Iterator[bytes]:
    try:
        # Whatever it was when it was found: a link may lead anywhere.
        if not stat.S_ISREG(os.lstat(source).st_mode):
            raise CannotCarryError(f"Its file {file.path} is no file any more.")
        with Path(source).open("rb") as stream:
            if file.scheme == "scripts":
                yield _for_any_python(stream.read(_LONGEST_HEAD), live)
            while chunk := stream.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise CannotCarryError(f"Its file {file.path} cannot be read: {error.strerror}.") from error


def _for_any_python(head: bytes, live: Generation) -> bytes:
    """The beginning of a script, with ``#!python`` where it calls the environment's own."""
    found = _BY_SHELL.match(head) or _SHEBANG.match(head)
    if not (found and _is_in(os.fsdecode(found["python"]), live)):
        return head
    return b"#!python\n" + head[found.end() :]


def _is_in(python: str, live: Generation) -> bool:
    # By any name that leads there: .venv, or the generation's own.
    folder, name = os.path.split(python)
    is_there = os.path.realpath(folder) == os.path.realpath(live.scripts)
    return name.lower().startswith("python") and is_there
