"""Runs the real fetcher against a script, and judges what came of it."""

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.errors import ExitCode, ReportedError
from builder.fetch import Cache, Patience, WantedFile, fetch, hash_file
from builder.progress import Progress
from tests.hostile.network.script import CONTENT, NAME, SECRET, SHA256, Left, Script
from tests.hostile.network.scripts import all_scripts
from tests.hostile.network.server import Play, Stage, open_stage

QUICK = Patience(
    reaching=2, waiting=2, waiting_seconds=0, connect_seconds=5, backoff=0.001, silent_seconds=10
)
IMPATIENT = Patience(
    reaching=0,
    waiting=1,
    waiting_seconds=0,
    connect_seconds=2,
    backoff=0.001,
    silent_seconds=0.3,
    answer_seconds=0.5,
    least_speed=100_000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What became of all scripts.

    Attributes:
        scripts: how many were run.
        by_row: of them, how many for each row of the fault matrix; 0 is none of these.
        by_exit: how many ended with each exit code.
        failures: what was not as it must be, each with the script's name.
    """

    scripts: int
    by_row: dict[int, int]
    by_exit: dict[int, int]
    failures: tuple[str, ...]


def run_scripts(folder: Path, scripts: Sequence[Script] | None = None) -> Figures:
    """Run scripts, all of them by default, each with a cache of its own below ``folder``."""
    chosen = all_scripts() if scripts is None else scripts
    exits, failures = Counter[int](), list[str]()
    with ready_stage(folder) as stage:
        for script in chosen:
            code, wrong = run_script(script, stage, folder)
            exits[code] += 1
            failures += [f"{script.name}: {text}" for text in wrong]
    return Figures(
        scripts=len(chosen),
        by_row=dict(sorted(Counter(script.row for script in chosen).items())),
        by_exit=dict(sorted(exits.items())),
        failures=tuple(failures),
    )


@contextmanager
def ready_stage(folder: Path) -> Iterator[Stage]:
    """All servers, and an environment in which the fetcher trusts and finds them."""
    with open_stage(folder) as stage:
        settings = {
            "PIP_CERT": str(folder / "ca.pem"),
            "PIP_INDEX_URL": stage.addresses["@MAIN@"],
            "NO_PROXY": "*",
            "NETRC": os.devnull,
        }
        # requests would prefer these to pip's certificates.
        others = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        before = {name: os.environ.pop(name, None) for name in (*settings, *others)}
        os.environ.update(settings)
        try:
            yield stage
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def run_script(script: Script, stage: Stage, folder: Path) -> tuple[int, list[str]]:
    """The exit code, and what is not as it must be."""
    place = folder / "place"
    cache = Cache(place / "cache")
    canary = place / "demo" / NAME
    canary.parent.mkdir(parents=True)
    canary.write_text("untouched")
    _leave_beginning(script, cache)
    with stage.playing(script) as play:
        error = _fetch(script, stage, play, cache)
    code = error.exit_code if error else ExitCode.DONE
    wrong = [
        *_judge_end(script, code, error),
        *_judge_cache(script, code, cache),
        *_judge_outside(place, canary),
        *_judge_secrets(play, error, place),
    ]
    shutil.rmtree(place)
    return int(code), wrong


def _leave_beginning(script: Script, cache: Cache) -> None:
    if script.beginning:
        part = cache.root / "partial" / SHA256
        part.parent.mkdir(parents=True)
        part.write_bytes(script.beginning)
        part.with_suffix(".etag").write_text(script.etag)


def _fetch(script: Script, stage: Stage, play: Play, cache: Cache) -> ReportedError | None:
    os.environ["PIP_INDEX_URL"] = stage.fill(script.pip_index, play)
    wanted = WantedFile(
        project="demo",
        filename=NAME,
        sha256=SHA256,
        size=len(CONTENT) if script.size_locked else None,
        index=stage.fill(script.index, play) if script.index else None,
        url=stage.fill(script.url, play) if script.url else None,
    )
    patience = IMPATIENT if script.impatient else QUICK
    try:
        fetch([wanted], cache, offline=False, jobs=2, progress=Progress(), patience=patience)
    except ReportedError as error:
        return error
    return None


def _judge_end(script: Script, code: int, error: ReportedError | None) -> Iterable[str]:
    message = error.message if error else ""
    if code != script.exit:
        yield f"exit code {code} instead of {script.exit}: {message}"
    if script.says not in message:
        yield f"does not say {script.says!r}: {message}"
    if error and not (error.remedy and any(host in message for host in ("127.0.0.", "localhost"))):
        yield f"names no host or no remedy: {message} {error.remedy}"
    if not message.replace("\n", "").isprintable():
        yield f"moves the cursor: {message!r}"


def _judge_cache(script: Script, code: int, cache: Cache) -> Iterable[str]:
    files = [path for path in cache.root.rglob("*") if path.is_file()]
    for path in files:
        kind = path.relative_to(cache.root).parts[0]
        if path.name.partition(".")[0] != SHA256 or kind not in ("files", "partial", "origins"):
            yield f"{path} is there"
    final = cache.root / "files" / SHA256
    if final.exists() != (code == 0):
        yield "the file is there although it was refused, or the other way round"
    if final.exists() and hash_file(final) != SHA256:
        yield "the file is another one"
    part = cache.root / "partial" / SHA256
    size = part.stat().st_size if part.exists() else 0
    if code == 0 and part.exists():
        yield "a part is left of what is whole"
    if size > len(CONTENT) and script.size_locked:
        yield f"{size} bytes were taken where {len(CONTENT)} are locked"
    if script.left is Left.NOTHING and size:
        yield f"{size} bytes are left"
    if script.left is Left.PART and not size:
        yield "the beginning is not kept"


def _judge_outside(place: Path, canary: Path) -> Iterable[str]:
    there = {path for path in place.rglob("*") if not path.is_relative_to(place / "cache")}
    if there != {canary, canary.parent}:
        yield f"outside the cache there is {there}"
    elif canary.read_text() != "untouched":
        yield "the canary is dead"


def _judge_secrets(play: Play, error: ReportedError | None, place: Path) -> Iterable[str]:
    for asked in play.asked:
        if asked.headers.get("accept-encoding") != "identity":
            yield f"{asked.path} was asked for with compression"
        if "authorization" in asked.headers and asked.server == "@OTHER@":
            yield f"the login was carried to {asked.server}"
        if "cookie" in asked.headers:
            yield "a cookie was kept"
    if error and SECRET in f"{error.message} {error.remedy}":
        yield "a password is told"
    for path in place.rglob("*"):
        if path.is_file() and SECRET.encode() in path.read_bytes():
            yield f"a password is in {path}"
