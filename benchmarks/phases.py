"""Where a program's time went, from the JSON lines that both programs print."""

import json
from datetime import datetime
from itertools import pairwise
from typing import Any


def phases(output: str) -> dict[str, float]:
    """Seconds by phase; empty where the output is of another program.

    The installer adds them up itself. The builder tells when each begins, and names the
    variant before it.
    """
    events = _events(output)
    if not events or events[-1].get("event") != "result":
        return {}
    if "phases" in events[-1]:
        return dict(events[-1]["phases"])
    marks = [event for event in events if event["event"] in ("phase", "result")]
    seconds = dict[str, float]()
    for begun, ended in pairwise(marks):
        name = str(begun["name"]).rpartition(": ")[2]
        seconds[name] = seconds.get(name, 0.0) + _time(ended) - _time(begun)
    return {name: round(value, 3) for name, value in seconds.items()}


def _events(output: str) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in output.splitlines()]
    except ValueError:
        return []
    return lines if all(isinstance(line, dict) and "event" in line for line in lines) else []


def _time(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()
