"""Of very many inputs, few that reach the same code."""

import hashlib
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from tests.hostile.fuzz.targets import FuzzTarget
from tests.support.commands import ROOT

_OURS = str(ROOT / "bootstrap")
# Of one input, and of all of a target.
_LARGEST, _MOST = 8_000, 60


def smallest_with_all_lines(target: FuzzTarget, inputs: Iterable[bytes]) -> list[bytes]:
    """Short ones first, those that reach a step from line to line that none before reached."""
    reached, kept = set[tuple[str, int, int]](), list[bytes]()
    for data in sorted(set(inputs), key=lambda data: (len(data), data)):
        if len(data) > _LARGEST or len(kept) == _MOST:
            break
        steps = _steps(target, data)
        if steps - reached:
            reached |= steps
            kept.append(data)
    return kept


def _steps(target: FuzzTarget, data: bytes) -> set[tuple[str, int, int]]:
    """File, line, and the line after it, in the code of the installer."""
    found, before = set[tuple[str, int, int]](), 0

    def trace(frame: FrameType, event: str, _: object) -> object:
        nonlocal before
        name = frame.f_code.co_filename
        if not name.startswith(_OURS):
            return None
        if event == "line":
            found.add((name, before, frame.f_lineno))
            before = frame.f_lineno
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        with suppress(Exception):
            target.check(data)
    finally:
        sys.settrace(None)
    return found


def save(inputs: Iterable[bytes], folder: Path) -> None:
    """Leave these in the folder, named by their hash, and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {hashlib.sha256(data).hexdigest()[:12]: data for data in inputs}
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
