"""The power goes, just before a name is changed in the file system."""

import os
from collections.abc import Callable

import pytest

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
