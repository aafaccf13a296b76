"""How long each step of one variant's build took."""

from collections.abc import Mapping
from time import monotonic

from builder.progress import Progress


class Steps:
    """Times the steps and announces them; a step lasts until the next one begins."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._variant = ""
        self._seconds: dict[str, float] = {}
        self._current: tuple[str, float] | None = None

    def restart(self, variant: str) -> None:
        """The build of another variant begins."""
        self._variant = variant
        self._seconds = {}
        self._current = None

    def begin(self, name: str) -> None:
        """The step ``name`` begins and the one before it has ended."""
        self._end_current()
        self._current = (name, monotonic())
        self._progress.phase(f"{self._variant}: {name}")

    def finish(self) -> Mapping[str, float]:
        """Seconds by step, in order; the last step has ended."""
        self._end_current()
        return dict(self._seconds)

    def _end_current(self) -> None:
        if self._current:
            name, started = self._current
            self._seconds[name] = self._seconds.get(name, 0.0) + monotonic() - started
            self._current = None
