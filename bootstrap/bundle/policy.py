"""What the makers of a product let in, and what not; it travels in the index."""

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
