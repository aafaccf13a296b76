"""Waivers: what they let in, until when, and how it is told."""

import time
from datetime import date
from pathlib import Path

import pytest

from bootstrap.bundle.policy import BlacklistRule, Waiver
from bootstrap.bundle.value import Target
from builder.errors import ExitCode, RefusedContentError, UsageError
from builder.police import concessions_of, judge_lock, judge_wheels, open_case, refuse
from builder.today import today
from tests.support.made_stack import TODAY, Stack

YESTERDAY, TOMORROW = date(2026, 6, 29), date(2026, 7, 1)


def waiver(expires: date = TOMORROW, versions: str = "") -> Waiver:
    return Waiver(versions=versions, reason="The customer trains with it.", expires=expires)


def rule(*waivers: Waiver, targets: tuple[Target, ...] = ()) -> BlacklistRule:
    return BlacklistRule(
        name="torchao",
        modules=("torchao",),
        targets=targets,
        reason="It breaks imports.",
        waiver=waivers,
    )


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A demo that pulls in torchao 0.18."""
    made = Stack(tmp_path)
    made.add("demo", "1.0", None, "torchao>=0.13")
    made.add("torchao", "0.18", {"torchao/__init__.py": b""})
    return made


@pytest.mark.parametrize(
    ("given", "let_in"),
    [
        ((waiver(TOMORROW),), True),
        ((waiver(TODAY),), True),
        ((waiver(YESTERDAY),), False),
        ((waiver(TOMORROW, "==0.18"),), True),
        ((waiver(TOMORROW, "==0.17"),), False),
        ((waiver(TOMORROW, "==0.17"), waiver(TOMORROW, "==0.18")), True),
        ((), False),
    ],
    ids=["valid", "today", "expired", "version", "another", "one of two", "none"],
)
def test_what_a_waiver_lets_in(stack: Stack, given: tuple[Waiver, ...], *, let_in: bool) -> None:
    stack.rules = (rule(*given),)
    assert stack.rules_broken() == ([] if let_in else ["blacklist"])
    before = judge_lock(open_case(stack.lock, stack.manifest, (), stack.today))
    assert [finding.rule for finding in before] == ([] if let_in else ["blacklist"])


def test_one_waiver_needs_no_list(stack: Stack) -> None:
    stack.rules = (
        BlacklistRule(name="torchao", modules=("torchao",), reason="r", waiver=waiver()),
    )
    assert stack.judge() == []


def test_what_is_let_in_is_said(stack: Stack) -> None:
    stack.rules = (rule(waiver()),)
    (waived,) = concessions_of(stack.case).waived
    assert (waived.name, waived.version, waived.module) == ("torchao", "0.18", None)
    assert (waived.rule, waived.expires) == ("torchao", TOMORROW)
    (told,) = concessions_of(stack.case).remarks()
    assert told == (
        "torchao 0.18 is banned by rule 'torchao' and let in until 2026-07-01: "
        "The customer trains with it."
    )


def test_an_expired_one_fails_with_all_that_must_be_known(stack: Stack) -> None:
    stack.rules = (rule(waiver(YESTERDAY, "==0.18")),)
    with pytest.raises(RefusedContentError) as caught:
        refuse(stack.judge(), "pylock.toml")
    error = caught.value
    assert error.exit_code is ExitCode.REFUSED_CONTENT
    for told in (
        "torchao 0.18 is blacklisted by rule 'torchao': It breaks imports.",
        "Pulled in by: demo → torchao>=0.13.",
        "Its waiver for ==0.18 has expired with the end of 2026-06-29: The customer trains",
    ):
        assert told in error.message
    assert "set a new date" in error.remedy
    assert concessions_of(stack.case).waived == ()


def test_an_expired_one_that_lets_nothing_in_is_not_forgotten(stack: Stack) -> None:
    stack.rules = (rule(waiver(), waiver(YESTERDAY, "==0.17")),)
    (finding,) = stack.judge()
    # Of a finding of rule blacklist the whole lock would be fetched, to tell who pulled it in.
    assert finding.rule == "waiver"
    assert "Rule 'torchao' has a waiver that lets nothing in." in finding.message
    assert "Its waiver for ==0.17 has expired with the end of 2026-06-29" in finding.message


def test_on_another_target_neither_rule_nor_waiver_counts(stack: Stack) -> None:
    stack.rules = (rule(waiver(YESTERDAY), targets=("win_amd64",)),)
    assert stack.judge() == []
    stack.rules = (rule(waiver(YESTERDAY), targets=("linux_x86_64",)),)
    assert stack.rules_broken() == ["blacklist"]


@pytest.mark.parametrize(("versions", "let_in"), [("", True), ("==1.0", False)])
def test_a_hidden_module_has_no_version_of_its_own(
    tmp_path: Path, versions: str, *, let_in: bool
) -> None:
    stack = Stack(tmp_path)
    stack.add("demo", "1.0", {"torchao/__init__.py": b""})
    stack.rules = (rule(waiver(TOMORROW, versions)),)
    assert stack.rules_broken() == ([] if let_in else ["blacklist"])
    told = [(waived.name, waived.module) for waived in concessions_of(stack.case).waived]
    assert told == ([("demo", "torchao")] if let_in else [])


def test_a_waiver_of_one_rule_does_not_help_against_another(stack: Stack) -> None:
    other = BlacklistRule(name="torchao", specifier=">=0.18", reason="Too new.")
    stack.rules = (rule(waiver()), other)
    (finding,) = judge_wheels(open_case(stack.lock, stack.manifest, stack.wheels, TODAY))
    assert "Too new." in finding.message


@pytest.mark.parametrize(
    ("seconds", "day"),
    [("0", date(1970, 1, 1)), ("1782863999", TODAY), ("1782864000", TOMORROW)],
)
@pytest.mark.parametrize("zone", ["EAST-14", "WEST+12"])
def test_today_is_a_day_in_utc(
    monkeypatch: pytest.MonkeyPatch, seconds: str, day: date, zone: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert today({"SOURCE_DATE_EPOCH": seconds}) == day
    time.tzset()


def test_today_is_the_clocks_where_nothing_is_set() -> None:
    assert abs((today({}) - date.today()).days) <= 1  # noqa: DTZ011 (any time zone will do)
    assert today({"SOURCE_DATE_EPOCH": ""}) == today({})


@pytest.mark.parametrize("wrong", ["soon", "1e9", "9" * 30])
def test_no_time_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH") as caught:
        today({"SOURCE_DATE_EPOCH": wrong})
    assert wrong in caught.value.message
