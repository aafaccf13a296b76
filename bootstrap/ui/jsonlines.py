"""A session for programs: one JSON object per line on standard output."""

import json
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import TextIO

from bootstrap.events import Listener
from bootstrap.plan import InstallPlan
from bootstrap.probing import CheckResult

_INTERVAL = 0.5


def say(stream: TextIO | None, text: str) -> None:
    """Write, at once; a stream that was closed before the start is None.

    Raises:
        OSError: whoever listened is gone.
    """
    if stream is not None:
        stream.write(text)
        stream.flush()


def write_event(event: str, **data: object) -> None:
    """One line: ``event``, ``time`` (RFC 3339, UTC) and what else belongs to it."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    # Whoever listened may be gone; that is no reason to stop the work.
    with suppress(OSError):
        say(sys.stdout, json.dumps({"event": event, "time": now, **data}) + "\n")


class JsonListener(Listener):
    """Every event as a line; progress at most every half second."""

    def __init__(self) -> None:
        self._done = 0
        self._total = 0
        self._phase = ""
        self._last = 0.0
        self._lock = threading.Lock()

    def phase(self, name: str, total: int) -> None:
        self._phase, self._total, self._done = name, total, 0
        write_event("phase", phase=name, bytes=total)

    def advance(self, count: int) -> None:
        with self._lock:
            self._done += count
            if monotonic() - self._last >= _INTERVAL:
                self._last = monotonic()
                percent = round(100 * self._done / self._total, 1) if self._total else None
                write_event(
                    "progress",
                    phase=self._phase,
                    done=self._done,
                    bytes=self._total,
                    percent=percent,
                )

    def note(self, message: str) -> None:
        write_event("note", message=message)

    def warn(self, message: str) -> None:
        write_event("warning", message=message)

    def planned(self, plan: InstallPlan) -> None:
        write_event(
            "plan",
            bundle_id=plan.index.bundle_id,
            target=str(plan.generation.root),
            space_needed=plan.space_needed,
            space_free=plan.disk.free,
            driver=plan.host.gpu.driver_text if plan.host.gpu.driver else None,
            gpus=[gpu.name for gpu in plan.host.gpu.gpus],
            gpu_usable=plan.gpu_usable,
            replaces=plan.replaces.bundle_id if plan.replaces else None,
            extras=[str(extra) for extra in plan.extras],
            warnings=list(plan.warnings),
        )

    def checked(self, result: CheckResult) -> None:
        write_event(
            "check",
            id=result.id,
            status=result.status,
            detail=result.detail,
            seconds=round(result.seconds, 2),
        )
