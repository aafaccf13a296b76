"""What whoever installs has asked for."""

from dataclasses import dataclass
from typing import Literal

# What becomes of the environment that was live: it goes when the new one is live; it is kept to go
# back to; it goes, with what was kept, before the new one is built; or it goes, and what was kept
# before stays.
Old = Literal["remove", "keep", "discard", "repair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options that decide what is done.

    Attributes:
        allow_no_gpu: install a CUDA bundle although no GPU can use it.
        keep_extras: bring along what somebody has added to what is live.
        allow_downgrade: install a lower version than the live one.
        watch_torch: let the environment's Python look at torch whenever it starts.
    """

    allow_no_gpu: bool = False
    allow_downgrade: bool = False
    keep_extras: bool = False
    old: Old = "remove"
    watch_torch: bool = False
