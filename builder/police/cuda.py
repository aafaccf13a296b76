"""That the set is of one CUDA build, and of the right one."""

import ast
import re
from collections.abc import Iterable, Iterator

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.graph import DependencyGraph
from builder.police.findings import Finding

_SUFFIX = re.compile(r"-cu(\d{2})$")
_VERSION_FILE = "torch/version.py"


def find_mixed_majors(
    distributions: Iterable[tuple[NormalizedName, Version]], cuda: str | None
) -> Iterator[Finding]:
    """``nvidia-*-cuNN`` parts of another CUDA major than the variant's.

    Since CUDA 13 the parts have no suffix; those are held together by torch's own
    exact requirements, which the closure rule checks.
    """
    major = cuda.partition(".")[0] if cuda else None
    for name, version in distributions:
        suffix = _SUFFIX.search(name)
        if suffix and name.startswith("nvidia-") and suffix[1] != major:
            wanted = f"CUDA {major}" if major else "a CPU-only variant"
            yield Finding(
                rule="cuda",
                package=name,
                message=f"{name} {version} is made for CUDA {suffix[1]}, the set for {wanted}.",
                remedy="Lock again with pins of one CUDA build.",
            )


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
