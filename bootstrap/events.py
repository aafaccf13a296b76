"""What a session tells whoever watches: console, log file, JSON lines, later a window."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bootstrap.plan import InstallPlan
    from bootstrap.probing import CheckResult


class Listener:
    """Hears everything and does nothing; others override what they care for.

    ``advance`` may be called from any thread, the rest from the main thread.
    """

    def phase(self, name: str, total: int) -> None:
        """A step begins; ``total`` is its work in bytes, 0 when that cannot be said."""

    def advance(self, count: int) -> None:
        """``count`` bytes of the present phase are done."""

    def working_on(self, what: str) -> None:
        """What is being done within the phase, such as a distribution's name."""

    def note(self, message: str) -> None:
        """Something worth a line."""

    def warn(self, message: str) -> None:
        """Something that the user should know but that stops nothing."""

    def planned(self, plan: "InstallPlan") -> None:
        """What would be done, before anything is."""

    def checked(self, result: "CheckResult") -> None:
        """One probe has answered."""


class Broadcast(Listener):
    """Passes everything on to several listeners."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)

    def phase(self, name: str, total: int) -> None:
        for listener in self._listeners:
            listener.phase(name, total)

    def advance(self, count: int) -> None:
        for listener in self._listeners:
            listener.advance(count)

    def working_on(self, what: str) -> None:
        for listener in self._listeners:
            listener.working_on(what)

    def note(self, message: str) -> None:
        for listener in self._listeners:
            listener.note(message)

    def warn(self, message: str) -> None:
        for listener in self._listeners:
            listener.warn(message)

    def planned(self, plan: "InstallPlan") -> None:
        for listener in self._listeners:
            listener.planned(plan)

    def checked(self, result: "CheckResult") -> None:
        for listener in self._listeners:
            listener.checked(result)
