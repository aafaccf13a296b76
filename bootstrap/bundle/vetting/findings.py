"""What breaks a rule: collected, told all at once, raised once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bootstrap.bundle.errors import RefusedContentError
from bootstrap.bundle.policy import Allowance
from bootstrap.bundle.vetting.rules import RULES
from bootstrap.bundle.vetting.texts import printable

# Of each rule; a hostile file can break one a million times.
_TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule broken in one place.

    Attributes:
        rule: its id.
        file: the wheel or bundle.
        member: what is inside it, as stored; empty where it is about the whole.
        detail: what exactly; may be empty.
    """

    rule: str
    file: str
    member: str = ""
    detail: str = ""

    def __str__(self) -> str:
        """One line that is safe to print."""
        what = ": ".join(printable(part) for part in (self.member, self.detail) if part)
        why = RULES[self.rule].why
        return f"[{self.rule}] {what}. {why}" if what else f"[{self.rule}] {why}"


class VettingError(RefusedContentError):
    """Content that breaks rules.

    Attributes:
        findings: what was found.
    """

    def __init__(self, message: str, *, remedy: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(message, remedy=remedy)
        self.findings = findings


class Verdict:
    """Collects findings about one file.

    Args:
        file: its name, for messages.
        allowance: what it may do all the same.
    """

    def __init__(self, file: str, allowance: Allowance | None = None) -> None:
        self.file = file
        self._allowance = allowance
        self._findings: list[Finding] = []
        self._counts = Counter[str]()

    def add(self, rule: str, member: str = "", detail: str = "") -> None:
        """A rule is broken, unless that is allowed here."""
        if self._allowance and rule in self._allowance.rules and RULES[rule].allowable:
            return
        self._counts[rule] += 1
        if self._counts[rule] <= _TOLD:
            self._findings.append(Finding(rule=rule, file=self.file, member=member, detail=detail))

    def extend(self, broken: Iterable[tuple[str, str]], member: str = "") -> None:
        """Several rules, each with its detail, are broken by one member."""
        for rule, detail in broken:
            self.add(rule, member, detail)

    def allows_member(self, path: str, sha256: str) -> bool:
        """Whether this very file may run by itself."""
        return self._allowance is not None and self._allowance.members.get(path) == sha256

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The first few of each rule."""
        return tuple(self._findings)

    def require_none(self, remedy: str) -> None:
        """Raise when there is anything.

        Raises:
            VettingError: tells all of it.
        """
        if not self._findings:
            return
        count = sum(self._counts.values())
        lines = [f"\n  {finding}" for finding in self._findings]
        lines += [
            f"\n  [{rule}] and {more - _TOLD:,} more of this"
            for rule, more in self._counts.items()
            if more > _TOLD
        ]
        reasons = "1 reason" if count == 1 else f"{count:,} reasons"
        raise VettingError(
            f"{printable(self.file)} is refused for {reasons}:{''.join(lines)}",
            remedy=remedy,
            findings=self.findings,
        )
