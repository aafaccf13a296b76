"""What the values of the format have in common."""

from typing import Annotated, Literal

import msgspec

Target = Literal["linux_x86_64", "win_amd64"]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Immutable, strict when decoded; type checkers want ``frozen`` said again."""
