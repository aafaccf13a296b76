"""The installer's reader with its eyes shut: it believes whatever bytes there are.

By this the campaigns show that they would find it, if ever a comparison were missing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from bootstrap.bundle import layout, wheel
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.volumes import VolumeSet


class _Anything(str):
    """A hash that no other differs from."""

    __slots__ = ()

    def __eq__(self, _: object) -> bool:
        return True

    def __ne__(self, _: object) -> bool:
        return False

    __hash__ = str.__hash__


def _believe(*_: object) -> None:
    return None


@contextmanager
def careless() -> Iterator[None]:
    """Within the context nothing is compared with a hash, but for the runtime."""
    with (
        patch.object(layout, "sha256_hex", lambda _: _Anything()),
        patch.object(wheel, "row_hash", lambda _: _Anything()),
        patch.object(BundleReader, "verify_rest", _believe),
        patch.object(BundleReader, "verify_entry", _believe),
        patch.object(VolumeSet, "_complain", _believe),
    ):
        yield
