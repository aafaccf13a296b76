"""Writes ``[bootloader][payload.7z][trailer][PKG]``: the bundle, under a temporary name."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bootstrap.bundle import layout
from bootstrap.bundle.model import (
    FORMAT_VERSION,
    Entry,
    Group,
    Index,
    Runtime,
    Wheel,
    content_digest,
    encode_index,
)
from builder import __version__
from builder.disk import require_room, storing
from builder.fetch import require_intact
from builder.pack.container import PayloadWriter
from builder.pack.contents import Contents, disk_need, longest_path
from builder.progress import Progress
from builder.wheels import WheelFacts

INDEX_NAME = "bundle.json"
# Room for the 7z header, the index and the file system's own bookkeeping.
_MARGIN = 32 << 20


def compose(contents: Contents, path: Path, progress: Progress) -> None:
    """Write the bundle to ``path``, a name that nobody takes for a finished one.

    Raises:
        NoSpaceError: the file system of ``path`` has not enough room.
        NotWritableError: ``path`` cannot be written.
        DamagedBundleError: a cached wheel is not what the lock says.
    """
    total = contents.size
    require_room(path.parent, total + _MARGIN, option="--output")
    with (
        _writing(path, total) as file,
        contents.stub.path.open("rb") as stub,
        progress.bar(f"pack {contents.installer_name}", total) as bar,
    ):
        _copy(stub, file, contents.stub.bootloader_size)
        payload_offset = file.tell()
        with PayloadWriter(file) as writer:
            index, index_bytes, index_entry = _write_members(contents, writer, bar.advance)
        _finish(file, stub, payload_offset, index, index_bytes, index_entry)
        path.chmod(0o755)


def _finish(
    file: BinaryIO,
    stub: BinaryIO,
    payload_offset: int,
    index: Index,
    index_bytes: bytes,
    index_entry: Entry,
) -> None:
    """Write the trailer and the PKG behind a finished payload."""
    position, pkg = file.tell(), stub.read()
    covered = [(payload_offset + e.offset, e.size) for e in (*index.entries, index_entry)]
    rest = hashlib.sha256()
    for offset, size in layout.gaps(covered, position):
        file.seek(offset)
        rest.update(file.read(size))
    rest.update(pkg)
    trailer = layout.Trailer(
        payload_offset=payload_offset,
        payload_size=position - payload_offset,
        index_offset=payload_offset + index_entry.offset,
        index_size=index_entry.size,
        index_sha256=layout.sha256_hex(index_bytes),
        rest_sha256=rest.hexdigest(),
    )
    file.seek(position)
    file.write(layout.pack_trailer(trailer))
    file.write(pkg)


@contextmanager
def _writing(path: Path, need: int) -> Iterator[BinaryIO]:
    """The file, on disk for sure when the context ends, gone when it fails."""
    try:
        with storing(path.parent, option="--output", need=need), path.open("w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _copy(source: BinaryIO, destination: BinaryIO, size: int) -> None:
    destination.write(source.read(size))


def _write_members(
    contents: Contents, writer: PayloadWriter, advance: Callable[[int], None]
) -> tuple[Index, bytes, Entry]:
    groups = tuple(
        Group(
            name=name,
            wheels=tuple(
                _write_wheel(contents.wheels[member], contents, writer, advance)
                for member in members
            ),
        )
        for name, members in contents.groups.items()
    )
    runtime = _write_runtime(contents, writer, advance)
    documents = tuple(
        writer.add_bytes(data, f"docs/{name}") for name, data in sorted(contents.documents.items())
    )
    index = _index(contents, groups, runtime, documents)
    index_bytes = encode_index(index)
    return index, index_bytes, writer.add_bytes(index_bytes, INDEX_NAME)


def _write_wheel(
    facts: WheelFacts, contents: Contents, writer: PayloadWriter, advance: Callable[[int], None]
) -> Wheel:
    locked = next(wheel for wheel in contents.lock.wheels if wheel.name == facts.name)
    entry = writer.add_file(facts.path, f"wheels/{facts.filename}", advance)
    require_intact(facts.path, facts.filename, locked.sha256, entry.sha256)
    return Wheel(
        name=facts.name,
        version=str(facts.version),
        filename=facts.filename,
        sha256=locked.sha256,
        size=facts.path.stat().st_size,
        entry=entry,
        record_sha256=facts.record_sha256,
        installed_size=facts.installed_size,
        file_count=len(facts.record),
    )


def _write_runtime(
    contents: Contents, writer: PayloadWriter, advance: Callable[[int], None]
) -> Runtime:
    prepared = contents.runtime
    return Runtime(
        source=prepared.source,
        version=prepared.version,
        build=prepared.build,
        executable=prepared.executable,
        minimum_glibc=prepared.minimum_glibc,
        installed_size=prepared.installed_size,
        file_count=prepared.file_count,
        warning=prepared.warning,
        entry=writer.add_file(prepared.archive, "runtime/python.tar", advance),
    )


def _index(
    contents: Contents, groups: tuple[Group, ...], runtime: Runtime, documents: tuple[Entry, ...]
) -> Index:
    manifest, lock = contents.manifest, contents.lock
    wheels = list(contents.wheels.values())
    digest = content_digest(
        [wheel.sha256 for wheel in lock.wheels],
        manifest.product,
        manifest.version,
        lock.variant,
        lock.target,
        runtime.entry.sha256,
    )
    return Index(
        format=FORMAT_VERSION,
        product=manifest.product,
        version=manifest.version,
        variant=lock.variant,
        target=lock.target,
        bundle_id=f"{manifest.version}-{lock.variant}-{digest}",
        created_by=f"llmsetup {__version__}",
        python=lock.python,
        minimum_glibc=contents.minimum_glibc,
        cuda=contents.cuda,
        runtime=runtime,
        groups=groups,
        documents=documents,
        longest_path=longest_path(wheels),
        disk_need=disk_need(wheels, contents.runtime),
        checks=manifest.checks,
        blacklist=manifest.blacklist,
    )
