"""What must hold after every fault: one whole environment is live, and a second try succeeds."""

import json
from collections.abc import Collection, Iterator

from tests.faults.place import LOST, NOTES, Case, Ended, Place
from tests.faults.witness import (
    Environment,
    holds,
    holds_wheel,
    leftovers,
    look,
    remains,
    untruths,
)

_DONE, _USAGE = 0, 2
# An uninstallation that was stopped after its last step leaves these at most.
_LAST = {".install.lock is left", ".install.owner.json is left"}


def judge(
    place: Place, case: Case, ended: Ended, codes: Collection[int], *, clears: bool
) -> list[str]:
    """What is wrong after a fault and, once more, after the same command without one.

    Everything as of :func:`judge_ending`.
    """
    problems = judge_ending(place, case, ended, codes, clears=clears)
    return [*problems, *judge_rerun(place, case)]


def judge_ending(
    place: Place, case: Case, ended: Ended, codes: Collection[int], *, clears: bool
) -> list[str]:
    """What is wrong after a fault.

    Args:
        place: where it happened.
        case: what was done.
        ended: how the run with the fault did.
        codes: with which it may, besides 0; none where it was killed.
        clears: where it failed, nothing of what is new may stay.
    """
    seen = look(place.target)
    problems = [*_lost(place, case, seen), *_untrue(case, seen, ended, codes)]
    if codes and ended.code != _DONE and clears and not case.scenario.gone:
        # Of the owner, whose process has ended, nothing is believed.
        left = set(leftovers(place.target, kept=case.kept))
        problems += sorted(left - {".install.owner.json is left"})
    return problems


def judge_instant(place: Place, case: Case) -> list[str]:
    """What is wrong with what is live, whatever has happened."""
    return list(_lost(place, case, look(place.target)))


def _lost(place: Place, case: Case, seen: Environment | None) -> Iterator[str]:
    if not (_is_before(case, seen) or _is_after(case, seen) or _is_lost(case, seen)):
        yield f"what is live is neither the old nor the new one: {seen}"
    if case.scenario.notes and not holds(place.target, NOTES):
        yield "the user's notes are lost"
    if case.scenario.extras and _is_after(case, seen) and not holds_wheel(place.target, LOST):
        yield "what the user has added and does not come along is lost"


def _untrue(
    case: Case, seen: Environment | None, ended: Ended, codes: Collection[int]
) -> Iterator[str]:
    """What its exit code says that is not so."""
    if ended.code == _DONE:
        if not _is_after(case, seen):
            yield f"it ended with 0, but this is live: {seen}"
    elif codes:
        if ended.code not in codes:
            yield f"it ended with {ended.code} instead of {sorted(codes)}: {_last_words(ended)}"
        # Once begun, an uninstallation can only be ended, and the next run does so.
        if not (case.scenario.gone or _is_before(case, seen) or _is_lost(case, seen)):
            yield f"it ended with {ended.code}, but what was live is not: {_last_words(ended)}"


def judge_rerun(place: Place, case: Case) -> list[str]:
    """Do it again without a fault; what is wrong then."""
    begun = (place.target / "install.json").exists()
    ended = place.run(case.scenario.command)
    if case.scenario.gone:
        left = set(remains(place.target))
        if ended.code == _USAGE and not begun:
            left -= _LAST
        elif ended.code != _DONE:
            return [f"the next run ended with {ended.code}: {_last_words(ended)}"]
        return sorted(left)
    if ended.code != _DONE:
        return [f"the next run ended with {ended.code}: {_last_words(ended)}"]
    problems, seen = [], look(place.target)
    turned = case.scenario.turning and case.before and seen and seen.exact == case.before.exact
    if not (turned or _is_after(case, seen)):
        problems.append(f"after the next run this is live: {seen}")
    if case.scenario.notes and not holds(place.target, NOTES):
        problems.append("the user's notes are lost by the next run")
    problems += leftovers(place.target, kept=case.scenario.kept)
    return [*problems, *untruths(place.target)]


def _is_before(case: Case, seen: Environment | None) -> bool:
    """Whether exactly what was live still is."""
    if case.before is None or seen is None:
        return seen is None and case.before is None
    return seen.exact == case.before.exact


def _is_after(case: Case, seen: Environment | None) -> bool:
    """Whether exactly what shall be live is."""
    if case.after is None or seen is None:
        # Its folder goes first, in one step, and then what leads there.
        return case.after is None and (seen is None or not seen.exact)
    return seen.kind == case.after.kind and not seen.faults


def _is_lost(case: Case, seen: Environment | None) -> bool:
    return case.scenario.losing and (seen is None or not seen.exact)


def _last_words(ended: Ended) -> str:
    """What it said in the end."""
    last = ended.output.strip().rpartition("\n")[2]
    try:
        told = json.loads(last)["message"]
    except (ValueError, KeyError):
        told = last
    return f"{told} {ended.errors.strip()[-400:]}".strip()
