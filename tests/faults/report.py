"""The figures, as a page for people."""

from collections.abc import Sequence

from tests.faults.figures import Figure
from tests.support.origin import origin

_INTRO = """\
# Reliability

What was done to real installations, and what came of it. *Broken* is each case in which, at any \
instant, the live environment was not exactly the old or exactly the new one (every file by its \
hash, everything imported by its own Python), an exit code was not true, or the same command did \
not succeed when it was given once more, leaving nothing behind. A program judges that which \
knows nothing of the installer ([tests/faults/witness.py](../tests/faults/witness.py)).
"""
_HOW = """
A small product of three packages and its own CPython, in two versions, is installed, upgraded \
and removed. strace puts signals and errors into single system calls of the installer and of \
what it starts, one tenth of them into the frozen program. Power cuts happen to an ext4 on a disk \
that logs every write and every flush: what was flushed is there afterwards, and of what came \
later any sectors are and any are not. With the installer's barriers taken out, such cuts do \
break environments, or the trial would prove nothing.
"""


def write_report(figures: Sequence[Figure], command: str) -> str:
    """The page."""
    lines = [_INTRO, "| what | tried | broken |", "|---|---|---|"]
    for figure in figures:
        broken = f"{len(figure.broken)}, as it must" if figure.breaking else len(figure.broken)
        lines.append(f"| {figure.what} | {figure.tried:,} | {broken} |")
    lines += [_HOW, origin(command)]
    return "\n".join(lines)
