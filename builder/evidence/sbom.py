"""The software bill of materials, CycloneDX 1.6. Imported where it is needed: it takes a while."""

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
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


def make_sbom(subject: Subject, pieces: Iterable[Piece]) -> bytes:
    """The document, checked against the schema; the same content gives the same bytes.

    Raises:
        AssertionError: it does not answer the schema, which is a bug.
    """
    bom = Bom(metadata=_metadata(subject), components=(), dependencies=())
    bom.dependencies.add(_dependency(_ROOT, subject.roots))
    licenses = LicenseFactory()
    for piece in pieces:
        bom.components.add(_component(piece, licenses))
        for one in piece.walk():
            bom.dependencies.add(_dependency(one.ref, one.needs))
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    _settle(document, subject)
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault:
        raise AssertionError(f"The SBOM does not answer its schema: {fault}")
    return text.encode()


def _settle(document: dict[str, Any], subject: Subject) -> None:
    """Replace what the library takes from the clock and from chance."""
    if subject.built is None:
        del document["metadata"]["timestamp"]
    else:
        document["metadata"]["timestamp"] = subject.built
    document.pop("serialNumber")
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_SPACE, content)}"


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


def _dependency(ref: str, needs: Iterable[str]) -> Dependency:
    return Dependency(ref=_ref(ref), dependencies=[Dependency(ref=_ref(need)) for need in needs])


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
    return HashType.from_hashlib_alg("sha256", sha256)


def _ref(text: str) -> BomRef:
    return BomRef(text)
