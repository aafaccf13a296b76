"""What is let in by a waiver, and left out on purpose, from the manifest to the installed stack."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import NormalizedName

from bootstrap.bundle.model import Index, decode_index
from bootstrap.bundle.policy import Excluded
from builder.lock.model import encode_lock
from tests.support.building import arguments, lock_of, refused, relock, write_lock
from tests.support.commands import events, run_builder
from tests.support.small_stack import VARIANT, SmallBundle, make_wheel

pytestmark = pytest.mark.slow

# In the past, so that a program that asks the clock of this machine fails.
LAST_DAY = date(2020, 1, 31)
MENTIONED = (
    "torchao 0.18.0 is banned by rule 'torchao' and let in until 2020-01-31: Asked for by Example."
)
ABSENT = "xformers is left out, and wanted by click: Its wheels want another torch."


def on(day: date, hour: int = 12) -> dict[str, str]:
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    return {"SOURCE_DATE_EPOCH": str(int(moment.timestamp()))}


def edit(work: SmallBundle, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads(work.manifest.read_text())
    change(manifest)
    work.manifest.write_text(json.dumps(manifest))


def concede(manifest: dict[str, Any]) -> None:
    manifest["blacklist"][0]["waiver"] = {
        "versions": "==0.18.0",
        "reason": "Asked for by Example.",
        "expires": str(LAST_DAY),
    }
    manifest["exclude"] = [{"name": "xformers", "reason": "Its wheels want another torch."}]
    # Here it is to be there.
    manifest["checks"] = [check for check in manifest["checks"] if check["probe"] != "absent"]


@pytest.fixture
def conceded(work: SmallBundle, tmp_path: Path) -> SmallBundle:
    """The small stack, whose click wants a torchao, which is waived, and an xformers."""
    edit(work, concede)
    needs = ["torchao>=0.13", "xformers"]
    click = make_wheel(tmp_path, "click", "8.3.0", {"click.py": b""}, requires=needs)
    files = {"torchao/__init__.py": b""}
    relock(work, click, make_wheel(tmp_path, "torchao", "0.18.0", files))
    write_lock(work, replace(lock_of(work), excluded=(NormalizedName("xformers"),)), VARIANT)
    return work


def test_both_are_said_everywhere_and_installed_whenever(
    conceded: SmallBundle, tmp_path: Path
) -> None:
    done = run_builder(*arguments(conceded), **on(LAST_DAY, hour=23))
    assert done.returncode == 0, done.stderr
    assert f"warning: {MENTIONED}" in done.stderr
    assert f"warning: {ABSENT}" in done.stderr
    summary = (conceded.beside / "summary.txt").read_text()
    assert f"concession       {MENTIONED}" in summary
    assert f"concession       {ABSENT}" in summary
    index = decode_index((conceded.beside / "bundle.json").read_bytes())
    (waived,) = index.waived
    assert (waived.name, waived.version, waived.expires) == ("torchao", "0.18.0", LAST_DAY)
    (left_out,) = index.excluded
    assert left_out == Excluded(
        name="xformers", reason="Its wheels want another torch.", wanted_by=("click",)
    )
    shown = run_builder("inspect", conceded.installer)
    assert MENTIONED in shown.stderr
    assert ABSENT in shown.stderr
    require_installable(conceded.installer, tmp_path / "target", index)


def require_installable(installer: Path, target: Path, index: Index) -> None:
    """Years after the last day; another version of the same is refused still."""
    environment = {**os.environ, **on(date(2099, 1, 1))}

    def run(*options: str | Path) -> "subprocess.CompletedProcess[str]":
        command = [installer, "--silent", "--target", target, *options]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    done = run()
    assert done.returncode == 0, done.stderr
    done = run("--verify")
    assert done.returncode == 0, done.stderr
    (site,) = target.glob(f"generations/{index.bundle_id}*/venv/lib/*/site-packages")
    (site / "torchao-0.17.0.dist-info").mkdir()
    done = run("--verify")
    assert done.returncode == 31
    assert "torchao 0.17.0: It breaks imports." in done.stderr


def test_an_expired_waiver_fails_the_build(conceded: SmallBundle) -> None:
    told = refused(
        conceded,
        12,
        "torchao 0.18.0 is blacklisted by rule 'torchao': It breaks imports.",
        "Pulled in by: click → torchao>=0.13.",
        "Its waiver for ==0.18.0 has expired with the end of 2020-01-31: Asked for by Example.",
        "set a new date",
    )
    assert "1 reason" in told


def test_the_policy_as_a_table_and_in_json(conceded: SmallBundle) -> None:
    command = ("check", "--policy", "--cuda", VARIANT, "--manifest", conceded.manifest)
    place = ("--cache", conceded.cache)
    done = run_builder(*command, *place, **on(LAST_DAY))
    assert done.returncode == 0, done.stderr
    assert "waived until 2020-01-31  torchao 0.18.0: click → torchao>=0.13" in done.stdout
    assert "left out                 xformers: click" in done.stdout
    assert MENTIONED in done.stderr
    late = run_builder(*command, *place)
    assert late.returncode == 12
    assert "expired 2020-01-31" in late.stdout
    rows = [
        event["row"]
        for event in events(run_builder(*command, *place, "--json", **on(LAST_DAY)).stdout)
        if event["event"] == "policy"
    ]
    assert [(row["kind"], row["name"], row["verdict"], row["until"]) for row in rows] == [
        ("blacklist", "torchao", "waived", "2020-01-31"),
        ("exclusion", "xformers", "left out", None),
    ]


def test_the_policy_of_a_folder(conceded: SmallBundle, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name in ("torchao", "xformers"):
        make_wheel(wheels, name, "0.17", {f"{name}.py": b""})
    make_wheel(wheels, "carrier", "1.0", {"torchao/__init__.py": b""})
    command = ("check", "--policy", "--cuda", VARIANT, "--manifest", conceded.manifest)
    done = run_builder(*command, "--wheelhouse", wheels, **on(LAST_DAY))
    assert done.returncode == 12
    first, second, third = done.stdout.splitlines()[1:]
    assert first.endswith("refused  torchao 0.17: nothing in the lock")
    assert second.strip() == "carrier 1.0 with torchao: nothing in the lock"
    assert "refused  xformers 0.17: " in third
    assert "xformers 0.17 is there, and the manifest leaves it out" in done.stderr


def test_the_graph_shows_what_is_left_out(conceded: SmallBundle) -> None:
    command = ("graph", "--cuda", VARIANT, "--manifest", conceded.manifest)
    place = ("--cache", conceded.cache)
    tree = run_builder(*command, *place).stdout
    assert "── xformers (left out)" in tree
    why = run_builder(*command, *place, "--why", "xformers").stdout
    assert "left out by the manifest: Its wheels want another torch." in why
    assert "── click" in why


def test_a_lock_from_before_the_exclusion_does_not_answer(conceded: SmallBundle) -> None:
    lock = lock_of(conceded)
    write_lock(conceded, replace(lock, excluded=()), VARIANT)
    refused(conceded, 2, "the manifest leaves xformers out, the lock does not")


def test_who_pulled_it_in_is_told_though_another_wheel_is_of_no_use(
    conceded: SmallBundle, tmp_path: Path
) -> None:
    broken = tmp_path / "tqdm-4.67.1-py3-none-any.whl"
    broken.write_bytes(b"no archive at all")
    lock = lock_of(conceded)
    relock_unread(conceded, broken)
    assert lock.wheels != lock_of(conceded).wheels
    refused(conceded, 12, "Pulled in by: click → torchao>=0.13.")


def relock_unread(work: SmallBundle, path: Path) -> None:
    """Lock a file that is no wheel in place of the one of its name."""
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    (work.cache / "files" / sha256).write_bytes(data)
    lock = lock_of(work)
    wheels = tuple(
        replace(wheel, filename=path.name, sha256=sha256, size=len(data))
        if wheel.name == path.name.partition("-")[0]
        else wheel
        for wheel in lock.wheels
    )
    lock.path.write_bytes(encode_lock(replace(lock, wheels=wheels)))
