"""Wheels to be transcoded, and a look at what became of them."""

import random
import stat
import zipfile
from pathlib import Path

from bootstrap.bundle import zips
from builder.progress import Bar
from builder.transcode import RECIPES, Recipe
from builder.transcode.memory import MemoryBudget
from builder.transcode.wheel import Transcoding, transcode
from tests.support.small_stack import make_wheel

_CHANCE = random.Random(1)  # noqa: S311
# Half of it comes again after five megabytes, too far for the level's own window.
_FAR = _CHANCE.randbytes(5_000_000)
FILES = {
    "demo/__init__.py": b"",
    "demo/tiny.txt": b"x",
    "demo/text.py": b"print('the same again and again')\n" * 3_000,
    "demo/noise.bin": _CHANCE.randbytes(50_000),
    "demo/middle.bin": bytes(range(256)) * 8_000,
    "demo/far.bin": _FAR + _FAR,
    "demo-1.0.data/scripts/demo": b"#!python\nprint(1)\n",
}


def varied_wheel(folder: Path) -> Path:
    """``demo`` 1.0, with members of every kind that is treated differently; 5 MB."""
    return make_wheel(folder, "demo", "1.0", FILES)


def add_folder(wheel: Path) -> None:
    """Give a wheel a member that is a folder, as some tools write them."""
    info = zipfile.ZipInfo("demo/folder/", (2020, 2, 2, 2, 2, 2))
    info.external_attr = (stat.S_IFDIR | 0o755) << 16 | 0x10
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(info, b"")


def transcoded(wheel: Path, target: Path, recipe: Recipe = RECIPES["fast"]) -> Path:
    """Transcode one wheel, by nothing but the function for that; returns ``target``."""
    by = Transcoding(
        recipe=recipe,
        memory=MemoryBudget(1 << 30),
        advance=Bar().advance,
        stopped=lambda: False,
    )
    transcode(wheel, wheel.name, target, by)
    return target


def members(path: Path) -> list[tuple[str, bytes, int, int]]:
    """Name, content, mode and system of each member, in order."""
    with zips.zipfile.ZipFile(path) as archive:
        return [
            (info.filename, archive.read(info), info.external_attr, info.create_system)
            for info in archive.infolist()
        ]


def methods(path: Path) -> dict[str, int]:
    """How each member is compressed."""
    with zips.zipfile.ZipFile(path) as archive:
        return {info.filename: info.compress_type for info in archive.infolist()}
