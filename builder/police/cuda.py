"""That the set is of one CUDA build, and of the right one."""

import ast
import re
from collections.abc import Iterable, Iterator

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.graph import DependencyGraph
from builder.police.findings import Finding

_SUFFIX = re.compile(r"nvidia-.*-cu(\d{2})")
_LOCAL = re.compile(r"cu(\d{3})|cpu")
_COUNTED_AS_TOOLKIT = re.compile(r"nvidia-(cuda-.*|cublas|nvjitlink|nvtx)")
_VERSION_FILE = "torch/version.py"


def find_mixed_builds(
    distributions: Iterable[tuple[NormalizedName, Version]], cuda: str | None
) -> Iterator[Finding]:
    """Distributions that are made for another CUDA than the variant's.

    Three things tell: the suffix of ``nvidia-*-cuNN``, the local version of ``+cuNNN``
    builds, and since CUDA 13 the version of those parts that are counted as the toolkit is.

    Args:
        distributions: names and versions.
        cuda: of the variant, ``12.4``; None where it has none.
    """
    for name, version in distributions:
        made_for = _made_for(name, version)
        if made_for and not _agree(made_for, cuda):
            wanted = f"CUDA {cuda}" if cuda else "a CPU-only variant"
            yield Finding(
                rule="cuda",
                package=name,
                message=f"{name} {version} is made for {made_for}, the set for {wanted}.",
                remedy="Lock again with pins of one CUDA build.",
            )


def _made_for(name: NormalizedName, version: Version) -> str | None:
    """``CUDA 12``, ``CUDA 11.8`` or ``CPU``; None where nothing tells."""
    if local := _LOCAL.fullmatch(version.local or ""):
        digits = local[1]
        return f"CUDA {digits[:-1]}.{digits[-1]}" if digits else "CPU"
    if suffix := _SUFFIX.fullmatch(name):
        return f"CUDA {suffix[1]}"
    return f"CUDA {version.major}" if _COUNTED_AS_TOOLKIT.fullmatch(name) else None


def _agree(made_for: str, cuda: str | None) -> bool:
    if cuda is None:
        return made_for == "CPU"
    return made_for in (f"CUDA {cuda}", f"CUDA {cuda.partition('.')[0]}")


def find_wrong_torch(graph: DependencyGraph, cuda: str | None) -> Iterator[Finding]:
    """A torch whose own ``torch/version.py`` does not state the variant's CUDA."""
    wheel = graph.wheels.get(NormalizedName("torch"))
    if wheel is None:
        return
    try:
        stated = _stated_cuda(wheel.read(_VERSION_FILE).decode())
    except (KeyError, SyntaxError, ValueError) as error:
        stated, reason = None, f"{wheel.filename} does not say its CUDA build: {error}."
    else:
        reason = (
            f"{wheel.filename} was built with CUDA {stated or 'none'} ({_VERSION_FILE}), "
            f"the variant needs {cuda or 'none'}."
        )
        if stated == cuda:
            return
    yield Finding(
        rule="cuda",
        package="torch",
        message=reason,
        remedy="Pin the torch build of this variant in the manifest and lock again.",
    )


def _stated_cuda(source: str) -> str | None:
    """The value of ``cuda`` in ``version.py``: parsed, never executed.

    Raises:
        ValueError: there is no such assignment of a literal.
    """
    for node in ast.parse(source).body:
        match node:
            case ast.AnnAssign(target=ast.Name(id="cuda"), value=ast.Constant(value=value)):
                return str(value) if value is not None else None
            case ast.Assign(targets=[ast.Name(id="cuda")], value=ast.Constant(value=value)):
                return str(value) if value is not None else None
    raise ValueError(f"{_VERSION_FILE} assigns no cuda")
