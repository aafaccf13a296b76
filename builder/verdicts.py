"""The manifest's policy against one set: what each of its rules has come to.

The rows are what ``check --policy`` shows. Their JSON Schema lies in
``metadata/policy.schema.json`` and is made from the types::

    python -m builder.verdicts > metadata/policy.schema.json
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

from packaging.utils import canonicalize_name

from bootstrap.bundle.policy import BlacklistRule
from bootstrap.bundle.value import Value
from builder.police import Case
from builder.police.blacklist import Hit, has_expired
from builder.police.exclusions import list_excluded
from builder.schemas import render_schema

Verdict = Literal[
    "clean",
    "refused",
    "waived",
    "expired",
    "not on this target",
    "left out",
    "not asked for",
    "allowed",
    "not in this set",
]

_UNKNOWN = "not known, not all wheels could be had"


class Found(Value, frozen=True, kw_only=True):
    """A distribution that a row is about.

    Attributes:
        name: normalized distribution name.
        version: likewise; empty where the distribution is not there.
        module: the banned module that it carries under another name.
        pulled_in_by: who asked for it, for people.
    """

    name: str
    version: str
    module: str | None
    pulled_in_by: str


class PolicyRow(Value, frozen=True, kw_only=True):
    """What one rule of the manifest has come to.

    Attributes:
        kind: the part of the manifest that it stands in.
        name: of the rule there; of an allowance, that of its distribution.
        bans: what it is about, for people; of an allowance, the version, and what may be in it.
        verdict: ``clean`` nothing of it is there; ``refused`` it is; ``waived`` it is, by a
            waiver; ``expired`` a waiver has; ``not on this target`` it was not asked;
            ``left out`` others ask for it and it is not there; ``not asked for`` nobody does;
            ``allowed`` this very wheel is there and may break rules of vetting; ``not in this
            set`` it is not there.
        until: last day of the waiver that lets it in, or that has expired.
        reason: the waiver's where it lets something in or has expired, else the rule's.
        found: what is there, or would be.
    """

    kind: Literal["blacklist", "exclusion", "allowance"]
    name: str
    bans: str
    verdict: Verdict
    until: date | None
    reason: str
    found: tuple[Found, ...]


def policy_rows(case: Case) -> tuple[PolicyRow, ...]:
    """One row for each rule of the manifest. A new kind of rule adds its own here."""
    return (*_blacklist_rows(case), *_exclusion_rows(case), *_allowance_rows(case))


def _blacklist_rows(case: Case) -> Iterator[PolicyRow]:
    for rule in case.manifest.blacklist:
        own = [hit for hit in case.hits if hit.rule is rule]
        verdict, until, reason = _verdict(rule, own, case)
        yield PolicyRow(
            kind="blacklist",
            name=rule.name,
            bans=_bans(rule),
            verdict=verdict,
            until=until,
            reason=reason,
            found=tuple(
                Found(
                    name=hit.name,
                    version=str(hit.version),
                    module=hit.module,
                    pulled_in_by=hit.pulled_in,
                )
                for hit in own
            ),
        )


def _verdict(
    rule: BlacklistRule, hits: Sequence[Hit], case: Case
) -> tuple[Verdict, date | None, str]:
    """The worst that holds; with the date and the reason that belong to it."""
    if not rule.holds_on(case.target.name):
        return "not on this target", None, rule.reason
    if any(hit.waiver is None for hit in hits):
        return "refused", None, rule.reason
    expired = [waiver for waiver in rule.waivers if has_expired(waiver, case.today)]
    used = expired or [hit.waiver for hit in hits if hit.waiver]
    if not used:
        return "clean", None, rule.reason
    first = min(used, key=lambda waiver: waiver.expires)
    return "expired" if expired else "waived", first.expires, first.reason


def _bans(rule: BlacklistRule) -> str:
    names = ", ".join([f"{rule.name}{rule.specifier or ''}", *rule.aliases])
    return f"{names}; modules {', '.join(rule.modules)}" if rule.modules else names


def _exclusion_rows(case: Case) -> Iterator[PolicyRow]:
    there = {wheel.name: str(wheel.version) for wheel in case.lock.wheels}
    wanted_by = {item.name: item.wanted_by for item in list_excluded(case.graph, case.excluded)}
    for exclusion in case.manifest.exclude:
        version = there.get(canonicalize_name(exclusion.name))
        sources = wanted_by.get(exclusion.name, ())
        verdict: Verdict = "left out"
        if not exclusion.holds_on(case.target.name):
            verdict = "not on this target"
        elif version:
            verdict = "refused"
        elif not sources and case.is_complete:
            verdict = "not asked for"
        found = Found(
            name=exclusion.name,
            version=version or "",
            module=None,
            pulled_in_by=", ".join(sources) or _UNKNOWN,
        )
        yield PolicyRow(
            kind="exclusion",
            name=exclusion.name,
            bans=exclusion.name,
            verdict=verdict,
            until=None,
            reason=exclusion.reason,
            found=(found,) if verdict in ("left out", "refused") else (),
        )


def _allowance_rows(case: Case) -> Iterator[PolicyRow]:
    """That its wheel does no more than it may is seen when the wheel is read."""
    there = {(wheel.filename, wheel.sha256): wheel for wheel in case.lock.wheels}
    for allowance in case.manifest.allowances:
        wheel = there.get((allowance.filename, allowance.sha256))
        name, _, rest = allowance.filename.partition("-")
        found = wheel and Found(
            name=wheel.name,
            version=str(wheel.version),
            module=None,
            pulled_in_by=case.pulled_in(wheel.name),
        )
        yield PolicyRow(
            kind="allowance",
            name=canonicalize_name(name),
            bans=f"{rest.partition('-')[0]}: {', '.join([*allowance.rules, *allowance.members])}",
            verdict="allowed" if found else "not in this set",
            until=None,
            reason=allowance.reason,
            found=(found,) if found else (),
        )


def render_table(rows: Sequence[PolicyRow]) -> Iterator[str]:
    """Lines of a table: one for each row, and one more for each further thing found."""
    heads = ("kind", "rule", "about", "verdict", "pulled in by")
    cells = [heads]
    for row in rows:
        found = [_pulled_in(item) for item in row.found] or [""]
        cells.append((row.kind, row.name, row.bans, _told(row), found[0]))
        cells += [("", "", "", "", more) for more in found[1:]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _told(row: PolicyRow) -> str:
    """The verdict, with its date."""
    match row.verdict:
        case "waived":
            return f"waived until {row.until}"
        case "expired":
            return f"expired {row.until}"
        case other:
            return other


def _pulled_in(found: Found) -> str:
    what = f"{found.name} {found.version}".strip()
    return f"{what}{f' with {found.module}' if found.module else ''}: {found.pulled_in_by}"


if __name__ == "__main__":
    sys.stdout.write(render_schema(PolicyRow))
