"""Measures what recipes of ``--compression`` make of the wheels of a lock.

The table of docs/adr/0010-compression.md comes from this; a recipe is a level, and with a
colon behind it the logarithm of the window that distances are searched in::

    python benchmarks/levels.py --cuda cu124 --cache CACHE --work NEW_FOLDER 3 9 9:25 9:27 12:26
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, process_time

from bootstrap.bundle.zips import zipfile, zstd
from builder.fetch import Cache
from builder.lock.files import wanted_files
from builder.lock.model import Lock, load_lock, lock_path
from builder.manifest import DEFAULT_PATH, load_manifest
from builder.progress import Bar
from builder.targets import TARGETS
from builder.transcode import Recipe, Transcoder

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one recipe has made of all wheels.

    Attributes:
        ratio: bytes made by bytes of the originals.
        seconds: of transcoding, wall clock; unpacking and hashing the originals included.
        cpu_seconds: likewise, of all cores.
        reading_seconds: of reading every member of the result, wall clock.
    """

    recipe: Recipe
    ratio: float
    seconds: float
    cpu_seconds: float
    reading_seconds: float


def parse_recipe(text: str) -> Recipe:
    """``9`` or ``9:25``."""
    level, _, window = text.partition(":")
    return Recipe(name=text, level=int(level), window_log=int(window) if window else None)


def measure(recipe: Recipe, lock: Lock, files: dict[str, Path], work: Path) -> Row:
    """Transcode all wheels into ``work``, read them back, and remove them."""
    # What earlier recipes wrote must not slow this one down.
    os.sync()
    begun, cpu_begun = monotonic(), process_time()
    with Transcoder(Cache(work), recipe, Bar()) as transcoder:
        for wheel in lock.wheels:
            transcoder.add(files[wheel.sha256], wheel.filename, wheel.sha256)
        made = [stored.path for stored in transcoder.results().values()]
    seconds, cpu_seconds = monotonic() - begun, process_time() - cpu_begun
    before = sum(files[wheel.sha256].stat().st_size for wheel in lock.wheels)
    after = sum(path.stat().st_size for path in made)
    begun = monotonic()
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        list(pool.map(_read, sorted(made, key=lambda path: -path.stat().st_size)))
    reading_seconds = monotonic() - begun
    shutil.rmtree(work)
    return Row(
        recipe=recipe,
        ratio=after / before,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        reading_seconds=reading_seconds,
    )


def _read(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            with archive.open(info) as member:
                while member.read(_CHUNK):
                    pass


def markdown(rows: Sequence[Row]) -> str:
    """A table with a row for each recipe."""
    lines = [
        f"{os.cpu_count()} cores, Zstandard {zstd.zstd_version}",
        "",
        "| level | window, MiB | ratio | seconds | CPU seconds | reading, seconds |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        log = row.recipe.window_log
        window = "the level's" if log is None else str((1 << log) >> 20)
        lines.append(
            f"| {row.recipe.level} | {window} | {row.ratio:.4f} | {row.seconds:.0f} "
            f"| {row.cpu_seconds:.0f} | {row.reading_seconds:.0f} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure the recipes one after the other, and print the table."""
    parser = argparse.ArgumentParser(description="Measures recipes of --compression.")
    parser.add_argument("--cuda", metavar="V", default="cu124", help="variant (default: cu124)")
    parser.add_argument("--target", choices=list(TARGETS), default="linux_x86_64")
    parser.add_argument(
        "--cache", metavar="DIR", type=Path, required=True, help="with all wheels of the lock"
    )
    parser.add_argument(
        "--work", metavar="DIR", type=Path, required=True, help="a new folder, which goes again"
    )
    parser.add_argument("recipes", metavar="LEVEL[:LOG]", type=parse_recipe, nargs="+")
    options = parser.parse_args()
    lock = load_lock(lock_path(DEFAULT_PATH, options.cuda, options.target))
    files = Cache(options.cache).at_hand(wanted_files(lock, load_manifest(DEFAULT_PATH)))
    options.work.mkdir()
    rows = [measure(recipe, lock, files, options.work) for recipe in options.recipes]
    print(markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
