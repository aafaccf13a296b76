"""Fetches in a process of its own, to see how much memory that takes.

``python -m tests.hostile.network.memory INDEX…`` prints the peak in KiB.
"""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from builder.fetch import Cache, MissingFilesError, WantedFile, fetch
from builder.progress import Progress
from tests.hostile.network.play import QUICK, ready_stage
from tests.hostile.network.script import (
    CONTENT,
    JSON,
    NAME,
    SHA256,
    Endless,
    Script,
    page_answer,
)
from tests.hostile.network.scripts import all_scripts

_ROOT = Path(__file__).parents[3]
_MEBIBYTE = 1 << 20


def endless_scripts() -> list[Script]:
    """Those that send more than anybody could keep, and pages as large as they may be."""
    large = [b" " * (31 * _MEBIBYTE), b'<a href="x">' * 90_000 + b" " * (20 * _MEBIBYTE)]
    pages = [
        Script(name=f"a large page, {n}", row=0, routes={"page": (page_answer(content, kind),)})
        for n, content in enumerate(large)
        for kind in (JSON, "text/html")
    ]
    return pages + [script for script in all_scripts() if _has_no_end(script)]


def peak_memory(folder: Path, scripts: Sequence[Script]) -> int:
    """KiB that a process has at most which runs the fetcher against these, one after another."""
    with ready_stage(folder) as stage, ExitStack() as stack:
        plays = [stack.enter_context(stage.playing(script)) for script in scripts]
        indexes = [stage.fill(play.script.index or play.script.pip_index, play) for play in plays]
        done = subprocess.run(
            [sys.executable, "-m", __name__, *indexes],
            cwd=_ROOT,
            env=os.environ,
            check=True,
            capture_output=True,
            text=True,
        )
    return int(done.stdout)


def _has_no_end(script: Script) -> bool:
    return not script.impatient and any(
        isinstance(step, Endless)
        for answers in script.routes.values()
        for answer in answers
        for step in answer
    )


def _main(indexes: Sequence[str]) -> None:
    for index in indexes:
        wanted = WantedFile(
            project="demo", filename=NAME, sha256=SHA256, size=len(CONTENT), index=index
        )
        with suppress(MissingFilesError), TemporaryDirectory() as folder:
            fetch(
                [wanted],
                Cache(Path(folder)),
                offline=False,
                jobs=2,
                progress=Progress(),
                patience=QUICK,
            )
    # What getrusage tells counts what the parent had when it started this.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])  # noqa: T201


if __name__ == "__main__":
    _main(sys.argv[1:])
