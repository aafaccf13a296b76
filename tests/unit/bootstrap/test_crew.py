"""Tasks are done by urgency, all of them or none after a failure, and nobody stays behind."""

import threading
import time
from collections.abc import Callable

import pytest

from bootstrap.crew import Crew


def nobody_stays() -> bool:
    return all("_work" not in thread.name for thread in threading.enumerate())


def test_urgent_ones_first_then_the_oldest() -> None:
    crew, done = Crew(1), list[str]()
    for name, urgency in [("c", 1), ("a", 0), ("d", 1), ("b", 0)]:
        crew.add(lambda name=name: done.append(name), urgency)  # type: ignore[misc]
    crew.work(lambda: None)
    assert done == ["a", "b", "c", "d"]
    assert nobody_stays()


@pytest.mark.parametrize("size", [1, 4])
def test_a_task_may_add_others(size: int) -> None:
    crew, done = Crew(size), list[int]()

    def task(left: int) -> Callable[[], None]:
        def do() -> None:
            done.append(left)
            for _ in range(2 if left else 0):
                crew.add(task(left - 1), left)

        return do

    crew.add(task(7), 0)
    crew.work(lambda: None)
    assert len(done) == 2**8 - 1
    assert nobody_stays()


def test_they_work_at_the_same_time() -> None:
    crew, met = Crew(3), threading.Barrier(3, timeout=20)
    for _ in range(3):
        crew.add(met.wait, 0)  # type: ignore[arg-type]
    crew.work(lambda: None)


def test_the_first_failure_ends_it() -> None:
    crew, done = Crew(2), list[int]()

    def fail() -> None:
        raise ZeroDivisionError

    crew.add(fail, 0)
    crew.add(crew.stop.wait, 0)  # type: ignore[arg-type]
    for number in range(100):
        crew.add(lambda number=number: done.append(number), 1)  # type: ignore[misc]
    with pytest.raises(ZeroDivisionError):
        crew.work(lambda: None)
    assert not done
    assert nobody_stays()


def test_whoever_watches_may_end_it() -> None:
    crew = Crew(2)
    for _ in range(5):
        crew.add(crew.stop.wait, 0)  # type: ignore[arg-type]

    def enough() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crew.work(enough)
    assert nobody_stays()


def test_waiting_for_the_last_one_takes_no_processor() -> None:
    crew, looks = Crew(2), list[int]()
    begun = threading.Barrier(2, timeout=20)

    def fail() -> None:
        begun.wait()
        raise ZeroDivisionError

    def end_slowly() -> None:
        begun.wait()
        crew.stop.wait()
        time.sleep(0.5)

    crew.add(fail, 0)
    crew.add(end_slowly, 0)
    with pytest.raises(ZeroDivisionError):
        crew.work(lambda: looks.append(1))
    assert len(looks) < 20


def test_nothing_to_do() -> None:
    Crew(2).work(lambda: None)
