"""That the set can be installed without a resolver: it fits, is closed, and does not collide."""

from collections import Counter
from collections.abc import Collection, Iterator

from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from bootstrap.bundle.records import RecordRow
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.index import judge_listed
from bootstrap.bundle.vetting.rules import RULES
from builder.footprint import root_of
from builder.graph import DependencyGraph, Edge
from builder.lock.model import LockedWheel
from builder.police.findings import Finding
from builder.wheels import WheelFacts

_MANY = 5


def find_implausible(wheels: tuple[LockedWheel, ...], where: str) -> Iterator[Finding]:
    """What no index may list: a distribution twice, of which an environment can hold one."""
    verdict = Verdict(where)
    judge_listed([wheel.listed for wheel in wheels], verdict)
    for found in verdict.findings:
        yield Finding(
            rule=found.rule,
            package=found.member,
            message=f"{found.member}: {found.detail}. {RULES[found.rule].why}",
            remedy="Leave one of them, or lock again.",
        )


def find_misfits(
    wheels: tuple[LockedWheel, ...], accepted: frozenset[Tag], target: str
) -> Iterator[Finding]:
    """Wheels for another platform or another Python."""
    for wheel in wheels:
        tags = parse_wheel_filename(wheel.filename)[3]
        if tags.isdisjoint(accepted):
            yield Finding(
                rule="platform",
                package=wheel.name,
                message=f"{wheel.filename} does not fit {target}: none of its tags is accepted.",
                remedy="Lock again for this target.",
            )


def find_unmet(graph: DependencyGraph, excluded: Collection[str] = ()) -> Iterator[Finding]:
    """Requirements that nothing in the set meets, as ``pip check`` would say.

    Those on a distribution that is left out on purpose are no finding.
    """
    for edge in graph.unmet():
        if edge.name in excluded:
            continue
        yield Finding(
            rule="closure",
            package=edge.source,
            message=f"{edge.source} needs {_wanted(edge)}, but {_present(edge, graph)}.",
            remedy="Lock again, so that the resolver completes the set.",
        )


def _wanted(edge: Edge) -> str:
    extras = f"[{','.join(sorted(edge.requirement.extras))}]" if edge.requirement.extras else ""
    return f"{edge.name}{extras}{edge.requirement.specifier}"


def _present(edge: Edge, graph: DependencyGraph) -> str:
    wheel = graph.wheels.get(edge.name)
    return f"the set has {wheel.version}" if wheel else "the set has none"


def find_collisions(graph: DependencyGraph) -> Iterator[Finding]:
    """Two wheels that own one path with different content.

    Equal content is common and harmless: every ``nvidia-*`` wheel brings
    ``nvidia/__init__.py``.
    """
    owners: dict[str, tuple[WheelFacts, RecordRow]] = {}
    clashes: dict[tuple[str, str], list[str]] = {}
    for wheel, path, row in _shared_paths(graph):
        other, other_row = owners.setdefault(path, (wheel, row))
        if other is not wheel and other_row != row:
            clashes.setdefault((other.filename, wheel.filename), []).append(path)
    for (first, second), paths in clashes.items():
        more = f" and {len(paths) - _MANY} more" if len(paths) > _MANY else ""
        yield Finding(
            rule="collision",
            package=second,
            message=(
                f"{first} and {second} both bring, with different content: "
                f"{', '.join(paths[:_MANY])}{more}."
            ),
            remedy="Leave one of the two out, or pin versions that agree.",
        )


def _shared_paths(graph: DependencyGraph) -> Iterator[tuple[WheelFacts, str, RecordRow]]:
    """Every installed path that may belong to several wheels. Of most wheels that is none."""
    bringing = Counter(root for wheel in graph.wheels.values() for root in wheel.footprint.roots)
    shared = {root for root, count in bringing.items() if count > 1}
    for _, wheel in sorted(graph.wheels.items()):
        if wheel.footprint.roots & shared:
            for path, row in wheel.read_installed_paths().items():
                if root_of(path) in shared:
                    yield wheel, path, row
