"""Tasks are done in order, all of them or none after a failure, and nobody stays behind."""

import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from bootstrap.crew import Crew, Task


def nobody_stays() -> bool:
    return all("_work" not in thread.name for thread in threading.enumerate())


def test_what_is_added_goes_first() -> None:
    done = list[str]()

    def note(name: str) -> Task:
        return lambda: done.append(name)

    def split() -> None:
        crew.add(note("a"))
        crew.add(note("b"))

    crew = Crew(1, [split, note("c"), note("d")])
    crew.work(lambda: None)
    assert done == ["a", "b", "c", "d"]
    assert nobody_stays()


def test_a_task_is_asked_for_when_there_is_time() -> None:
    begun = list[int]()

    def tasks() -> Iterator[Task]:
        for number in range(100):
            begun.append(number)
            yield crew.stop.wait

    crew = Crew(2, tasks())

    def look() -> None:
        if len(begun) == 2:
            crew.stop.set()

    crew.work(look)
    assert begun == [0, 1]


@pytest.mark.parametrize("size", [1, 4])
def test_a_task_may_add_others(size: int) -> None:
    done = list[int]()

    def task(left: int) -> Task:
        def do() -> None:
            done.append(left)
            for _ in range(2 if left else 0):
                crew.add(task(left - 1))

        return do

    crew = Crew(size, [task(7)])
    crew.work(lambda: None)
    assert len(done) == 2**8 - 1
    assert nobody_stays()


def test_they_work_at_the_same_time() -> None:
    met = threading.Barrier(3, timeout=20)
    crew = Crew(3, [met.wait] * 3)
    crew.work(lambda: None)


def test_the_first_failure_ends_it() -> None:
    done = list[int]()

    def wait() -> None:
        crew.stop.wait()

    def fail() -> None:
        raise ZeroDivisionError

    crew = Crew(2, [fail, wait, *(partial(done.append, number) for number in range(100))])
    with pytest.raises(ZeroDivisionError):
        crew.work(lambda: None)
    assert not done
    assert nobody_stays()


def test_whoever_watches_may_end_it() -> None:
    def wait() -> None:
        crew.stop.wait()

    crew = Crew(2, [wait] * 5)

    def enough() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crew.work(enough)
    assert nobody_stays()


def test_waiting_for_the_last_one_takes_no_processor() -> None:
    looks = list[int]()
    begun = threading.Barrier(2, timeout=20)

    def fail() -> None:
        begun.wait()
        raise ZeroDivisionError

    def end_slowly() -> None:
        begun.wait()
        crew.stop.wait()
        time.sleep(0.5)

    crew = Crew(2, [fail, end_slowly])
    with pytest.raises(ZeroDivisionError):
        crew.work(lambda: looks.append(1))
    assert len(looks) < 20


def test_nothing_to_do() -> None:
    Crew(2, []).work(lambda: None)
