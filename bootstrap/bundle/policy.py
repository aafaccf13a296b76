"""What the makers of a product let in, and what not; it travels in the index."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Annotated

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from bootstrap.bundle.value import Sha256, Target, Value

Reason = Annotated[str, msgspec.Meta(min_length=1)]


class Waiver(Value, frozen=True, kw_only=True):
    """Lets in, for a while, what a rule bans.

    The date binds whoever builds. What was built while a waiver held is good for ever: nothing
    here asks a clock, since that of a machine without a network may say anything.

    Attributes:
        versions: PEP 440 versions that are let in; empty means all, and the rule's modules in
            wheels of another name, too.
        reason: why, for the person who reads that it is let in, or no longer is.
        expires: the last day on which it can be built with, in UTC.
    """

    versions: str = ""
    reason: Reason
    expires: date

    def lets_in(self, version: Version | None) -> bool:
        """Whether it speaks of this version; None is a version that nobody can tell."""
        if version is None or not self.versions:
            return not self.versions
        return SpecifierSet(self.versions).contains(version, prereleases=True)


class BlacklistRule(Value, frozen=True, kw_only=True):
    """A distribution that must not be there.

    Attributes:
        name: normalized distribution name.
        specifier: versions that are banned; None bans all.
        aliases: other distributions that carry the same thing.
        modules: importable top-level modules that betray it inside any wheel.
        targets: where the rule holds; empty means everywhere.
        reason: why, for the person who reads the refusal.
        waiver: what is let in all the same; one, or a list.
    """

    name: str
    specifier: str | None = None
    aliases: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    reason: str
    waiver: Waiver | tuple[Waiver, ...] = ()

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """What is let in all the same, as a list in any case."""
        return (self.waiver,) if isinstance(self.waiver, Waiver) else self.waiver

    def holds_on(self, target: Target) -> bool:
        """Whether the rule is meant for that target."""
        return not self.targets or target in self.targets

    def speaks_of(self, name: str) -> bool:
        """Whether it is about this distribution, by name or alias, in whatever version."""
        names = {canonicalize_name(own) for own in (self.name, *self.aliases)}
        return canonicalize_name(name) in names

    def hits(self, name: str, version: Version | None) -> bool:
        """Whether this version of this distribution is what it is about, waivers aside.

        A version that nobody can tell (None) is hit by a rule for all of them only.
        """
        if version is None or not self.specifier:
            return self.speaks_of(name) and not self.specifier
        specifier = SpecifierSet(self.specifier)
        return self.speaks_of(name) and specifier.contains(version, prereleases=True)

    def waiver_for(self, version: Version | None) -> Waiver | None:
        """The waiver that lets this version in: of several, the one that lasts longest.

        None is a version that nobody can tell, or a wheel of another name with its modules.
        """
        fitting = [waiver for waiver in self.waivers if waiver.lets_in(version)]
        return max(fitting, key=lambda waiver: waiver.expires, default=None)

    def bans(self, name: str, version: Version | None) -> bool:
        """Whether it bans this version of this distribution, and no waiver lets it in."""
        return self.hits(name, version) and self.waiver_for(version) is None

    def modules_in(self, name: str, modules: AbstractSet[str]) -> tuple[str, ...]:
        """Its modules in a distribution of another name, sorted, waivers aside.

        Of its own distribution the rule says by version what is banned and what is not.
        """
        if self.speaks_of(name):
            return ()
        return tuple(sorted(modules & set(self.modules)))


class Waived(Value, frozen=True, kw_only=True):
    """Something banned that is in the bundle all the same.

    Attributes:
        name: of the distribution.
        version: likewise.
        module: the banned module that it carries under another name; None where it is banned
            by its own.
        rule: name of the rule.
        reason: the waiver's.
        expires: the last day on which the waiver could be built with.
    """

    name: str
    version: str
    module: str | None
    rule: str
    reason: str
    expires: date


class Excluded(Value, frozen=True, kw_only=True):
    """A distribution that was left out though others in the bundle ask for it.

    Attributes:
        name: normalized distribution name.
        reason: why.
        wanted_by: the distributions that ask for it, sorted; empty where none does.
    """

    name: str
    reason: str
    wanted_by: tuple[str, ...]


class Allowance(Value, frozen=True, kw_only=True):
    """An honest wheel that may break rules of vetting (``docs/vetting.md``).

    Attributes:
        filename: of the wheel.
        sha256: of the original wheel, as in the lock.
        rules: ids of the rules that it may break, of those that may be broken at all.
        members: path in the wheel to SHA-256, of the files that may run by themselves whenever
            Python starts.
        reason: why, for the person who reads it.
    """

    filename: str
    sha256: Sha256
    rules: tuple[str, ...] = ()
    members: dict[str, Sha256] = msgspec.field(default_factory=dict)
    reason: Annotated[str, msgspec.Meta(min_length=1)]


def allowance_for(filename: str, sha256: str, allowances: Iterable[Allowance]) -> Allowance | None:
    """The allowance for this very wheel, if there is one."""
    return next((a for a in allowances if (a.filename, a.sha256) == (filename, sha256)), None)
