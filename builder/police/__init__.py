"""Decides what may go into a bundle: every rule over the whole set, all findings at once."""

from builder.police.concessions import Concessions, concessions_of
from builder.police.findings import Finding, refuse
from builder.police.rules import Case, judge_lock, judge_wheels, open_case

__all__ = [
    "Case",
    "Concessions",
    "Finding",
    "concessions_of",
    "judge_lock",
    "judge_wheels",
    "open_case",
    "refuse",
]
