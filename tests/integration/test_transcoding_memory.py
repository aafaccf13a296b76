"""Transcoding stays within its memory, whatever the size of wheels and the number of cores."""

import random
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.commands import ROOT
from tests.support.small_stack import make_wheel

pytestmark = pytest.mark.slow

_MOST = 300_000_000
_MEASURE = """
import hashlib, pathlib, sys
from builder.fetch import Cache
from builder.progress import Bar
from builder.transcode import Recipe, Transcoder

folder = pathlib.Path(sys.argv[1])
recipe = Recipe(name="test", level=3, window_log=int(sys.argv[2]))
with Transcoder(Cache(folder / "cache"), recipe, Bar(), threads=8) as transcoder:
    for path in folder.glob("*.whl"):
        transcoder.add(path, path.name, hashlib.file_digest(path.open("rb"), "sha256").hexdigest())
    transcoder.results()
status = pathlib.Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")))
"""


@pytest.mark.parametrize("window_log", [25, 26])
def test_eight_threads_share_what_there_is(tmp_path: Path, window_log: int) -> None:
    """Without a limit, eight such windows alone would take 256 or 512 MiB."""
    noise = random.Random(1).randbytes(80_000_000)  # noqa: S311
    wheel = make_wheel(tmp_path, "demo", "1.0", {"demo/a.bin": noise})
    for number in range(7):
        other = wheel.with_name(f"w{number}-1.0-py3-none-any.whl")
        shutil.copyfile(wheel, other)
        with zipfile.ZipFile(other, "a") as archive:
            archive.comment = bytes([number])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _MEASURE, tmp_path, str(window_log)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < _MOST
