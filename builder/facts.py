"""What is known of CUDA toolkits, drivers and torch builds: ``metadata/cuda.json``."""

import json
from pathlib import Path

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from bootstrap.bundle.model import CudaTerms, Target, Value
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


class CudaFacts(Value, frozen=True, kw_only=True):
    """The whole file: toolkits by ``major.minor``, and trios that fit."""

    sources: tuple[str, ...]
    toolkits: dict[str, Toolkit]
    trios: tuple[TorchTrio, ...]

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
    for name, toolkit in facts.toolkits.items():
        for place, row in enumerate(toolkit.architectures):
            where = f"$.toolkits.{name}.architectures[{place}]"
            try:
                SpecifierSet(row.torch)
            except InvalidSpecifier as error:
                raise ValueError(f"{where}.torch: {error}") from error
            for target in row.targets:
                if target not in toolkit.minimum_driver:
                    raise ValueError(f"{where}: {target} has no minimum_driver")
