"""What goes into one bundle, and the terms that follow from it. Reads no wheel."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from bootstrap.bundle.model import Compression, CudaTerms, LongestPath
from bootstrap.bundle.provenance import Provenance
from builder.footprint import BLOCK, longest
from builder.lock.model import Lock
from builder.manifest import Manifest
from builder.pack.volumes import ARCHIVE_SUFFIX
from builder.police import Concessions
from builder.runtime.model import PreparedRuntime
from builder.signing import Signer
from builder.stub import Stub
from builder.targets import LEGACY_MANYLINUX, TargetPlatform
from builder.wheels import StoredWheel, WheelFacts

_WORKING_ROOM = 16 << 20
# What 7-Zip, too, proposes for FAT disks, which hold files below 4 GiB; Windows starts no
# larger program. The rest is for what is not counted beforehand: index, 7z header, signature.
LARGEST_FILE = 4092 << 20
_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_")
_LEGACY_GLIBC = {name: f"2.{minor}" for minor, name in LEGACY_MANYLINUX.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Everything that one bundle is made of, checked and ready.

    Attributes:
        groups: group name to distributions, in order of installation.
        wheels: the facts of every locked wheel.
        compression: what has become of the wheels.
        stored: what is packed of each.
        minimum_vc_runtime: what torch asks of Windows; None where nothing in particular.
        documents: file name to content, for the user.
        concessions: where the wheels fall short of the manifest's rules, and may.
        provenance: where all of it is from.
        evidence: each file by its name below ``evidence/``; they are taken away when the bundle
            is published.
        asked_volume_size: bytes of a volume, where somebody asks for volumes.
        signer: signs the index; None leaves it unsigned.
    """

    manifest: Manifest
    lock: Lock
    target: TargetPlatform
    cuda: CudaTerms | None
    minimum_vc_runtime: str | None
    groups: Mapping[str, list[NormalizedName]]
    wheels: Mapping[NormalizedName, WheelFacts]
    compression: Compression
    stored: Mapping[NormalizedName, StoredWheel]
    runtime: PreparedRuntime
    stub: Stub
    documents: Mapping[str, bytes]
    concessions: Concessions
    provenance: Provenance
    evidence: Mapping[str, Path]
    asked_volume_size: int | None = None
    signer: Signer | None = None

    @property
    def installer_name(self) -> str:
        """File name of the result, such as ``LLMSetup-cu124.run``."""
        return f"{self.manifest.product}-{self.lock.variant}{self.target.suffix}"

    @property
    def minimum_glibc(self) -> str | None:
        """The oldest that runtime, stub and every wheel run with; None where there is none."""
        others = (self.runtime.minimum_glibc, self.stub.minimum_glibc)
        return minimum_glibc(self.wheels.values(), *others)

    @property
    def archive_name(self) -> str:
        """What the names of volumes begin with, such as ``LLMSetup-cu124.7z``."""
        return f"{self.manifest.product}-{self.lock.variant}{ARCHIVE_SUFFIX}"

    @property
    def volume_size(self) -> int | None:
        """Bytes of a volume; None puts the payload into the installer."""
        too_large = self._size_of_files > LARGEST_FILE
        return self.asked_volume_size or (LARGEST_FILE if too_large else None)

    @property
    def size(self) -> int:
        """Bytes of all parts together: what the result will need on disk."""
        return self._size_of_files + sum(map(len, self.documents.values()))

    @property
    def _size_of_files(self) -> int:
        wheels = (wheel.path for wheel in self.stored.values())
        parts = [self.stub.path, self.runtime.archive, *self.evidence.values(), *wheels]
        return sum(part.stat().st_size for part in parts)


def disk_need(
    wheels: Iterable[WheelFacts], runtime: PreparedRuntime, evidence: Iterable[Path] = ()
) -> int:
    """Bytes that installing takes on a file system with 4 KiB blocks.

    That is the environment, and a twentieth of it for what the checks write meanwhile
    (bytecode of what they import, above all), logs and the file system's own bookkeeping.
    """
    # A runtime file wastes half a block on average.
    runtime_size = runtime.installed_size + runtime.file_count * BLOCK // 2
    environment = sum(wheel.footprint.disk for wheel in wheels) + runtime_size
    environment += sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in evidence)
    return environment + environment // 20 + _WORKING_ROOM


def longest_of(paths: Iterable[str]) -> LongestPath:
    """The longest of some paths below ``site-packages``."""
    path = longest(paths)
    return LongestPath(length=len(path), path=path)


def minimum_glibc(wheels: Iterable[WheelFacts], *others: str | None) -> str | None:
    """The highest glibc that a wheel's least demanding tag, or one of ``others``, asks for."""
    needs = [_wheel_glibc(wheel) for wheel in wheels]
    stated = [Version(need) for need in [*needs, *others] if need]
    return str(max(stated)) if stated else None


def _wheel_glibc(wheel: WheelFacts) -> str | None:
    needs: list[Version] = []
    for tag in wheel.tags:
        legacy = next(
            (g for name, g in _LEGACY_GLIBC.items() if tag.platform.startswith(name)), None
        )
        match = _MANYLINUX.match(tag.platform)
        if legacy or match:
            needs.append(Version(legacy or f"{match[1]}.{match[2]}"))  # type: ignore[index]
    return str(min(needs)) if needs else None
