"""What is let in although it is banned, and left out although it is asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

from bootstrap.bundle.policy import Excluded, Waived
from builder.police.exclusions import list_excluded
from builder.police.rules import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Concessions:
    """Where a set that is not refused falls short of the rules; the index holds both.

    Attributes:
        waived: what is banned, and let in.
        excluded: what is asked for, and left out.
    """

    waived: tuple[Waived, ...] = ()
    excluded: tuple[Excluded, ...] = ()

    def remarks(self) -> Iterator[str]:
        """A sentence on each."""
        for item in self.waived:
            carried = f" with the module {item.module}" if item.module else ""
            yield (
                f"{item.name} {item.version}{carried} is banned by rule {item.rule!r} and let in "
                f"until {item.expires}: {item.reason}"
            )
        for left_out in self.excluded:
            wanted = ", ".join(left_out.wanted_by)
            if wanted:
                yield f"{left_out.name} is left out, and wanted by {wanted}: {left_out.reason}"
            else:
                yield f"{left_out.name} is left out by the manifest, and nothing asks for it."


def concessions_of(case: Case) -> Concessions:
    """Those of a set whose wheels are all at hand."""
    return Concessions(
        waived=tuple(waived for hit in case.hits if (waived := hit.waived(case.today))),
        excluded=list_excluded(case.graph, case.excluded),
    )
