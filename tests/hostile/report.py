"""Puts the figures into the page that is otherwise written by hand."""

from collections.abc import Sequence

from tests.hostile.figures import Campaign, Figures
from tests.support.origin import origin

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def with_figures(page: str, done: Sequence[tuple[Campaign, Figures]], command: str) -> str:
    """The page with these figures between its marks.

    Args:
        page: as it is.
        done: what was tried.
        command: that did it.

    Raises:
        ValueError: the page has no place for figures.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"it has no {BEGIN} … {END}")
    lines = ["| what | tried | refused, with the right code | broken |", "|---|---|---|---|"]
    notes = []
    for campaign, figures in done:
        count = len(figures.broken)
        broken = f"{count:,}, as it must" if campaign.breaking and count else f"{count:,}"
        lines.append(f"| {campaign.what} | {figures.tried:,} | {figures.refused:,} | {broken} |")
        if figures.notes:
            notes.append(f"- {campaign.what}: {figures.notes}.")
    table = "\n".join([*lines, "", *notes, *([""] if notes else []), origin(command)])
    return f"{before}{begin}\n{table}{end}{after}"
