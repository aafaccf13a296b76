"""How members are compressed, as values. Why these: docs/adr/0010-compression.md."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from bootstrap.bundle.zips import zstd

# To be raised when the same recipe, by this code, gives other bytes than before.
_EDITION = 1
# Shorter members have no distances that the level's own window does not cover well.
_LONG = 8 << 20
# The largest window of levels up to 15, and what their tables take per byte of it, measured.
_LEVEL_WINDOW = 4 << 20
_TABLES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One choice of ``--compression``.

    Attributes:
        name: what it is called there.
        level: of Zstandard, 1 to 15.
        window_log: for members over 8 MiB, repetitions are searched for in the last
            ``2 ** window_log`` bytes, which whoever reads the member keeps in memory; None
            leaves that to the level.
    """

    name: str
    level: int
    window_log: int | None

    @property
    def identity(self) -> str:
        """Names what the recipe makes of a wheel: whatever changes a byte of it is in here."""
        all_of_it = f"{self!r} {_EDITION} {zstd.zstd_version}"
        return f"{self.name}-{hashlib.sha256(all_of_it.encode()).hexdigest()[:16]}"

    def options(self, size: int) -> Mapping[int, int]:
        """Zstandard's parameters for a member of ``size`` bytes."""
        known = zstd.CompressionParameter
        options = {int(known.compression_level): self.level}
        if self.window_log is not None and size > _LONG:
            options |= {known.enable_long_distance_matching: 1, known.window_log: self.window_log}
        return options

    def memory(self, size: int) -> int:
        """Bytes that compressing a member of ``size`` bytes takes, at most."""
        window = _LEVEL_WINDOW
        if self.window_log is not None and size > _LONG:
            window = 1 << self.window_log
        return min(size, window) + _TABLES * min(size, _LEVEL_WINDOW)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(name="fast", level=9, window_log=25),
        Recipe(name="small", level=12, window_log=26),
    )
}
