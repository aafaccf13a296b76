"""What a build leaves to be checked by others: SBOM, licence texts, provenance."""

from collections.abc import Mapping
from pathlib import Path

from packaging.utils import canonicalize_name

from bootstrap.bundle.evidence import LICENSES, PROVENANCE_NAME, SBOM_NAME
from builder.evidence.gather import runtime_piece, stub_piece, wheel_pieces
from builder.evidence.inventory import NAME as INVENTORY_NAME
from builder.evidence.inventory import inventory
from builder.evidence.pieces import Piece
from builder.evidence.provenance import DEFAULT_INDEX, encode_provenance, state_provenance
from builder.evidence.revision import Revision, read_revision
from builder.evidence.texts import TextFolder
from builder.graph import DependencyGraph
from builder.pack.contents import Contents

__all__ = ["Revision", "read_revision", "state_provenance", "write_evidence"]


def write_evidence(contents: Contents, graph: DependencyGraph, folder: Path) -> dict[str, Path]:
    """Write the evidence of one bundle.

    Args:
        contents: what goes into it.
        graph: its wheels, and who needs whom.
        folder: where it goes; new.

    Returns:
        Each file, by its name below the folder, with forward slashes.

    Raises:
        RefusedContentError: a wheel cannot be unpacked, or the stub does not say what it is.
        DamagedBundleError: the stub is damaged.
    """
    folder.mkdir()
    kept = TextFolder(folder)
    indexes = _indexes(contents)
    pieces = [*wheel_pieces(contents.lock, graph, indexes, kept)]
    runtime = runtime_piece(contents.runtime, kept)
    stub = stub_piece(contents.stub, kept)
    pieces += [runtime, stub]
    (folder / LICENSES / INVENTORY_NAME).write_bytes(inventory(pieces))
    short = contents.provenance
    provenance = encode_provenance(short, contents.lock, indexes, runtime, stub)
    (folder / PROVENANCE_NAME).write_bytes(provenance)
    _write_sbom(folder / SBOM_NAME, contents, pieces)
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in sorted(found)}


def _indexes(contents: Contents) -> Mapping[str, str]:
    """Distribution to the name of its index, as the manifest has it; never an address."""
    lock = contents.lock
    named = contents.manifest.variant_target(lock.variant, lock.target).indexes
    return {wheel.name: named.get(wheel.name, DEFAULT_INDEX) for wheel in lock.wheels}


def _write_sbom(path: Path, contents: Contents, pieces: list[Piece]) -> None:
    # Costs every command a tenth of a second when it is imported at the top.
    from builder.evidence.sbom import Subject, write_sbom  # noqa: PLC0415

    manifest, lock, short = contents.manifest, contents.lock, contents.provenance
    asked = {canonicalize_name(name) for name in manifest.roots}
    roots = [piece.ref for piece in pieces if piece.kind != "wheel" or piece.name in asked]
    write_sbom(
        path,
        Subject(
            product=manifest.product,
            version=manifest.version,
            variant=lock.variant,
            target=lock.target,
            company=manifest.company,
            builder=short.builder,
            built=short.built,
            roots=tuple(sorted(roots)),
        ),
        pieces,
    )
