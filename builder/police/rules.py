"""The rules in the order in which people should read their findings."""

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.utils import NormalizedName, canonicalize_name

from builder.graph import DependencyGraph
from builder.lock.model import Lock
from builder.manifest import Manifest
from builder.police import blacklist, cuda, wheelset
from builder.police.findings import Finding
from builder.targets import TargetPlatform, find_target
from builder.wheels import WheelFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What the rules need to know beside the wheels."""

    manifest: Manifest
    lock: Lock
    target: TargetPlatform
    graph: DependencyGraph

    @property
    def roots(self) -> list[NormalizedName]:
        return [canonicalize_name(name) for name in self.manifest.roots]


def _case(lock: Lock, manifest: Manifest, wheels: Sequence[WheelFacts]) -> _Case:
    target = find_target(lock.target)
    graph = DependencyGraph(wheels, target.marker_environment(lock.python))
    return _Case(manifest=manifest, lock=lock, target=target, graph=graph)


def judge_lock(lock: Lock, manifest: Manifest, at_hand: Sequence[WheelFacts] = ()) -> list[Finding]:
    """What can be refused before anything is fetched.

    Args:
        lock: the set.
        manifest: where the rules stand.
        at_hand: wheels of the set that are there already; they only serve to tell
            who pulled a banned one in.
    """
    return _judge_names(_case(lock, manifest, at_hand))


def judge_wheels(lock: Lock, manifest: Manifest, wheels: Sequence[WheelFacts]) -> list[Finding]:
    """The whole verdict over the lock and the files of all its wheels."""
    case = _case(lock, manifest, wheels)
    rules = [r for r in manifest.blacklist if r.holds_on(case.target.name)]
    variant = manifest.variant(lock.variant)
    return [
        *_judge_names(case),
        *blacklist.find_hidden(case.graph, rules, case.roots),
        *cuda.find_wrong_torch(case.graph, variant.cuda),
        *wheelset.find_unmet(case.graph),
        *wheelset.find_collisions(case.graph),
    ]


def _judge_names(case: _Case) -> list[Finding]:
    lock, manifest = case.lock, case.manifest
    rules = [r for r in manifest.blacklist if r.holds_on(case.target.name)]
    distributions = [(wheel.name, wheel.version) for wheel in lock.wheels]
    accepted = frozenset(case.target.tags(lock.python))
    return [
        *blacklist.find_banned(distributions, rules, graph=case.graph, roots=case.roots),
        *wheelset.find_implausible(lock.wheels, lock.path.name),
        *wheelset.find_misfits(lock.wheels, accepted, case.target.name),
        *cuda.find_mixed_builds(distributions, manifest.variant(lock.variant).cuda),
    ]
