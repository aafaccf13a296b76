"""Decides what may go into a bundle: every rule over the whole set, all findings at once."""

from builder.police.findings import Finding, refuse
from builder.police.rules import judge_lock, judge_wheels

__all__ = ["Finding", "judge_lock", "judge_wheels", "refuse"]
