"""The power goes, just before a name is changed in the file system."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap.events import Listener
from bootstrap.leftovers import undo_unfinished
from bootstrap.state import InstallState, load_state

_CHANGES = ("replace", "rename", "unlink", "rmdir")


class CrashError(BaseException):
    """The power is gone."""


def record_steps(
    monkeypatch: pytest.MonkeyPatch,
    work: Callable[[], object],
    crash_at: int | None,
    *,
    ignored: str = "\0",
) -> list[str]:
    """Do the work, and crash just before the change of a name with this number.

    Args:
        monkeypatch: of the test.
        work: what to do.
        crash_at: None for never.
        ignored: changes with this in a path do not count.

    Returns:
        What was changed, one line for each.
    """
    steps: list[str] = []
    with monkeypatch.context() as patch:
        for name in _CHANGES:
            real = getattr(os, name)

            def step(
                *arguments: object, real: Callable[..., object] = real, **more: object
            ) -> None:
                if ignored not in str(arguments):
                    if len(steps) == crash_at:
                        raise CrashError
                    steps.append(str(arguments))
                real(*arguments, **more)

            patch.setattr(os, name, step)
        work()
    return steps


def crash_and_recover(target: Path, monkeypatch: pytest.MonkeyPatch) -> InstallState:
    """The next run recovers, though it crashes at each of its own steps, too.

    Returns:
        The state that is written down then.
    """

    def recover() -> None:
        undo_unfinished(target, load_state(target) or InstallState(), Listener())

    for place in range(100):
        try:
            record_steps(monkeypatch, recover, place)
        except CrashError:
            continue
        break
    state = load_state(target)
    assert state is not None
    assert state.building is None
    assert state.removing is None
    return state
