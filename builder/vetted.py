"""Which wheels were read through before: their contents need not be compared in every build.

::

    vetted/<edition of the rules>/<SHA-256 of the wheel>      empty

All the rest of vetting, which needs no content, is done every time.
"""

import hashlib
from contextlib import suppress

import msgspec

from bootstrap.bundle.policy import Allowance
from builder.fetch import Cache

# To be raised when a rule about contents changes.
_EDITION = 1


class VettedContents:
    """What is remembered in a cache.

    Args:
        cache: whose wheels these are.
    """

    def __init__(self, cache: Cache) -> None:
        self._folder = cache.root / "vetted" / str(_EDITION)

    def knows(self, sha256: str, allowance: Allowance | None) -> bool:
        """Whether this wheel, with this allowance, was found to be as it should."""
        return (self._folder / _name(sha256, allowance)).exists()

    def note(self, sha256: str, allowance: Allowance | None) -> None:
        """It was. Where that cannot be noted, it is read again next time."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / _name(sha256, allowance)).touch()


def _name(sha256: str, allowance: Allowance | None) -> str:
    if allowance is None:
        return sha256
    allowed = hashlib.sha256(msgspec.json.encode(allowance, order="deterministic"))
    return f"{sha256}-{allowed.hexdigest()[:16]}"
