"""The blacklist: by name, alias, version and importable module inside any wheel."""

from collections.abc import Iterable, Iterator

from packaging.utils import NormalizedName
from packaging.version import Version

from bootstrap.bundle.policy import BlacklistRule
from builder.graph import DependencyGraph, render_chain
from builder.police.findings import Finding

_REMEDY = (
    "Remove what pulls it in from the manifest, or pin a version of it that does not, "
    "and lock again."
)


def find_banned(
    distributions: Iterable[tuple[NormalizedName, Version]],
    rules: Iterable[BlacklistRule],
    *,
    graph: DependencyGraph,
    roots: Iterable[NormalizedName],
) -> Iterator[Finding]:
    """Banned distributions, each with the chain that pulled it in.

    ``graph`` may know fewer wheels than there are distributions; then a chain may be
    unknown, and the finding says so.
    """
    roots, rules, distributions = list(roots), list(rules), list(distributions)
    complete = all(name in graph.wheels for name, _ in distributions)
    for name, version in distributions:
        for rule in (rule for rule in rules if rule.bans(name, version)):
            yield Finding(
                rule="blacklist",
                package=name,
                message=(
                    f"{name} {version} is blacklisted by rule {rule.name!r}: {rule.reason} "
                    f"Pulled in by: {_pulled_in(name, graph, roots, complete=complete)}."
                ),
                remedy=_REMEDY,
            )


def _pulled_in(
    name: NormalizedName, graph: DependencyGraph, roots: list[NormalizedName], *, complete: bool
) -> str:
    if name in roots:
        return "the manifest itself"
    if chain := graph.chain(name, roots):
        return render_chain(chain)
    return "nothing in the lock" if complete else "not known, not all wheels could be had"


def find_hidden(
    graph: DependencyGraph, rules: Iterable[BlacklistRule], roots: Iterable[NormalizedName]
) -> Iterator[Finding]:
    """Wheels of another name that carry a banned importable module."""
    roots, rules = list(roots), list(rules)
    for name, wheel in sorted(graph.wheels.items()):
        for rule in rules:
            carried = sorted(wheel.footprint.modules.intersection(rule.modules))
            # Of its own distribution the rule says by version what is banned and what is not.
            if carried and not rule.speaks_of(name):
                yield Finding(
                    rule="blacklist",
                    package=name,
                    message=(
                        f"{wheel.filename} carries the importable module {carried[0]!r}, which "
                        f"rule {rule.name!r} bans: {rule.reason} "
                        f"Pulled in by: {_pulled_in(name, graph, roots, complete=True)}."
                    ),
                    remedy=_REMEDY,
                )
