"""The blacklist: by name, alias, version and importable module inside any wheel."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from packaging.utils import NormalizedName
from packaging.version import Version

from bootstrap.bundle.policy import BlacklistRule, Waived, Waiver
from builder.graph import DependencyGraph, render_chain
from builder.police.findings import Finding

_REMEDY = (
    "Remove what pulls it in from the manifest, or pin a version of it that does not, "
    "and lock again."
)
_RENEW = (
    "Look whether the waiver's reason still holds and set a new date, or take the waiver out of "
    "the manifest."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Something that a rule is about, let in by a waiver or not.

    Attributes:
        name: of the distribution.
        filename: of its wheel, where it is a module in it that is banned.
        module: that module; None where the distribution itself is banned.
        pulled_in: who asked for it, for people.
        waiver: lets it in, if it has not expired; None where there is none.
    """

    rule: BlacklistRule
    name: NormalizedName
    version: Version
    filename: str
    module: str | None
    pulled_in: str
    waiver: Waiver | None

    def waived(self, today: date) -> Waived | None:
        """What the index says of it; None where it is not let in."""
        if self.waiver is None or has_expired(self.waiver, today):
            return None
        return Waived(
            name=self.name,
            version=str(self.version),
            module=self.module,
            rule=self.rule.name,
            reason=self.waiver.reason,
            expires=self.waiver.expires,
        )

    def finding(self) -> Finding:
        """The refusal, where it is not let in."""
        if self.module:
            what = (
                f"{self.filename} carries the importable module {self.module!r}, which "
                f"rule {self.rule.name!r} bans"
            )
        else:
            what = f"{self.name} {self.version} is blacklisted by rule {self.rule.name!r}"
        past = f" {_expired(self.waiver)}" if self.waiver else ""
        return Finding(
            rule="blacklist",
            package=self.name,
            message=f"{what}: {self.rule.reason} Pulled in by: {self.pulled_in}.{past}",
            remedy=_RENEW if self.waiver else _REMEDY,
        )


def has_expired(waiver: Waiver, today: date) -> bool:
    """Whether its last day is over."""
    return today > waiver.expires


def find_banned(
    distributions: Iterable[tuple[NormalizedName, Version, str]],
    rules: Iterable[BlacklistRule],
    *,
    graph: DependencyGraph,
    roots: Iterable[NormalizedName],
) -> Iterator[Hit]:
    """Banned distributions (name, version, file), each with the chain that pulled it in.

    ``graph`` may know fewer wheels than there are distributions; then a chain may be
    unknown, and the hit says so.
    """
    roots, rules, distributions = list(roots), list(rules), list(distributions)
    complete = all(name in graph.wheels for name, _, _ in distributions)
    for name, version, filename in distributions:
        for rule in (rule for rule in rules if rule.hits(name, version)):
            yield Hit(
                rule=rule,
                name=name,
                version=version,
                filename=filename,
                module=None,
                pulled_in=pulled_in(name, graph, roots, complete=complete),
                waiver=rule.waiver_for(version),
            )


def pulled_in(
    name: NormalizedName, graph: DependencyGraph, roots: list[NormalizedName], *, complete: bool
) -> str:
    """Who asked for a distribution, for people; ``complete`` if all wheels are in the graph."""
    if name in roots:
        return "the manifest itself"
    if chain := graph.chain(name, roots):
        return render_chain(chain)
    return "nothing in the lock" if complete else "not known, not all wheels could be had"


def find_hidden(
    graph: DependencyGraph,
    rules: Iterable[BlacklistRule],
    roots: Iterable[NormalizedName],
    *,
    complete: bool,
) -> Iterator[Hit]:
    """Wheels of another name that carry a banned importable module."""
    roots, rules = list(roots), list(rules)
    for name, wheel in sorted(graph.wheels.items()):
        for rule in rules:
            if carried := rule.modules_in(name, wheel.footprint.modules):
                yield Hit(
                    rule=rule,
                    name=name,
                    version=wheel.version,
                    filename=wheel.filename,
                    module=carried[0],
                    pulled_in=pulled_in(name, graph, roots, complete=complete),
                    waiver=rule.waiver_for(None),
                )


def refuse_hits(hits: Iterable[Hit], today: date) -> Iterator[Finding]:
    """Those that no waiver lets in."""
    return (hit.finding() for hit in hits if hit.waived(today) is None)


def find_expired(
    rules: Iterable[BlacklistRule], hits: Iterable[Hit], today: date
) -> Iterator[Finding]:
    """Waivers whose last day is over and that let nothing in: they must not be forgotten.

    Of the others :func:`refuse_hits` tells.
    """
    told = [hit.waiver for hit in hits]
    for rule in rules:
        for waiver in rule.waivers:
            if has_expired(waiver, today) and waiver not in told:
                yield Finding(
                    rule="waiver",
                    package=rule.name,
                    message=f"Rule {rule.name!r} has a waiver that lets nothing in. "
                    f"{_expired(waiver)}",
                    remedy=_RENEW,
                )


def _expired(waiver: Waiver) -> str:
    which = f" for {waiver.versions}" if waiver.versions else ""
    return f"Its waiver{which} has expired with the end of {waiver.expires}: {waiver.reason}"
