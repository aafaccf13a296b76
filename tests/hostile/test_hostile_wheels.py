"""Every hostile wheel is stopped by its rule, and none does anything where it is installed."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bootstrap.bundle.errors import ExitCode
from bootstrap.bundle.vetting.rules import RULES
from tests.hostile.wheels import all_cases
from tests.hostile.wheels.bombs import cases as bombs
from tests.hostile.wheels.case import Case, With
from tests.hostile.wheels.trial import count_wheels, try_out

CASES = all_cases()
REFUSED = {ExitCode.REFUSED_CONTENT, ExitCode.DAMAGED}
# Kilobytes that vetting the largest of them may take beside an ordinary wheel.
_MORE_MEMORY = 48 << 10
_PEAK = """
import resource, sys
from pathlib import Path
from bootstrap.bundle.errors import RefusedContentError
from bootstrap.bundle.vetting.wheel import vet_wheel
for path in map(Path, sys.argv[1:]):
    try:
        with path.open("rb") as file:
            vet_wheel(file, path.name, depth="contents", remedy="none")
        print("taken")
    except RefusedContentError:
        print("refused")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case.name))
def test_it_is_stopped(case: Case, tmp_path: Path) -> None:
    trial = try_out(case, tmp_path)
    assert case.rule in trial.rules
    # Of no consequence where it is installed are lies to other programs.
    assert trial.code in REFUSED or (trial.code is ExitCode.DONE and not case.seen_at_once)
    assert trial.escaped == ()
    assert not trial.ran


def test_there_are_enough_and_no_rule_for_wheels_is_left_out() -> None:
    assert len(CASES) >= 300
    assert max(Counter(case.name for case in CASES).values()) == 1
    others = {rule for rule in RULES if rule.startswith(("index-", "tar-"))}
    assert {case.rule for case in CASES} == RULES.keys() - others


def test_what_is_not_hostile_is_taken(tmp_path: Path) -> None:
    """Else every refusal above would prove nothing."""
    trial = try_out(Case(name="ordinary", rule="", make=With()), tmp_path)
    assert (trial.rules, trial.code, trial.escaped) == (frozenset(), ExitCode.DONE, ())


def test_counts(tmp_path: Path) -> None:
    ordinary = Case(name="ordinary", rule="", make=With())
    counts = count_wheels([*CASES[:3], ordinary], tmp_path)
    assert (counts.tried, counts.refused_by_builder, counts.refused_by_installer) == (4, 3, 3)


def test_bombs_take_no_memory(tmp_path: Path) -> None:
    ordinary = Case(name="ordinary", rule="", make=With()).write(tmp_path)
    wheels = []
    for number, case in enumerate(bombs()):
        folder = tmp_path / str(number)
        folder.mkdir()
        wheels.append(case.write(folder))
    *told, base = _vet([ordinary])
    assert told == ["taken"]
    *told, peak = _vet(wheels)
    assert set(told) == {"refused"}
    assert int(peak) - int(base) < _MORE_MEMORY


def _vet(wheels: list[Path]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *map(str, wheels)], capture_output=True, text=True, check=True
    )
    return done.stdout.split()
