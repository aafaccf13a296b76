"""Whose bundles this program installs: the keys that were frozen into it, and nothing else's.

Neither the payload nor the command line nor the environment can name keys. A program that was
frozen without keys takes any bundle that is intact.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from bootstrap.bundle.frame import COPY_AGAIN
from bootstrap.bundle.keys import TRUSTED_KEYS, PublicKey, parse_public_keys
from bootstrap.bundle.signature import Judge, Signature, objection
from bootstrap.errors import DamagedBundleError, NotTrustedError, UsageError


def judge_of(path: Path) -> Judge | None:
    """What the bundle at ``path`` must satisfy before anything of its index is believed.

    Returns:
        None where this program was frozen without keys, or is not frozen.

    Raises:
        DamagedBundleError: the program's own list of keys is missing or cannot be read.
    """
    keys = _frozen_keys()
    return trusting(keys, path) if keys else None


def trusting(keys: Sequence[PublicKey], path: Path) -> Judge:
    """Trust these keys, and no others; ``path`` is for messages.

    The judge raises :class:`NotTrustedError`, exit code 11, where a bundle is not signed, was
    altered, or is signed by somebody else.
    """

    def judge(index_bytes: bytes, signature: Signature | None) -> None:
        if why := objection(index_bytes, signature, keys):
            raise NotTrustedError(
                f"{path.name} {why}.",
                remedy="Do not use it. Get the installer from its maker again, and ask there "
                "which key signs it.",
            )

    return judge


def _frozen_keys() -> tuple[PublicKey, ...]:
    """What the builder's --trust has put into the frozen program."""
    if not getattr(sys, "frozen", False):
        return ()
    # Each frozen program has the file, be it empty: without it, something was taken away.
    path = Path(__file__).with_name(Path(TRUSTED_KEYS).name)
    try:
        return parse_public_keys(path.read_text(encoding="utf-8"), TRUSTED_KEYS)
    except (OSError, UnicodeDecodeError, UsageError) as error:
        raise DamagedBundleError(
            f"The keys that this installer trusts cannot be read: {error}", remedy=COPY_AGAIN
        ) from error
