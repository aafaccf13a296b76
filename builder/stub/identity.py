"""What an installer says of itself in its file's properties."""

from dataclasses import dataclass

from packaging.version import Version

from bootstrap.bundle.keys import PublicKey
from builder.manifest import Manifest

_LARGEST = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose installer of what it is; only Windows programs carry the first three.

    Attributes:
        trusted: keys of those whose bundles it installs; with none, it takes any.
    """

    product: str
    version: str
    company: str
    trusted: tuple[PublicKey, ...] = ()

    @property
    def trusted_keys(self) -> str:
        """The keys as the program carries them."""
        return "".join(f"{key.line}\n" for key in self.trusted)

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of the version, as many as it has, each as large as Windows takes it."""
        return tuple(min(number, _LARGEST) for number in Version(self.version).release)


def identity_of(manifest: Manifest, trusted: tuple[PublicKey, ...]) -> Identity:
    """What the installers of a manifest say, and whom they trust."""
    return Identity(
        product=manifest.product,
        version=manifest.version,
        company=manifest.company,
        trusted=trusted,
    )
