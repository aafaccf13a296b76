"""What the police found, and the error made of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from builder.errors import RefusedContentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason why this set must not be packed.

    Attributes:
        rule: short name of the rule, such as ``blacklist``.
        package: the distribution, or file, that breaks it.
        message: what is wrong and why, one sentence.
        remedy: what the release engineer can do.
    """

    rule: str
    package: str
    message: str
    remedy: str


def refuse(findings: Sequence[Finding], where: str) -> None:
    """Raise when there is anything.

    Raises:
        RefusedContentError: lists every finding, worst rule first as given.
    """
    if not findings:
        return
    listed = "".join(f"\n  [{finding.rule}] {finding.message}" for finding in findings)
    remedies = " ".join(dict.fromkeys(finding.remedy for finding in findings))
    count = "1 reason" if len(findings) == 1 else f"{len(findings)} reasons"
    raise RefusedContentError(f"{where} is refused for {count}:{listed}", remedy=remedies)
