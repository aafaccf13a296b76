"""What the build tells whoever watches. The base class is silent; the console overrides."""

from collections.abc import Iterator
from contextlib import contextmanager


class Bar:
    """Progress of one thing in bytes. Silent; safe to call from any thread."""

    def advance(self, count: int) -> None:
        """``count`` more bytes are done; negative when some must be done again."""


class Progress:
    """Listener of a build. Every method may be called from any thread."""

    def phase(self, name: str) -> None:
        """A step of the job begins."""

    def note(self, message: str) -> None:
        """Something worth a line."""

    def warn(self, message: str) -> None:
        """Something that the release engineer should know."""

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Bar]:
        """A bar for ``total`` bytes that lives as long as the context."""
        del label, total
        yield Bar()
