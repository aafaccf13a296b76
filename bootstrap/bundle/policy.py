"""What the makers of a product let in, and what not; it travels in the index."""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from bootstrap.bundle.value import Target, Value


class BlacklistRule(Value, frozen=True, kw_only=True):
    """A distribution that must not be there.

    Attributes:
        name: normalized distribution name.
        specifier: versions that are banned; None bans all.
        aliases: other distributions that carry the same thing.
        modules: importable top-level modules that betray it inside any wheel.
        targets: where the rule holds; empty means everywhere.
        reason: why, for the person who reads the refusal.
    """

    name: str
    specifier: str | None = None
    aliases: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    reason: str

    def holds_on(self, target: Target) -> bool:
        """Whether the rule is meant for that target."""
        return not self.targets or target in self.targets

    def speaks_of(self, name: str) -> bool:
        """Whether it is about this distribution, by name or alias, in whatever version."""
        names = {canonicalize_name(own) for own in (self.name, *self.aliases)}
        return canonicalize_name(name) in names

    def bans(self, name: str, version: Version) -> bool:
        """Whether it bans this version of this distribution."""
        specifier = SpecifierSet(self.specifier or "")
        return self.speaks_of(name) and specifier.contains(version, prereleases=True)


Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


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
