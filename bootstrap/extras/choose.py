"""Which of them can be in the new environment, and why the others cannot. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.markers import Environment
from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from bootstrap.bundle.policy import BlacklistRule
from bootstrap.bundle.records import top_level_module
from bootstrap.extras.model import Distribution, Extra, File, LeftOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the new environment asks of whoever wants to come in.

    Attributes:
        python: its full version.
        environment: its values of markers.
        tags: of wheels that it can use.
        bundle: the distributions of the bundle, by name.
        rules: what is banned there.
        is_taken: whether something else lies where a file of an extra would go.
    """

    python: Version
    environment: Environment
    tags: frozenset[Tag]
    bundle: Mapping[NormalizedName, Distribution]
    rules: tuple[BlacklistRule, ...]
    is_taken: Callable[[Extra, File], bool]


def choose(extras: Iterable[Extra], terms: Terms) -> tuple[tuple[Extra, ...], tuple[LeftOut, ...]]:
    """Choose those that fit, with all that they need.

    Args:
        extras: what somebody has added.
        terms: what the new environment asks.

    Returns:
        Those that can be installed, and the others with a reason each; both by name.
    """
    left_out = list[LeftOut]()
    fitting = dict[NormalizedName, Extra]()
    for extra in extras:
        if reason := extra.fault or next(_misfits(extra, terms), None):
            left_out.append(LeftOut(extra=extra, reason=reason))
        else:
            fitting[extra.name] = extra
    # Who goes may be what another one needs, or what stood in its way.
    while lost := _first_lost(fitting, {item.extra.name for item in left_out}, terms):
        left_out.append(lost)
        del fitting[lost.extra.name]
    return (
        tuple(fitting[name] for name in sorted(fitting)),
        tuple(sorted(left_out, key=lambda item: (item.extra.name, item.extra.folder))),
    )


def _misfits(extra: Extra, terms: Terms) -> Iterator[str]:
    """Why it does not fit the new environment, others aside."""
    if known := terms.bundle.get(extra.name):
        yield f"It is part of the bundle now, in version {known.version}."
    paths = [file.path for file in extra.files if file.scheme == "root"]
    modules = {module for path in paths if (module := top_level_module(path))}
    for rule in terms.rules:
        if rule.bans(extra.name, extra.version):
            yield f"The bundle bans it: {rule.reason}"
        carried = rule.modules_in(extra.name, modules)
        if carried and rule.waiver_for(None) is None:
            yield f"It holds the module {carried[0]}, which the bundle bans: {rule.reason}"
    if not extra.requires_python.contains(terms.python, prereleases=True):
        yield f"It needs Python {extra.requires_python}, and the new one is {terms.python}."
    if not extra.tags & terms.tags:
        built_for = ", ".join(sorted(map(str, extra.tags)))
        yield f"It was built for another Python or system ({built_for})."
    for file in extra.files:
        if terms.is_taken(extra, file):
            yield f"Its file {file.path} would take the place of another one."


def _first_lost(
    fitting: Mapping[NormalizedName, Extra], gone: set[NormalizedName], terms: Terms
) -> LeftOut | None:
    """The first that cannot stay beside the others, or without those that are gone."""
    there = {**fitting, **terms.bundle}
    makers = dict[tuple[str, str], tuple[Extra, File]]()
    for _, extra in sorted(fitting.items()):
        for unmet in _unmet(extra, there, terms):
            return LeftOut(extra=extra, reason=_explain(unmet, there, gone))
    for _, extra in sorted(fitting.items()):
        for file in extra.files:
            other, its = makers.setdefault((file.scheme, file.path), (extra, file))
            # Where both have the very same file they have shared it until now.
            if other is not extra and (its.source is None or its.source != file.source):
                reason = f"Its file {file.path} would take the place of one of {other.name}'s."
                return LeftOut(extra=extra, reason=reason)
    return None


def _unmet(
    extra: Extra, there: Mapping[NormalizedName, Distribution], terms: Terms
) -> Iterator[Requirement]:
    """What it needs and what is not there, all that it asks others to bring along included."""
    waiting: list[tuple[Distribution, str]] = [(extra, "")]
    seen = set[tuple[NormalizedName, str]]()
    while waiting:
        distribution, asked = waiting.pop()
        for requirement in _needs(distribution, asked, terms.environment):
            found = there.get(canonicalize_name(requirement.name))
            if not (found and requirement.specifier.contains(found.version, prereleases=True)):
                yield requirement
                continue
            more = {(found.name, name) for name in requirement.extras} - seen
            seen |= more
            waiting += [(found, name) for _, name in sorted(more)]


def _needs(
    distribution: Distribution, asked: str, environment: Environment
) -> Iterator[Requirement]:
    """What it needs for one of its extras; for "" without any."""
    values: dict[str, str | frozenset[str]] = {"extra": asked}
    values |= {key: str(value) for key, value in environment.items()}
    for requirement in distribution.requires:
        if requirement.marker is None or requirement.marker.evaluate(values):
            yield requirement


def _explain(
    unmet: Requirement,
    there: Mapping[NormalizedName, Distribution],
    gone: set[NormalizedName],
) -> str:
    name = canonicalize_name(unmet.name)
    wanted = f"{name}{unmet.specifier}"
    if found := there.get(name):
        return f"It needs {wanted}, and the new environment has {found.version}."
    if name in gone:
        return f"It needs {wanted}, which does not come along itself."
    return f"It needs {wanted}, which the new environment does not have."
