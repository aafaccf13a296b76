"""Signals stop the work between short steps and never inside of one."""

import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from bootstrap import interrupts

SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    interrupts.listen()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_every_polite_signal_interrupts(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_a_held_step_is_finished_first() -> None:
    done = []

    def work() -> None:
        with interrupts.held():
            with interrupts.held():
                signal.raise_signal(signal.SIGTERM)
                done.append("inner")
            done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["inner", "outer"]


def test_what_fails_meanwhile_is_not_lost() -> None:
    def work() -> None:
        with interrupts.held():
            signal.raise_signal(signal.SIGTERM)
            raise OSError("disk full")

    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    assert isinstance(caught.value.__context__, OSError)


def test_too_late_is_too_late() -> None:
    with interrupts.held(too_late=True):
        signal.raise_signal(signal.SIGTERM)
    with interrupts.held():
        pass
    with suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
        pytest.fail("it was still held")


def test_nohup_is_respected() -> None:
    if not hasattr(signal, "SIGHUP"):
        pytest.skip("there is no SIGHUP")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts.listen()
    signal.raise_signal(signal.SIGHUP)
