"""Several installers at once, and what earlier ones have left behind."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator

from tests.faults.judge import judge_instant
from tests.faults.place import Case, Ended, Place, wait
from tests.faults.witness import leftovers, untruths

_AT_ONCE = 8
_BUSY = 23
# Who keeps it now, or that somebody had it between the plan and its beginning.
_WHO = re.compile(r"\(process \d+ on \S+, since |in the meantime")


def race(place: Place, case: Case) -> list[str]:
    """Start eight at once; what is wrong with who wins, what the others say, and what is live."""
    place.restore(case)
    started = time.monotonic()
    arguments = place.arguments(case.scenario.command)
    runners = [place.start(arguments) for _ in range(_AT_ONCE)]
    ended = [wait(runner, started) for runner in runners]
    return [
        *_said(ended),
        *judge_instant(place, case),
        *leftovers(place.target, kept=case.scenario.kept),
        *untruths(place.target),
    ]


def _said(ended: list[Ended]) -> Iterator[str]:
    if not any(one.code == 0 for one in ended):
        yield "nobody has won"
    for one in ended:
        message = json.loads(one.output.splitlines()[-1])["message"]
        if one.code not in (0, _BUSY):
            yield f"one ended with {one.code}: {message}"
        elif one.code == _BUSY and not _WHO.search(message):
            yield f"one does not say who keeps it: {message}"


def stale(place: Place, case: Case) -> list[str]:
    """Let dead owners hold the target, one by one; what is wrong with the next run."""
    problems = []
    for pid in (_dead_pid(), os.getpid(), 1):
        place.restore(case)
        place.target.mkdir(exist_ok=True)
        (place.target / ".install.lock").touch()
        owner = {"pid": pid, "host": os.uname().nodename, "since": "2020-01-01T00:00:00+00:00"}
        (place.target / ".install.owner.json").write_text(json.dumps(owner))
        ended = place.run(case.scenario.command)
        if ended.code != 0:
            problems.append(f"with a lock of process {pid} it ended with {ended.code}")
        problems += [*judge_instant(place, case), *untruths(place.target)]
        problems += leftovers(place.target, kept=case.scenario.kept)
    return problems


def _dead_pid() -> int:
    with subprocess.Popen(["true"]) as process:
        return process.pid
