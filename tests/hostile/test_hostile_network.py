"""Servers that misbehave in hundreds of ways, and what comes of it: nothing."""

from collections import Counter
from pathlib import Path

import pytest

from tests.hostile.network import all_scripts, run_scripts
from tests.hostile.network.memory import endless_scripts, peak_memory
from tests.hostile.network.script import CONTENT, PROPER, Left, Script, file_answer

SCRIPTS = all_scripts()
# KiB. Each server sends up to a gigabyte; the largest pages with the most links take 64 MiB, and
# what one has freed is not always of use for the next.
MOST_MORE = 200 << 10


def test_there_are_scripts_for_every_row() -> None:
    assert [name for name, count in Counter(s.name for s in SCRIPTS).items() if count > 1] == []
    assert {script.row for script in SCRIPTS} == set(range(14))
    assert len(SCRIPTS) >= 700


def test_a_share_of_all_servers(tmp_path: Path) -> None:
    figures = run_scripts(tmp_path, SCRIPTS[::3])
    assert figures.failures == ()
    assert set(figures.by_exit) == {0, 12, 50}
    assert set(figures.by_row) == set(range(14))


@pytest.mark.slow
def test_all_servers(tmp_path: Path) -> None:
    figures = run_scripts(tmp_path)
    assert figures.failures == ()
    assert figures.scripts == len(SCRIPTS)


def test_the_judge_sees_what_is_wrong(tmp_path: Path) -> None:
    short = (file_answer(CONTENT[:-1]),)
    silent = {"page": ((),)}
    wrong = {
        "exit": Script(name="x", row=0, exit=50),
        "does not say": Script(name="x", row=0, routes={"file": short}, says="else"),
        "bytes are left": Script(name="x", row=0, routes={"file": short}, left=Left.NOTHING),
        "is not kept": Script(name="x", row=0, routes=silent, left=Left.PART, impatient=True),
    }
    for text, script in wrong.items():
        assert [told for told in run_scripts(tmp_path, [script]).failures if text in told], text
    good = Script(name="x", row=0, routes={"file": (*short, PROPER)}, exit=0)
    assert run_scripts(tmp_path, [good]).failures == ()


def test_memory_does_not_grow_with_what_servers_send(tmp_path: Path) -> None:
    scripts = endless_scripts()
    assert len(scripts) >= 15
    usual = peak_memory(tmp_path, [Script(name="x", row=0, exit=0)])
    assert peak_memory(tmp_path, scripts) < usual + MOST_MORE
