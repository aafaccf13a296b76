"""The witness sees what is broken, and the names of faults lead back to them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.judge import judge_instant
from tests.faults.limits import Filled, Limited, Signalled
from tests.faults.place import Place
from tests.faults.scenarios import UNINSTALL, UPGRADE
from tests.faults.tracing import Injected, Point, choose
from tests.faults.trials import Attempt, Fault
from tests.faults.witness import leftovers, remains, untruths


def _cut_bytecode(venv: Path) -> None:
    path = next(venv.glob("lib/python3*/site-packages/alpha/__pycache__/*.pyc"))
    path.write_bytes(path.read_bytes()[:-1])


def _change(venv: Path) -> None:
    (path,) = venv.glob("lib/python3*/site-packages/beta/large.bin")
    with path.open("r+b") as file:
        file.write(b"!")


def _lose_a_library(venv: Path) -> None:
    next(venv.resolve().parent.glob("python/lib/libpython*")).unlink()


def _half_removed(venv: Path) -> None:
    shutil.rmtree(next(venv.glob("lib/python3*/site-packages/gamma")))


def _mark(venv: Path) -> None:
    (venv / "bin/alpha").chmod(0o644)


def _lead_nowhere(venv: Path) -> None:
    venv.resolve().parent.rename(venv.parent / "gone")


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm", [_cut_bytecode, _change, _lose_a_library, _half_removed, _mark, _lead_nowhere]
)
def test_it_notices(places: list[Place], harm: Callable[[Path], None]) -> None:
    place, case = places[0], places[0].case(UPGRADE)
    place.restore(case)
    assert judge_instant(place, case) == []
    harm(place.target / ".venv")
    assert judge_instant(place, case) != []


@pytest.mark.slow
def test_it_notices_what_is_left(places: list[Place]) -> None:
    place, case = places[0], places[0].case(UPGRADE)
    place.restore(case)
    target = place.target
    assert [*leftovers(target, kept=1), *untruths(target)] == []
    (target / ".install.json.part").touch()
    (target / "generations/other").mkdir()
    (target / "install.json").write_text('{"state": {"building": "other"}}')
    assert len(leftovers(target, kept=1)) == 2
    assert len(list(untruths(target))) == 3
    assert len(remains(target)) > 3


@pytest.mark.slow
def test_a_folder_that_is_half_removed_is_no_removed_one(places: list[Place]) -> None:
    place, case = places[0], places[0].case(UNINSTALL)
    place.restore(case)
    _half_removed(place.target / ".venv")
    assert judge_instant(place, case) != []


@pytest.mark.parametrize(
    "fault",
    [
        Injected(
            what="error=ENOSPC",
            point=Point(call="write", path="logs/a b.log", number=3),
            codes=frozenset({20, 21}),
        ),
        Injected(
            what="signal=KILL",
            point=Point(call="openat", path=None, number=7),
            codes=frozenset(),
            clears=False,
            frozen=True,
        ),
        Limited(limit="fsize", value=9, codes=frozenset({20})),
        Filled(phase="bring to disk", what="size", room=0, codes=frozenset({20, 30})),
        Signalled(name="SIGINT", moment=0.25),
    ],
    ids=str,
)
def test_a_fault_is_found_by_its_name(fault: Fault) -> None:
    wanted = Attempt(scenario=UPGRADE, fault=fault)
    assert str(Attempt.parse(str(wanted))) == str(wanted)


def test_half_of_the_points_are_where_the_switch_is() -> None:
    switch = [Point(call="rename", path=f"a{n}", number=1) for n in range(50)]
    bulk = [Point(call="write", path=f"generations/{n}", number=1) for n in range(5000)]
    chosen = choose([*switch, *bulk], 40)
    assert len(set(chosen)) == 40
    assert len(set(chosen) & set(switch)) == 20
    assert len(choose(switch, 200)) == 50
