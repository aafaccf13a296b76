"""The rules in the order in which people should read their findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from packaging.utils import NormalizedName, canonicalize_name

from bootstrap.bundle.policy import BlacklistRule
from builder.graph import DependencyGraph
from builder.lock.model import Lock
from builder.manifest import Exclusion, Manifest
from builder.police import blacklist, cuda, exclusions, wheelset
from builder.police.findings import Finding
from builder.targets import TargetPlatform, find_target
from builder.wheels import WheelFacts


# Without slots: what costs a walk over all wheels is remembered.
@dataclass(frozen=True, kw_only=True)
class Case:
    """A set, and all that the rules need to know to judge it.

    Attributes:
        graph: of those wheels that are at hand.
        today: decides which waivers have expired.
    """

    manifest: Manifest
    lock: Lock
    target: TargetPlatform
    graph: DependencyGraph
    today: date

    @property
    def roots(self) -> list[NormalizedName]:
        """What the manifest itself asks for."""
        return [canonicalize_name(name) for name in self.manifest.roots]

    @property
    def rules(self) -> list[BlacklistRule]:
        """Those of the blacklist that hold on the target."""
        return [rule for rule in self.manifest.blacklist if rule.holds_on(self.target.name)]

    @property
    def excluded(self) -> dict[str, Exclusion]:
        """What is left out on the target, by name."""
        return self.manifest.excluded(self.target.name)

    @property
    def is_complete(self) -> bool:
        """Whether all wheels are at hand, so that all dependencies are known."""
        return all(wheel.name in self.graph.wheels for wheel in self.lock.wheels)

    def pulled_in(self, name: NormalizedName) -> str:
        """Who asked for a distribution, for people."""
        return blacklist.pulled_in(name, self.graph, self.roots, complete=self.is_complete)

    @cached_property
    def hits(self) -> tuple[blacklist.Hit, ...]:
        """All that the blacklist is about, by name and by what the wheels at hand hold."""
        named = [(wheel.name, wheel.version, wheel.filename) for wheel in self.lock.wheels]
        return (
            *blacklist.find_banned(named, self.rules, graph=self.graph, roots=self.roots),
            *blacklist.find_hidden(self.graph, self.rules, self.roots, complete=self.is_complete),
        )


def open_case(lock: Lock, manifest: Manifest, wheels: Sequence[WheelFacts], today: date) -> Case:
    """Put together what the rules look at.

    Args:
        lock: the set.
        manifest: where the rules stand.
        wheels: those of the set that are at hand; they tell who pulled a banned one in, and
            whether they themselves hold something banned.
        today: decides which waivers have expired.
    """
    target = find_target(lock.target)
    graph = DependencyGraph(wheels, target.marker_environment(lock.python))
    return Case(manifest=manifest, lock=lock, target=target, graph=graph, today=today)


def judge_wheels(case: Case) -> list[Finding]:
    """The whole verdict over a set whose wheels are all at hand."""
    return [
        *judge_lock(case),
        *cuda.find_wrong_torch(case.graph, case.manifest.variant(case.lock.variant).cuda),
        *wheelset.find_unmet(case.graph, case.excluded.keys()),
        *wheelset.find_collisions(case.graph),
    ]


def judge_lock(case: Case) -> list[Finding]:
    """What can be refused before anything is fetched."""
    lock, manifest = case.lock, case.manifest
    distributions = [(wheel.name, wheel.version) for wheel in lock.wheels]
    accepted = frozenset(case.target.tags(lock.python))
    return [
        *blacklist.refuse_hits(case.hits, case.today),
        *blacklist.find_expired(case.rules, case.hits, case.today),
        *exclusions.find_present(distributions, case.excluded),
        *wheelset.find_implausible(lock.wheels, lock.path.name),
        *wheelset.find_misfits(lock.wheels, accepted, case.target.name),
        *cuda.find_mixed_builds(distributions, manifest.variant(lock.variant).cuda),
    ]
