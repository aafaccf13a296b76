"""The pinned builds of python-build-standalone: ``metadata/runtimes.json``."""

import json
from pathlib import Path

import msgspec
from packaging.version import Version

from bootstrap.bundle.model import Target, Value
from builder.errors import ManifestError, NotTrustedError
from builder.fetch import WantedFile

DEFAULT_PATH = Path(__file__).parents[2] / "metadata" / "runtimes.json"


class PinnedRuntime(Value, frozen=True, kw_only=True):
    """One archive of python-build-standalone (``install_only`` or ``install_only_stripped``).

    Attributes:
        python: full version, such as ``3.11.15``.
        build: release of python-build-standalone, a date such as ``20260807``.
        sha256: hexadecimal; an entry without one is never taken.
        size: bytes, None where unknown.
    """

    python: str
    build: str
    target: Target
    filename: str
    url: str
    sha256: str | None = None
    size: int | None = None

    @property
    def age(self) -> tuple[Version, Version]:
        """Sorts newer ones behind older ones."""
        return Version(self.python), Version(self.build)

    @property
    def wanted(self) -> WantedFile:
        """What to fetch.

        Raises:
            NotTrustedError: it is not pinned by a hash.
        """
        if not self.sha256:
            raise NotTrustedError(
                f"metadata/runtimes.json states no SHA-256 for {self.filename}, so nothing would "
                "tell a forged interpreter from the true one.",
                remedy="Add the hash from the release's SHA256SUMS, or build with --runtime host.",
            )
        return WantedFile(
            project="python-build-standalone",
            filename=self.filename,
            sha256=self.sha256,
            size=self.size,
            index=None,
            url=self.url,
        )


class _Pins(Value, frozen=True, kw_only=True):
    sources: tuple[str, ...]
    runtimes: tuple[PinnedRuntime, ...]


def newest_runtime(python: str, target: Target, path: Path = DEFAULT_PATH) -> PinnedRuntime:
    """The newest pinned build of CPython ``python`` (``3.11``) for a target.

    Raises:
        ManifestError: the file does not hold what it must, or has none that fits.
    """
    try:
        pins = msgspec.convert(json.loads(path.read_text(encoding="utf-8")), _Pins)
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path}: {error}.", remedy="Correct the named place.") from error
    fitting = [
        pin for pin in pins.runtimes if pin.target == target and pin.python.startswith(f"{python}.")
    ]
    if not fitting:
        raise ManifestError(
            f"{path} has no build of Python {python} for {target}.",
            remedy="Add one with its SHA-256, or build with --runtime host on such a machine.",
        )
    return max(fitting, key=lambda pin: pin.age)
