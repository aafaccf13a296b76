"""Which group each locked distribution is installed in."""

from collections.abc import Iterator

from packaging.utils import NormalizedName, canonicalize_name

from builder.graph import DependencyGraph
from builder.manifest import Manifest


def assign_groups(manifest: Manifest, graph: DependencyGraph) -> dict[str, list[NormalizedName]]:
    """Group name to distributions, in the manifest's order of groups.

    A distribution that the manifest lists goes where it is listed. One that only the
    resolver brought goes into the first group with a package that needs it, directly
    or through others that the manifest does not list; so ``triton`` and the
    ``nvidia-*`` parts come with torch. What nobody needs goes into the last group.
    """
    listed = {canonicalize_name(name) for name in manifest.roots}
    taken: set[NormalizedName] = set()
    groups: dict[str, list[NormalizedName]] = {}
    for group in manifest.groups:
        own = [canonicalize_name(package.name) for package in group.packages]
        members = [name for name in own if name in graph.wheels]
        brought = {
            name
            for member in members
            for name in _brought_by(member, graph, listed)
            if name not in taken
        }
        taken |= brought | set(members)
        groups[group.name] = [*sorted(brought), *members]
    left = sorted(set(graph.wheels) - taken)
    groups[manifest.groups[-1].name] += left
    return {name: members for name, members in groups.items() if members}


def _brought_by(
    name: NormalizedName, graph: DependencyGraph, listed: set[NormalizedName]
) -> Iterator[NormalizedName]:
    waiting, seen = [name], {name}
    while waiting:
        for edge in graph.needs(waiting.pop()):
            if edge.name in seen or edge.name in listed or edge.name not in graph.wheels:
                continue
            seen.add(edge.name)
            waiting.append(edge.name)
            yield edge.name
