"""Where a program's time went is read from what it prints, and from nothing else."""

import pytest

from benchmarks.phases import phases

BUILDER = """\
{"event": "phase", "time": "2026-11-24T00:00:00.000+00:00", "name": "cu124: lock"}
{"event": "note", "time": "2026-11-24T00:00:00.500+00:00", "message": "x"}
{"event": "phase", "time": "2026-11-24T00:00:01.000+00:00", "name": "cu124: pack"}
{"event": "phase", "time": "2026-11-24T00:00:03.500+00:00", "name": "cu124: lock"}
{"event": "result", "time": "2026-11-24T00:00:04.000+00:00", "message": "ready"}
"""
INSTALLER = """\
{"event": "phase", "time": "2026-11-24T00:00:00.000+00:00", "phase": "install", "bytes": 1}
{"event": "result", "time": "2026-11-24T00:00:09.000+00:00", "phases": {"install": 8.5}}
"""


def test_the_builder_tells_when_each_begins() -> None:
    assert phases(BUILDER) == {"lock": 1.5, "pack": 2.5}


def test_the_installer_has_added_them_up() -> None:
    assert phases(INSTALLER) == {"install": 8.5}


@pytest.mark.parametrize(
    "output",
    [
        "",
        "done\n",
        "[1]\n",
        '{"a": 1}\n',
        BUILDER[:200],
        "5\n",
        BUILDER.partition('{"event": "result"')[0],
    ],
)
def test_other_output_has_none(output: str) -> None:
    assert phases(output) == {}
