"""What a wheel says of itself: read once, without unpacking."""

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.metadata import parse_email
from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import NormalizedName, parse_wheel_filename
from packaging.version import Version

from bootstrap.bundle import zips
from bootstrap.bundle.policy import Allowance
from bootstrap.bundle.records import RecordRow, parse_rows
from bootstrap.bundle.vetting.wheel import Depth, vet_wheel
from builder.errors import RefusedContentError
from builder.footprint import Footprint, installed_paths, measure

# Originals are read by Python's own module, whose error of this name is another one.
UNREADABLE = (zipfile.BadZipFile, *zips.UNREADABLE)
_REPLACE = "Fetch the wheel again, or lock another version of it."
_REPLACE_OR_ALLOW = (
    f"{_REPLACE[:-1]}; what may be allowed by hash (docs/vetting.md) can go into the manifest's "
    "allowances, once somebody has read it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFacts:
    """A wheel's metadata, and what its files come to.

    Attributes:
        path: where the file lies now; its name there may be anything.
        record_path: of its ``RECORD``, in the wheel.
        record_sha256: hexadecimal digest of the ``RECORD`` itself.
        scripts: name of each script that is made from an entry point, to what it calls.
        installed_size: bytes of all files, uncompressed.
        footprint: what they will take.
    """

    path: Path
    filename: str
    name: NormalizedName
    version: Version
    tags: frozenset[Tag]
    requires: tuple[Requirement, ...]
    record_path: str
    record_sha256: str
    scripts: Mapping[str, str]
    installed_size: int
    footprint: Footprint

    def read_installed_paths(self) -> dict[str, RecordRow]:
        """Its files by the path that they get (:func:`builder.footprint.installed_paths`).

        Raises:
            RefusedContentError: the wheel is not what it was.
        """
        try:
            record = self.read(self.record_path)
        except KeyError as error:
            raise unusable(self.filename, error) from error
        if hashlib.sha256(record).hexdigest() != self.record_sha256:
            raise unusable(self.filename, "its RECORD has changed since it was read")
        return installed_paths(dict(parse_rows(record)), self.scripts)

    def read(self, member: str) -> bytes:
        """One file out of the wheel.

        Raises:
            KeyError: there is no such file in it.
            RefusedContentError: it cannot be unpacked.
        """
        try:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(member)
        except UNREADABLE as error:
            raise unusable(self.filename, f"{member} cannot be unpacked ({error})") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredWheel:
    """What is packed of a wheel: the original, or the same wheel compressed anew.

    Attributes:
        path: where it lies now.
        sha256: of its bytes, to be compared while they are packed.
    """

    path: Path
    sha256: str


def unusable(filename: str, why: object) -> RefusedContentError:
    """The error for a wheel that is intact and of no use."""
    return RefusedContentError(f"{filename} is not a usable wheel: {why}.", remedy=_REPLACE)


def read_each(reads: Iterable[Callable[[], WheelFacts]]) -> tuple[WheelFacts, ...]:
    """Read several wheels, and tell all that is refused at once.

    Raises:
        RefusedContentError: some are refused.
    """
    facts, refused = list[WheelFacts](), list[RefusedContentError]()
    for read in reads:
        try:
            facts.append(read())
        except RefusedContentError as error:
            refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    if refused:
        raise RefusedContentError(
            "\n".join(error.message for error in refused),
            remedy=" ".join(dict.fromkeys(error.remedy for error in refused)),
        )
    return tuple(facts)


def read_wheel(
    path: Path, filename: str, *, depth: Depth = "headers", allowance: Allowance | None = None
) -> WheelFacts:
    """Vet the wheel at ``path`` whose proper name is ``filename``, and read its facts.

    Args:
        path: where it lies.
        filename: its proper name.
        depth: how much of it is read.
        allowance: what it may do all the same.

    Raises:
        RefusedContentError: it breaks rules of vetting, or has no usable metadata.
    """
    try:
        with path.open("rb") as file:
            vetted = vet_wheel(
                file, filename, depth=depth, allowance=allowance, remedy=_REPLACE_OR_ALLOW
            )
        name, version, _, tags = parse_wheel_filename(filename)
        metadata, _ = parse_email(vetted.metadata)
        return WheelFacts(
            path=path,
            filename=filename,
            name=name,
            version=version,
            tags=tags,
            requires=tuple(Requirement(text) for text in metadata.get("requires_dist", ())),
            record_path=vetted.record_path,
            record_sha256=hashlib.sha256(vetted.record_bytes).hexdigest(),
            scripts=vetted.scripts,
            installed_size=sum(m.file_size for m in vetted.members if not m.is_dir()),
            footprint=measure(vetted.record, vetted.scripts),
        )
    except UNREADABLE as error:
        raise unusable(filename, error) from error
