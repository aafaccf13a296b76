"""The software bill of materials, CycloneDX 1.6. Imported where it is needed: it takes a while."""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from textwrap import indent
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from builder.evidence.pieces import Declared, Kind, Piece

# Of this kind of document, for serial numbers that follow from the content.
_SPACE = uuid.UUID("5d3a8f0e-6f1b-5c39-9b61-0c1f6a2e7d44")
_TYPES: dict[Kind, ComponentType] = {
    "wheel": ComponentType.LIBRARY,
    "runtime": ComponentType.PLATFORM,
    "stub": ComponentType.APPLICATION,
    "distribution": ComponentType.LIBRARY,
    "library": ComponentType.LIBRARY,
}
# Parts that are on no package index.
_GENERIC = frozenset({"cpython", "llmsetup"})
_ROOT = "bundle"
# Components that are made and checked together.
_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the bill is of, and who wrote it.

    Attributes:
        built: as the provenance has it.
        roots: refs of what it depends on directly.
    """

    product: str
    version: str
    variant: str
    target: str
    company: str
    builder: str
    built: str | None
    roots: tuple[str, ...]


def write_sbom(path: Path, subject: Subject, pieces: Iterable[Piece]) -> None:
    """Write the document, checked against the schema; the same content gives the same bytes.

    It is made and checked some components at a time: the library and the schema's validator
    compare each with each, which takes minutes and half a gigabyte where there are 10,000.

    Args:
        path: of the file.
        subject: what it is of.
        pieces: its components, each ref once.

    Raises:
        AssertionError: it does not answer the schema, which is a bug.
    """
    document = _frame(subject)
    dependencies = [_dependency(_ROOT, subject.roots)]
    arrays = {
        "components": _components(pieces, dependencies),
        # Complete when the components are written, which come before them.
        "dependencies": dependencies,
    }
    digest = hashlib.sha256()
    with path.open("w", encoding="utf-8", newline="\n") as file:

        def put(text: str) -> None:
            digest.update(text.encode())
            file.write(text)

        for key in sorted(document):
            put(f"{',' if file.tell() else '{'}\n  {json.dumps(key)}: ")
            if key in arrays:
                _put_array(put, arrays[key])
            elif key == "serialNumber":
                put(json.dumps(uuid.uuid5(_SPACE, digest.hexdigest()).urn))
            else:
                put(_indented(document[key], 2).lstrip())
        put("\n}\n")


def _frame(subject: Subject) -> dict[str, Any]:
    """All but the components, and what they depend on."""
    document: dict[str, Any] = json.loads(
        JsonV1Dot6(Bom(metadata=_metadata(subject))).output_as_string()
    )
    # What the library takes from the clock.
    if subject.built is None:
        del document["metadata"]["timestamp"]
    else:
        document["metadata"]["timestamp"] = subject.built
    document |= {"components": [], "dependencies": [_dependency(_ROOT, subject.roots)]}
    _require_valid(document)
    return document


def _components(
    pieces: Iterable[Piece], dependencies: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Each component as it is written; what it depends on is added to the list."""
    licenses, refs, waiting = LicenseFactory(), set[str](), iter(pieces)
    while batch := list(islice(waiting, _BATCH)):
        bom = Bom(components=[_component(piece, licenses) for piece in batch])
        document = json.loads(JsonV1Dot6(bom).output_as_string())
        every = [one for piece in batch for one in piece.walk()]
        if len(refs | {one.ref for one in every}) != len(refs) + len(every):
            raise AssertionError("Two components of the SBOM have the same ref.")
        refs.update(one.ref for one in every)
        document["dependencies"] = [_dependency(one.ref, one.needs) for one in every]
        _require_valid(document)
        dependencies += document["dependencies"]
        yield from document["components"]


def _require_valid(document: dict[str, Any]) -> None:
    fault = _validator().validate_str(json.dumps(document))
    if fault:
        raise AssertionError(f"The SBOM does not answer its schema: {fault}")


@cache
def _validator() -> JsonStrictValidator:
    return JsonStrictValidator(SchemaVersion.V1_6)


def _put_array(put: Callable[[str], None], items: Iterable[Any]) -> None:
    before = "["
    for item in items:
        put(f"{before}\n{_indented(item, 4)}")
        before = ","
    put("[]" if before == "[" else "\n  ]")


def _indented(value: Any, by: int) -> str:  # noqa: ANN401 (whatever JSON holds)
    return indent(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False), " " * by)


def _metadata(subject: Subject) -> BomMetaData:
    builder = Component(
        type=ComponentType.APPLICATION, name="llmsetup", version=subject.builder, bom_ref="builder"
    )
    metadata = BomMetaData(
        component=Component(
            type=ComponentType.APPLICATION,
            name=f"{subject.product}-{subject.variant}",
            version=subject.version,
            publisher=subject.company,
            bom_ref=_ROOT,
            properties=[Property(name="llmsetup:target", value=subject.target)],
        ),
        timestamp=datetime.fromtimestamp(0, UTC),
    )
    metadata.tools.components.add(builder)
    return metadata


def _dependency(ref: str, needs: Iterable[str]) -> dict[str, Any]:
    return {"ref": ref, "dependsOn": sorted(needs)} if needs else {"ref": ref}


def _component(piece: Piece, licenses: LicenseFactory) -> Component:
    return Component(
        type=_TYPES[piece.kind],
        name=piece.name,
        version=piece.version,
        bom_ref=piece.ref,
        purl=_purl(piece),
        hashes=[_hash(piece.sha256)] if piece.sha256 else (),
        licenses=_licenses(piece.declared, licenses),
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.BOM, url=XsUri(kept.name), hashes=[_hash(kept.sha256)]
            )
            for kept in piece.sboms
        ],
        properties=list(_properties(piece)),
        components=[_component(inner, licenses) for inner in piece.inside],
    )


def _properties(piece: Piece) -> Iterator[Property]:
    if piece.filename:
        yield Property(name="llmsetup:file", value=piece.filename)
    if piece.index:
        yield Property(name="llmsetup:index", value=piece.index)
    for text in piece.texts:
        yield Property(name="llmsetup:license-text", value=text.name)


def _purl(piece: Piece) -> PackageURL | None:
    if piece.kind in {"library", "stub"}:
        return None
    kind = "generic" if piece.name in _GENERIC else "pypi"
    return PackageURL(type=kind, name=piece.name, version=piece.version)


def _licenses(declared: Declared, factory: LicenseFactory) -> list[License]:
    """What is declared, the most exact of it: an expression stands alone, by the format's rule."""
    stated = declared.expression or declared.license
    if stated:
        return [factory.make_from_string(stated)]
    return [DisjunctiveLicense(name=name) for name in dict.fromkeys(declared.classifiers)]


def _hash(sha256: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=sha256)
