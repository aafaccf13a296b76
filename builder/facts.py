"""What is known of CUDA toolkits, drivers and torch builds: ``metadata/cuda.json``."""

import json
from pathlib import Path

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from bootstrap.bundle.model import CudaTerms
from bootstrap.bundle.value import Target, Value
from builder.errors import ManifestError

DEFAULT_PATH = Path(__file__).parent.parent / "metadata" / "cuda.json"


class Architectures(Value, frozen=True, kw_only=True):
    """Compute capabilities in torch builds of these versions for these targets."""

    torch: str
    targets: tuple[Target, ...]
    capabilities: tuple[str, ...]


class Toolkit(Value, frozen=True, kw_only=True):
    """One CUDA toolkit.

    Attributes:
        toolkit_driver: the driver that came with it, by target; absent where unknown.
        minimum_driver: the oldest that runs it by minor-version compatibility.
        driver_integer: what ``cuDriverGetVersion`` answers for it, such as 12040.
    """

    version: str
    toolkit_driver: dict[Target, str]
    minimum_driver: dict[Target, str]
    driver_integer: int
    architectures: tuple[Architectures, ...]


class TorchTrio(Value, frozen=True, kw_only=True):
    """Versions of torch and its companions that were built for each other."""

    torch: str
    torchvision: str
    torchaudio: str


class VcRuntime(Value, frozen=True, kw_only=True):
    """The oldest Microsoft Visual C++ runtime that torch of these versions runs with."""

    torch: str
    minimum: str


class CudaFacts(Value, frozen=True, kw_only=True):
    """The whole file: toolkits by ``major.minor``, trios that fit, and what Windows needs."""

    sources: tuple[str, ...]
    toolkits: dict[str, Toolkit]
    trios: tuple[TorchTrio, ...]
    vc_runtimes: tuple[VcRuntime, ...]

    def vc_runtime(self, target: Target, torch: Version) -> str | None:
        """The oldest Visual C++ runtime for that torch; None where none is known to matter."""
        if target != "win_amd64":
            return None
        release = Version(torch.public)
        fitting = (row for row in self.vc_runtimes if release in SpecifierSet(row.torch))
        return next((row.minimum for row in fitting), None)

    def terms(self, cuda: str, target: Target, torch: Version) -> CudaTerms:
        """What toolkit ``cuda`` with that torch asks of a machine.

        Raises:
            ManifestError: the file does not know the toolkit or the torch build.
        """
        toolkit = self.toolkits.get(cuda)
        if toolkit is None:
            raise ManifestError(
                f"metadata/cuda.json knows no CUDA {cuda}.",
                remedy=f"Add it, or use one of {', '.join(self.toolkits)}.",
            )
        release = Version(torch.public)
        for row in toolkit.architectures:
            if target in row.targets and release in SpecifierSet(row.torch):
                return CudaTerms(
                    version=cuda,
                    minimum_driver=toolkit.minimum_driver[target],
                    recommended_driver=toolkit.toolkit_driver.get(target),
                    architectures=row.capabilities,
                )
        raise ManifestError(
            f"metadata/cuda.json has no architecture list for torch {torch} with CUDA {cuda} "
            f"on {target}.",
            remedy="Add one to the toolkit's architectures.",
        )


def load_facts(path: Path = DEFAULT_PATH) -> CudaFacts:
    """Read the facts.

    Raises:
        ManifestError: the file does not hold what it must; names the place.
    """
    try:
        facts = msgspec.convert(json.loads(path.read_text(encoding="utf-8")), CudaFacts)
        _check(facts)
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path}: {error}.", remedy="Correct the named place.") from error
    return facts


def _check(facts: CudaFacts) -> None:
    """What the types cannot say.

    Raises:
        ValueError: names the place.
    """
    for place, needed in enumerate(facts.vc_runtimes):
        _check_specifier(needed.torch, f"$.vc_runtimes[{place}].torch")
    for name, toolkit in facts.toolkits.items():
        for place, row in enumerate(toolkit.architectures):
            where = f"$.toolkits.{name}.architectures[{place}]"
            _check_specifier(row.torch, f"{where}.torch")
            for target in row.targets:
                if target not in toolkit.minimum_driver:
                    raise ValueError(f"{where}: {target} has no minimum_driver")


def _check_specifier(text: str, where: str) -> None:
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        raise ValueError(f"{where}: {error}") from error
