"""The verdict of the manifest's policy: as a table, and as JSON by its schema."""

import dataclasses
from datetime import date
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from bootstrap.bundle.policy import Allowance, BlacklistRule, Waiver
from builder.manifest import DEFAULT_PATH, Exclusion
from builder.police import open_case
from builder.schemas import render_schema
from builder.verdicts import Found, PolicyRow, policy_rows, render_table
from tests.support.made_stack import Stack

SCHEMA = DEFAULT_PATH.parent / "policy.schema.json"
LATER, EARLIER = date(2027, 1, 31), date(2026, 1, 31)


def rule(name: str, expires: date | None = None, **more: tuple[str, ...]) -> BlacklistRule:
    waivers = (Waiver(reason="Needed.", expires=expires),) if expires else ()
    return BlacklistRule(name=name, reason="r", waiver=waivers, **more)  # type: ignore[arg-type]


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """Every verdict once."""
    made = Stack(tmp_path, exclude=tuple(Exclusion(name=n, reason="e") for n in ("gone", "never")))
    made.add("demo", "1.0", None, "banned", "waived>=1", "late", "gone>2")
    for name in ("banned", "late"):
        made.add(name)
    made.add("waived", "1.5", {"waived.py": b"", "hidden/__init__.py": b""})
    made.rules = (
        rule("absent", modules=("absent",)),
        rule("banned", aliases=("banned-nightly",)),
        rule("waived", LATER),
        rule("late", EARLIER),
        rule("forgotten", EARLIER),
        rule("triton", targets=("win_amd64",)),
        rule("other", LATER, modules=("hidden",)),
    )
    return made


def test_each_verdict(stack: Stack) -> None:
    rows = policy_rows(stack.case)
    assert [(row.name, row.verdict, row.until) for row in rows] == [
        ("absent", "clean", None),
        ("banned", "refused", None),
        ("waived", "waived", LATER),
        ("late", "expired", EARLIER),
        ("forgotten", "expired", EARLIER),
        ("triton", "not on this target", None),
        ("other", "waived", LATER),
        ("gone", "left out", None),
        ("never", "not asked for", None),
    ]


def test_who_pulled_it_in(stack: Stack) -> None:
    found = {row.name: row.found for row in policy_rows(stack.case)}
    (waived,), (hidden,), (gone,) = found["waived"], found["other"], found["gone"]
    assert (waived.version, waived.pulled_in_by) == ("1.5", "demo → waived>=1")
    assert (hidden.name, hidden.module) == ("waived", "hidden")
    assert gone == Found(name="gone", version="", module=None, pulled_in_by="demo")
    assert found["absent"] == found["never"] == ()


def test_what_is_not_known_is_not_made_up(stack: Stack) -> None:
    case = open_case(stack.lock, stack.manifest, (), stack.today)
    rows = {row.name: row for row in policy_rows(case)}
    assert rows["banned"].verdict == "refused"
    assert rows["never"].verdict == "left out"
    for name in ("banned", "gone", "never"):
        assert "not known" in rows[name].found[0].pulled_in_by


def test_one_that_is_left_out_and_there_is_refused(stack: Stack) -> None:
    stack.add("gone", "3.0")
    row = next(row for row in policy_rows(stack.case) if row.name == "gone")
    assert (row.verdict, row.found[0].version) == ("refused", "3.0")


def test_an_allowance_has_its_row(stack: Stack) -> None:
    wheel = next(wheel for wheel in stack.lock.wheels if wheel.name == "waived")
    there = Allowance(
        filename=wheel.filename, sha256=wheel.sha256, members={"waived.pth": "0" * 64}, reason="m"
    )
    gone = Allowance(
        filename=wheel.filename, sha256="0" * 64, rules=("archive-gap",), reason="It was built so."
    )
    case = dataclasses.replace(
        stack.case, manifest=msgspec.structs.replace(stack.manifest, allowances=(there, gone))
    )
    first, second = [row for row in policy_rows(case) if row.kind == "allowance"]
    assert (first.name, first.bans, first.verdict) == ("waived", "1.5: waived.pth", "allowed")
    assert first.found[0].pulled_in_by == "demo → waived>=1"
    assert (second.bans, second.verdict) == ("1.5: archive-gap", "not in this set")
    assert (second.reason, second.found) == ("It was built so.", ())
    validator = Draft202012Validator(msgspec.json.decode(SCHEMA.read_bytes()))
    validator.validate(msgspec.json.decode(msgspec.json.encode(first)))


def test_the_table(stack: Stack) -> None:
    stack.add("banned_nightly")
    head, *lines = render_table(policy_rows(stack.case))
    assert head.split("  ")[0] == "kind"
    assert len(lines) == 10
    column = head.index("verdict")
    told = [line[column:].split("  ")[0] for line in lines]
    assert told[:4] == ["clean", "refused", "", "waived until 2027-01-31"]
    assert told[4:7] == ["expired 2026-01-31", "expired 2026-01-31", "not on this target"]
    assert lines[2].split() == ["banned-nightly", "1.0:", "nothing", "in", "the", "lock"]
    assert lines[1].endswith("banned 1.0: demo → banned")
    assert lines[7].endswith("waived 1.5 with hidden: demo → waived>=1")
    assert not any(line.endswith(" ") for line in lines)


def test_rows_are_what_the_schema_says(stack: Stack) -> None:
    validator = Draft202012Validator(msgspec.json.decode(SCHEMA.read_bytes()))
    for row in policy_rows(stack.case):
        validator.validate(msgspec.json.decode(msgspec.json.encode(row)))
    assert not validator.is_valid({"kind": "blacklist"})


def test_the_schema_file_is_current_for_rows() -> None:
    """Make it anew with ``python -m builder.verdicts > metadata/policy.schema.json``."""
    assert SCHEMA.read_text(encoding="utf-8") == render_schema(PolicyRow)
