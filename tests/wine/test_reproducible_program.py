"""Frozen twice under Wine, under other conditions, the program for Windows is the same."""

import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pefile
import pytest

from builder.fetch import default_cache_folder
from builder.wine import Rig
from tests.support.conditions import Conditions, copy_source, other_wine, run_under
from tests.support.differences import differences
from tests.support.small_stack import SmallBundle

pytestmark = pytest.mark.slow

DAYS = 2000
NAMES = {kind: kind for kind in ("source", "cache", "output", "home", "temporary")}
OTHERS = {
    "source": "another place with blanks/checkout",
    "cache": "c",
    "output": "o",
    "home": "nobody's",
    "temporary": "temporary files",
}


def frozen(conditions: Conditions, rig: Rig, manifest: Path) -> bytes:
    """The stub that a copy of the source makes; Wine is seen under a path of its own."""
    copy_source(conditions)
    (conditions.folder("cache") / "wine").symlink_to(default_cache_folder() / "wine")
    output = conditions.folder("output") / "stub.exe"
    target = ("--target", "win_amd64", "--offline", "--manifest", manifest)
    run_under(conditions, "freeze", "--output", output, *target)
    # Wine's server would go on in the time that it was started in.
    prefix = {"WINEPREFIX": rig.launcher.environment["WINEPREFIX"]}
    subprocess.run(["wineserver", "--wait"], env=prefix | {"PATH": "/usr/bin:/bin"}, check=False)
    return output.read_bytes()


def time_in(wine: Mapping[str, str], rig: Rig) -> int:
    """What a program in there takes for the time, in seconds since 1970."""
    program = shutil.which("wine", path=wine["PATH"])
    assert program
    done = subprocess.run(
        [program, rig.python, "-c", "import time; print(int(time.time()))"],
        env={**rig.launcher.environment, **wine},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return int(done.stdout)


def test_the_program_is_the_same(exe: SmallBundle, rig: Rig, tmp_path: Path) -> None:
    wine = other_wine(tmp_path / "wine", DAYS)
    here = Conditions(place=tmp_path / "here", names=NAMES, environment={"TZ": "UTC"})
    elsewhere = Conditions(
        place=tmp_path / "elsewhere",
        names=OTHERS,
        environment={
            **wine,
            "TZ": "XYZ-5:45",
            "LC_ALL": "C",
            "PYTHONHASHSEED": "4711",
        },
        wrapper=["taskset", "--cpu-list", "0"],
        umask=0o077,
        backwards=True,
        modified=999_999_999,
    )
    assert time_in(wine, rig) - time.time() > (DAYS - 1) * 86_400
    one, other = (frozen(conditions, rig, exe.manifest) for conditions in (here, elsewhere))
    found = differences("stub.exe", one, other)
    assert not found, "\n".join(found)
    with pefile.PE(data=one, fast_load=True) as image:
        assert image.FILE_HEADER.TimeDateStamp == 315_532_800
        image.FILE_HEADER.TimeDateStamp += 1
        later = bytes(image.write())
    (told,) = differences("stub.exe", one, later)
    assert "IMAGE_FILE_HEADER TimeDateStamp" in told
