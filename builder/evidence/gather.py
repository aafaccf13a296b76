"""Looks through wheels, runtime and stub for all that evidence speaks of."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from bootstrap.bundle.evidence import LICENSES
from bootstrap.bundle.zips import tarfile
from builder.evidence.pieces import Declared, KeptFile, Piece
from builder.evidence.texts import TextFolder, is_legal, search
from builder.fetch import hash_file
from builder.graph import DependencyGraph
from builder.lock.model import Lock, LockedWheel
from builder.runtime.model import PreparedRuntime
from builder.stub import Stub
from builder.stub.parts import frozen_libraries, is_library, read_parts
from builder.wheels import UNREADABLE, unusable

# Of CPython itself, and of what its builders have put beside it.
_PYTHON_LICENSE = Declared(expression="PSF-2.0")
_BUNDLED = "/ensurepip/_bundled/"


def wheel_pieces(
    lock: Lock, graph: DependencyGraph, indexes: Mapping[str, str], kept: TextFolder
) -> Iterator[Piece]:
    """Every wheel, by name, and what it needs of the others.

    Args:
        lock: which ones.
        graph: they, and who needs whom.
        indexes: distribution to name of its index.
        kept: keeps texts and SBOMs.

    Raises:
        RefusedContentError: a wheel cannot be unpacked.
    """
    refs = {wheel.name: wheel_ref(wheel) for wheel in lock.wheels}
    for locked in lock.wheels:
        facts = graph.wheels[locked.name]
        try:
            with zipfile.ZipFile(facts.path) as archive:
                info = facts.record_path.rpartition("/")[0]
                found = search(archive, info, locked.name, kept)
        except (KeyError, *UNREADABLE) as error:
            raise unusable(facts.filename, error) from error
        needs = {refs[edge.name] for edge in graph.needs(locked.name) if edge.name in refs}
        yield Piece(
            ref=refs[locked.name],
            kind="wheel",
            name=locked.name,
            version=str(locked.version),
            filename=locked.filename,
            sha256=locked.sha256,
            index=indexes[locked.name],
            declared=found.declared,
            texts=found.texts,
            sboms=found.sboms,
            needs=tuple(sorted(needs - {refs[locked.name]})),
        )


def wheel_ref(wheel: LockedWheel) -> str:
    """Names it in the SBOM."""
    return f"wheel:{wheel.name}@{wheel.version}"


def runtime_piece(runtime: PreparedRuntime, kept: TextFolder) -> Piece:
    """The CPython that goes along: its shared libraries, and the wheels in its ensurepip."""
    inside, texts = list[Piece](), list[KeptFile]()
    with tarfile.open(runtime.archive) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            base = member.name.rpartition("/")[2]
            if _BUNDLED in member.name and base.endswith(".whl"):
                inside.append(_bundled(base, content.read(), kept))
            elif is_library(base):
                inside.append(_library("runtime", member.name, content.read()))
            elif is_legal(base) and "site-packages" not in member.name:
                texts.append(kept.keep(LICENSES, "cpython", member.name, content.read()))
    return Piece(
        ref=f"runtime:cpython@{runtime.version}",
        kind="runtime",
        name="cpython",
        version=runtime.version,
        filename=f"{runtime.source}, {runtime.build}",
        sha256=hash_file(runtime.archive),
        declared=_PYTHON_LICENSE,
        texts=tuple(dict.fromkeys(texts)),
        needs=tuple(sorted({piece.ref for piece in inside})),
        inside=_distinct(inside),
    )


def _bundled(filename: str, data: bytes, kept: TextFolder) -> Piece:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            info = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            found = search(archive, info.rpartition("/")[0], name, kept)
    except (KeyError, StopIteration, InvalidWheelFilename, *UNREADABLE) as error:
        raise unusable(f"{filename} in ensurepip", error) from error
    return Piece(
        ref=f"runtime:{name}@{version}",
        kind="distribution",
        name=name,
        version=str(version),
        filename=filename,
        sha256=hashlib.sha256(data).hexdigest(),
        declared=found.declared,
        texts=found.texts,
        sboms=found.sboms,
    )


def _library(place: str, path: str, data: bytes) -> Piece:
    return Piece(
        ref=f"{place}:{path}",
        kind="library",
        name=path.rpartition("/")[2],
        filename=path.rpartition("/")[2],
        sha256=hashlib.sha256(data).hexdigest(),
    )


def stub_piece(stub: Stub, kept: TextFolder) -> Piece:
    """The installer program, by the list of parts that it carries."""
    inside = [*_frozen(stub.path, kept)]
    inside += [_library("stub", name, data) for name, data in frozen_libraries(stub.path)]
    own = next(piece for piece in inside if piece.name == "llmsetup")
    return Piece(
        ref="stub",
        kind="stub",
        name="installer-program",
        version=own.version,
        sha256=hash_file(stub.path),
        declared=own.declared,
        needs=tuple(sorted({piece.ref for piece in inside})),
        inside=_distinct(inside),
    )


def _frozen(stub: Path, kept: TextFolder) -> Iterator[Piece]:
    with zipfile.ZipFile(io.BytesIO(read_parts(stub))) as archive:
        for info in sorted({name.partition("/")[0] for name in archive.namelist()}):
            name, _, version = info.removesuffix(".dist-info").rpartition("-")
            found = search(archive, info, canonicalize_name(name), kept)
            yield Piece(
                ref=f"stub:{name}@{version}",
                kind="distribution",
                name=name,
                version=version,
                declared=found.declared,
                texts=found.texts,
                sboms=found.sboms,
            )


def _distinct(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Sorted, each ref once."""
    return tuple(sorted({piece.ref: piece for piece in pieces}.values(), key=lambda p: p.ref))
