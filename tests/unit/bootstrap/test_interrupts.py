"""Signals stop the work between short steps and never inside of one."""

import signal
from collections.abc import Iterator

import pytest

from bootstrap.interrupts import Interrupts

SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    fresh = Interrupts()
    fresh.listen()
    yield fresh
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.usefixtures("interrupts")
def test_every_polite_signal_interrupts(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_a_held_step_is_finished_first(interrupts: Interrupts) -> None:
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


def test_what_fails_meanwhile_is_not_lost(interrupts: Interrupts) -> None:
    def work() -> None:
        with interrupts.held():
            signal.raise_signal(signal.SIGTERM)
            raise OSError("disk full")

    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    assert isinstance(caught.value.__context__, OSError)


def test_too_late_is_too_late(interrupts: Interrupts) -> None:
    with interrupts.held(too_late=True):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)


def test_once_is_enough(interrupts: Interrupts) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    with interrupts.held():
        signal.raise_signal(signal.SIGTERM)


def test_in_the_end_nothing_interrupts(interrupts: Interrupts) -> None:
    interrupts.ignore()
    signal.raise_signal(signal.SIGINT)


def test_nohup_is_respected(interrupts: Interrupts) -> None:
    if not hasattr(signal, "SIGHUP"):
        pytest.skip("there is no SIGHUP")
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupts.listen()
    signal.raise_signal(signal.SIGHUP)
