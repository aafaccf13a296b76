"""Writes the bundle under temporary names.

::

    [bootloader][payload.7z][trailer][PKG]         the index is the payload's last member
    [bootloader][index.7z][trailer][PKG]           with volumes, and beside it
    payload.7z.001, payload.7z.002 …
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from bootstrap.bundle import layout, pe
from bootstrap.bundle.directory import describe_directory
from bootstrap.bundle.evidence import FOLDER_NAME as EVIDENCE
from bootstrap.bundle.frame import Frame
from bootstrap.bundle.model import (
    FORMAT_VERSION,
    Entry,
    Group,
    Index,
    Runtime,
    Volume,
    Wheel,
    content_digest,
    encode_index,
)
from bootstrap.bundle.policy import allowance_for
from bootstrap.bundle.sections import Stretch, hash_stretches
from bootstrap.bundle.signature import INDEX_NAMESPACE
from bootstrap.bundle.vetting.index import INDEX_NAME
from builder import __version__
from builder.disk import require_room, storing
from builder.fetch import require_intact
from builder.pack.container import PayloadWriter
from builder.pack.contents import Contents, disk_need, longest_of
from builder.pack.volumes import VolumeWriter, describe_volumes, find_volumes
from builder.progress import Progress
from builder.wheels import StoredWheel, WheelFacts

# Room for the 7z header, the index and the file system's own bookkeeping.
_MARGIN = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Members:
    """What was stored, and where."""

    documents: tuple[Entry, ...]
    evidence: tuple[Entry, ...]
    runtime: Runtime
    groups: tuple[Group, ...]


def compose(contents: Contents, path: Path, progress: Progress) -> None:
    """Write the bundle.

    Args:
        contents: what goes into it; it decides whether there are volumes.
        path: of the installer, a name that nobody takes for a finished one. Volumes go beside
            it, under their final names.
        progress: gets a bar.

    Raises:
        NoSpaceError: the file system of ``path`` has not enough room.
        NotWritableError: ``path`` cannot be written.
        DamagedBundleError: a cached wheel is not what it should be.
    """
    total = contents.size
    archive = path.with_name(contents.archive_name)
    require_room(path.parent, total + _MARGIN, option="--output")
    with (
        storing(path.parent, option="--output", need=total),
        gone_if_it_fails(path, contents),
        progress.bar(f"pack {contents.installer_name}", total) as bar,
    ):
        if contents.volume_size is None:

            def fill(writer: PayloadWriter) -> Index:
                return _index(contents, _write_members(contents, writer, bar.advance), ())

            _write_installer(contents, path, fill)
        else:
            with (
                VolumeWriter(archive, contents.volume_size) as file,
                PayloadWriter(cast("BinaryIO", file)) as writer,
            ):
                members = _write_members(contents, writer, bar.advance)
            index = _index(contents, members, describe_volumes(file.paths))
            _write_installer(contents, path, lambda _: index)


@contextmanager
def gone_if_it_fails(path: Path, contents: Contents) -> Iterator[None]:
    """Whatever goes wrong in the context, nothing of the draft stays in the way of others.

    Args:
        path: of the draft's installer.
        contents: what it is made of.
    """
    try:
        yield
    except BaseException:
        for part in (path, *find_volumes(path.with_name(contents.archive_name))):
            part.unlink(missing_ok=True)
        raise


def _write_installer(
    contents: Contents, path: Path, fill: Callable[[PayloadWriter], Index]
) -> None:
    """Write the one file, on disk for sure when this returns.

    Args:
        contents: for the stub.
        path: of the file.
        fill: stores what belongs before the index, and makes that.
    """
    with path.open("w+b") as file, contents.stub.path.open("rb") as stub:
        program = stub.read(contents.stub.bootloader_size)
        file.write(program)
        with PayloadWriter(file) as writer:
            index = fill(writer)
            index_bytes = encode_index(index)
            index_entry = writer.add_bytes(index_bytes, INDEX_NAME)
        end = file.tell()
        file.write(bytes(layout.TRAILER_SIZE))
        file.write(stub.read())
        file.flush()
        trailer = layout.Trailer(
            payload_offset=len(program),
            payload_size=end - len(program),
            index_offset=len(program) + index_entry.offset,
            index_size=index_entry.size,
            index_sha256=layout.sha256_hex(index_bytes),
            rest_sha256="",
        )
        rest = _hash_rest(path, trailer, index, program[: pe.HEAD_SIZE])
        signer = contents.signer
        signature = signer.sign(index_bytes, INDEX_NAMESPACE) if signer else None
        file.seek(end)
        file.write(layout.pack_trailer(replace(trailer, rest_sha256=rest, signature=signature)))
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o755)


def _hash_program(stub: Path) -> str:
    """As :meth:`Frame.program` has it of the installer."""
    with stub.open("rb") as file:
        signing = pe.find_signing(file.read(pe.HEAD_SIZE))
    places = layout.gaps(list(signing.header_places) if signing else [], stub.stat().st_size)
    return hash_stretches([Stretch(path=stub, offset=at, size=size) for at, size in places])


def _hash_rest(path: Path, trailer: layout.Trailer, index: Index, head: bytes) -> str:
    signing = pe.find_signing(head)
    size = path.stat().st_size
    frame = Frame(
        trailer=trailer,
        size=size,
        pkg_end=size,
        header_places=tuple(signing.header_places) if signing else (),
    )
    members = () if index.volumes else index.entries
    rest = frame.rest([(trailer.payload_offset + e.offset, e.size) for e in members])
    return hash_stretches([Stretch(path=path, offset=at, size=size) for at, size in rest])


def _write_members(
    contents: Contents, writer: PayloadWriter, advance: Callable[[int], None]
) -> _Members:
    # First, since they name the version: so the first volumes of two builds differ at once.
    documents = tuple(
        writer.add_bytes(data, f"docs/{name}") for name, data in sorted(contents.documents.items())
    )
    evidence = tuple(
        writer.add_file(path, f"{EVIDENCE}/{name}", advance)
        for name, path in sorted(contents.evidence.items())
    )
    # In the order of installing, so that a medium is read strictly forward.
    runtime = _write_runtime(contents, writer, advance)
    sha256 = {wheel.name: wheel.sha256 for wheel in contents.lock.wheels}
    groups = tuple(
        Group(
            name=name,
            wheels=tuple(
                _write_wheel(
                    contents.wheels[member],
                    sha256[member],
                    contents.stored[member],
                    writer,
                    advance,
                )
                for member in members
            ),
        )
        for name, members in contents.groups.items()
    )
    return _Members(documents=documents, evidence=evidence, runtime=runtime, groups=groups)


def _write_wheel(
    facts: WheelFacts,
    sha256: str,
    stored: StoredWheel,
    writer: PayloadWriter,
    advance: Callable[[int], None],
) -> Wheel:
    entry = writer.add_file(stored.path, f"wheels/{facts.filename}", advance)
    require_intact(stored.path, facts.filename, stored.sha256, entry.sha256)
    with stored.path.open("rb") as file:
        directory = describe_directory(file)
    return Wheel(
        name=facts.name,
        version=str(facts.version),
        filename=facts.filename,
        sha256=sha256,
        size=facts.path.stat().st_size,
        entry=entry,
        directory=directory,
        record_sha256=facts.record_sha256,
        installed_size=facts.installed_size,
        file_count=facts.footprint.file_count,
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
        entry=writer.add_file(prepared.archive, "runtime/python.tar.zst", advance),
    )


def _index(contents: Contents, members: _Members, volumes: tuple[Volume, ...]) -> Index:
    manifest, lock = contents.manifest, contents.lock
    wheels = list(contents.wheels.values())
    digest = content_digest(
        [wheel.sha256 for wheel in lock.wheels],
        manifest.product,
        manifest.version,
        lock.variant,
        lock.target,
        members.runtime.entry.sha256,
    )
    return Index(
        format=FORMAT_VERSION,
        product=manifest.product,
        company=manifest.company,
        version=manifest.version,
        variant=lock.variant,
        target=lock.target,
        bundle_id=f"{manifest.version}-{lock.variant}-{digest}",
        created_by=f"llmsetup {__version__}",
        python=lock.python,
        minimum_glibc=contents.minimum_glibc,
        minimum_vc_runtime=contents.minimum_vc_runtime,
        cuda=contents.cuda,
        runtime=members.runtime,
        program_sha256=_hash_program(contents.stub.path),
        compression=contents.compression,
        volumes=volumes,
        groups=members.groups,
        documents=members.documents,
        evidence=members.evidence,
        provenance=contents.provenance,
        longest_path=longest_of(wheel.footprint.longest_path for wheel in wheels),
        longest_import=longest_of(wheel.footprint.longest_import for wheel in wheels),
        disk_need=disk_need(wheels, contents.runtime, contents.evidence.values()),
        checks=manifest.checks,
        blacklist=manifest.blacklist,
        waived=contents.concessions.waived,
        excluded=contents.concessions.excluded,
        allowances=tuple(
            allowance
            for wheel in lock.wheels
            if (allowance := allowance_for(wheel.filename, wheel.sha256, manifest.allowances))
        ),
    )
