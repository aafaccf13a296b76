"""What the manifest leaves out: that it is not there, and who would have wanted it."""

from collections.abc import Iterable, Iterator, Mapping

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from bootstrap.bundle.policy import Excluded
from builder.graph import DependencyGraph
from builder.manifest import Exclusion
from builder.police.findings import Finding


def find_present(
    distributions: Iterable[tuple[NormalizedName, Version]], excluded: Mapping[str, Exclusion]
) -> Iterator[Finding]:
    """Distributions that are there although they are left out."""
    for name, version in distributions:
        if exclusion := excluded.get(name):
            yield Finding(
                rule="exclusion",
                package=name,
                message=f"{name} {version} is there, and the manifest leaves it out: "
                f"{exclusion.reason}",
                remedy="Lock again, or take it out of the manifest's exclude.",
            )


def list_excluded(
    graph: DependencyGraph, excluded: Mapping[str, Exclusion]
) -> tuple[Excluded, ...]:
    """What is left out, and who asks for it; sorted."""
    return tuple(
        Excluded(name=name, reason=exclusion.reason, wanted_by=_wanted_by(graph, name))
        for name, exclusion in sorted(excluded.items())
    )


def _wanted_by(graph: DependencyGraph, name: str) -> tuple[str, ...]:
    sources = {edge.source for edge in graph.needed_by(canonicalize_name(name))}
    return tuple(sorted(sources))
