"""Rows 18 to 22, 25 and 26 of the fault matrix, one by one."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bootstrap.bundle.errors import DamagedBundleError
from bootstrap.bundle.reader import BundleReader
from bootstrap.events import Listener
from bootstrap.extract import extract_wheelhouse
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.install.runtime import unpack_runtime
from bootstrap.install.wheels import install_wheels
from tests.faults.bundles import build_bundles
from tests.faults.judge import judge_ending
from tests.faults.place import Place
from tests.faults.scenarios import UPGRADE
from tests.hostile.mutations.structures import structures_of
from tests.hostile.mutations.subjects import KINDS, Subject, make_subject, write
from tests.hostile.mutations.trials import Bench, tree_hash
from tests.support.commands import ROOT
from tests.support.debian import require_debian, require_root

_DAMAGED = 10
_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
static time_t shift(void) { return (time_t)SHIFT; }
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(id, at);
    if (!done && id == CLOCK_REALTIME) at->tv_sec += shift();
    return done;
}
time_t time(time_t *to) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (to) *to = at.tv_sec;
    return at.tv_sec;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


@pytest.fixture(params=KINDS)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    return make_subject(request.param, tmp_path / "subject")


def test_a_cut_at_any_boundary_is_damage(subject: Subject, tmp_path: Path) -> None:
    bench = Bench(tmp_path, subject)
    # Of the index, whose every text is one, a few.
    parts = [part for part in structures_of(subject.path) if part.kind != "index: text"]
    ends = {(part.file, part.offset) for part in parts}
    for name, end in sorted(ends):
        whole = subject.files[name]
        problems, refused = bench.judge({**subject.files, name: whole[:end]}, read=True)
        assert not problems, (name, end)
        assert refused


def test_whatever_is_appended_is_noticed(subject: Subject, tmp_path: Path) -> None:
    bench = Bench(tmp_path, subject)
    whole = subject.files[subject.installer]
    pkg = whole[structure_begin(subject, "PKG") :]
    for junk in (b"\0", b"x", bytes(4096), b"PK\5\6" + bytes(18), pkg[:-1], b"x" + pkg):
        files = {**subject.files, subject.installer: whole + junk}
        problems, _ = bench.judge(files, read=True)
        assert not problems, junk[:20]


def structure_begin(subject: Subject, kind: str) -> int:
    return next(part.offset for part in structures_of(subject.path) if part.kind == kind)


def run(*arguments: object, under: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*under, sys.executable, "-m", "bootstrap", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("mode", ["--check-media", "--extract", "--list"])
def test_a_volume_that_is_not_there(tmp_path: Path, mode: str) -> None:
    subject = make_subject("volumes", tmp_path / "subject")
    gone = sorted(set(subject.files) - {subject.installer})[1]
    (subject.folder / gone).unlink()
    target = (tmp_path / "out",) if mode == "--extract" else ()
    done = run("--bundle", subject.path, mode, *target)
    if mode == "--list":
        assert done.returncode == 0
        return
    assert done.returncode == _DAMAGED
    assert f"volume 2 of 5 ({gone}) is missing" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["--check-media", "--extract"])
@pytest.mark.parametrize("kind", ["fast", "volumes"])
def test_a_sector_that_cannot_be_read(tmp_path: Path, mode: str, kind: str) -> None:
    require_debian("strace")
    subject = make_subject(kind, tmp_path / "subject")
    told = set()
    for call in (1, 2, 4, 8, 16, 32, 64):
        target = (tmp_path / "out",) if mode == "--extract" else ()
        paths = [part for name in subject.files for part in ("-P", str(subject.folder / name))]
        inject = f"inject=read:error=EIO:when={call}"
        under = ("strace", "-f", "-qq", "-o", str(tmp_path / "trace"), *paths, "-e", inject)
        done = run("--bundle", subject.path, mode, *target, under=under)
        if done.returncode == 0:
            # So many times nobody reads.
            break
        assert done.returncode == _DAMAGED, done.stderr
        assert "Input/output error" in done.stderr
        assert not list((tmp_path / "out").glob("wheelhouse/*"))
        told.add(done.stderr.partition(":")[2])
    # The wheels are read by threads, whose calls are counted apart.
    assert len(told) > (mode == "--check-media")


def test_a_payload_that_is_exchanged_after_the_check(tmp_path: Path) -> None:
    """Whoever has opened a bundle installs that one, or nothing."""
    for kind in ("store", "fast", "volumes"):
        subject = make_subject(kind, tmp_path / kind / "subject")
        stick = tmp_path / kind / "stick"
        for step in ("runtime", "wheels", "extract"):
            write(subject.files, stick)
            reader = BundleReader.open(stick / subject.installer)
            reader.require_volumes()
            reader.verify_rest()
            for entry in reader.index.entries:
                reader.verify_entry(entry, lambda _: None)
            write(subject.foreign, stick)
            target = tmp_path / kind / step
            generation = Generation.of(target, "1", reader.index)
            steps: dict[str, Callable[[], object]] = {
                "runtime": partial(unpack_runtime, reader, generation, lambda _: None),
                "wheels": partial(install_wheels, reader, generation, Earlier.none(), Listener()),
                "extract": partial(extract_wheelhouse, reader, target, Listener()),
            }
            with pytest.raises(DamagedBundleError):
                steps[step]()
            assert not list(target.rglob("*.whl"))


def shim(folder: Path, seconds: int) -> Path:
    """A library that sets the clock of whoever loads it forward, or back."""
    source, made = folder / "clock.c", folder / f"clock{seconds}.so"
    source.write_text(_SHIM)
    command = ["cc", "-shared", "-fPIC", f"-DSHIFT={seconds}L", str(source), "-o", str(made)]
    subprocess.run([*command, "-ldl"], check=True)
    return made


@pytest.mark.slow
def test_a_clock_that_is_wrong_stops_nothing(tmp_path: Path) -> None:
    require_root()
    require_debian("gcc", "libc6-dev")
    bundles = build_bundles(tmp_path / "bundles")
    place = Place(tmp_path / "place", bundles)
    case = place.case(UPGRADE)
    # Of 2026: more than fifty years back, and more than seventy forward.
    for years, said in ((-56, "19"), (73, "20")):
        place.restore(case)
        library = shim(tmp_path, years * 365 * 86_400)
        ended = place.run(UPGRADE.command, under=["env", f"LD_PRELOAD={library}"])
        assert ended.code == 0, ended.errors
        events = [json.loads(line) for line in ended.output.splitlines()]
        (warnings,) = [event["warnings"] for event in events if event["event"] == "plan"]
        assert any(f"The clock of this machine says {said}" in text for text in warnings), events
        assert not judge_ending(place, case, ended, frozenset({0}), clears=True)


def test_a_tree_hash_tells_names_modes_and_bytes_apart(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    seen = {tree_hash(tmp_path)}
    (tmp_path / "a").chmod(0o700)
    seen.add(tree_hash(tmp_path))
    (tmp_path / "a").write_bytes(b"y")
    seen.add(tree_hash(tmp_path))
    (tmp_path / "a").rename(tmp_path / "b")
    seen.add(tree_hash(tmp_path))
    assert len(seen) == 4
