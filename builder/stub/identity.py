"""What an installer says of itself in its file's properties."""

from dataclasses import dataclass

from packaging.version import Version

from builder.manifest import Manifest

_LARGEST = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose installer of what it is; only Windows programs carry it."""

    product: str
    version: str
    company: str

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of the version, as many as it has, each as large as Windows takes it."""
        return tuple(min(number, _LARGEST) for number in Version(self.version).release)


def identity_of(manifest: Manifest) -> Identity:
    """What the installers of a manifest say."""
    return Identity(product=manifest.product, version=manifest.version, company=manifest.company)
