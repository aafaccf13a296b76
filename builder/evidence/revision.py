"""Which commit the builder itself is, and whether somebody has changed it."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from builder.processes import ProgramError, run_program

ROOT = Path(__file__).parents[2]
# What a build is made by and from; a changed test changes no bundle.
_SOURCES = (
    *("builder", "bootstrap", "metadata", "dist_templates", "requirements"),
    *("pyproject.toml", "LICENSE"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A commit.

    Attributes:
        commit: its hash, hexadecimal.
        dirty: whether the files of the builder differ from it.
        time: when it was made.
    """

    commit: str
    dirty: bool
    time: datetime


def read_revision(root: Path = ROOT) -> Revision | None:
    """The revision of a checkout; None where it is none, or where there is no git.

    Args:
        root: its top folder. A checkout further above is somebody else's.
    """
    try:
        top = _git(root, "rev-parse", "--show-toplevel").strip()
        if Path(top).resolve() != root.resolve():
            return None
        # Both have settings by which the user's own configuration would change the answer.
        commit, seconds = _git(root, "log", "-1", "--no-show-signature", "--format=%H %ct").split()
        present = [name for name in _SOURCES if (root / name).exists()]
        changed = _git(root, "status", "--porcelain", "--untracked-files=normal", "--", *present)
    except (ProgramError, ValueError):
        return None
    return Revision(
        commit=commit, dirty=bool(changed.strip()), time=datetime.fromtimestamp(int(seconds), UTC)
    )


def _git(root: Path, *arguments: str) -> str:
    # A checkout of another user is refused otherwise, and who builds must make no difference.
    # An outer git command (a hook, say) speaks of its own repository by such variables.
    environment = {name: v for name, v in os.environ.items() if not name.startswith("GIT_")}
    return run_program(
        ["git", "-c", f"safe.directory={root.resolve()}", "--no-optional-locks", *arguments],
        cwd=root,
        environment=environment,
    )
