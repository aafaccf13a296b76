"""Signatures by Ed25519 keys, in the way of OpenSSH's ``ssh-keygen -Y``. No I/O.

What is signed names its purpose, the namespace, so that a signature under one kind of document
is none under another.

Source: OpenSSH's PROTOCOL.sshsig.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from bootstrap.bundle.keys import KEY_SIZE, PublicKey, ssh_string

INDEX_NAMESPACE = "bundle@llmsetup"
SIGNATURE_SIZE = KEY_SIZE + 64
MAGIC = b"SSHSIG"
HASH_NAME = b"sha512"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who has signed something, and the signature.

    Attributes:
        key: says to have made it.
        value: 64 bytes.
    """

    key: PublicKey
    value: bytes

    @classmethod
    def unpack(cls, data: bytes) -> Self | None:
        """From :data:`SIGNATURE_SIZE` bytes; None if all are zero, which is no signature."""
        if not any(data):
            return None
        return cls(key=PublicKey(value=data[:KEY_SIZE]), value=data[KEY_SIZE:])

    def pack(self) -> bytes:
        """:data:`SIGNATURE_SIZE` bytes."""
        return self.key.value + self.value

    def fits(self, message: bytes, namespace: str) -> bool:
        """Whether the holder of the key has signed this message for this purpose."""
        # Takes a tenth of the time that this program needs to start, and not every bundle asks.
        from nacl.exceptions import CryptoError  # noqa: PLC0415
        from nacl.signing import VerifyKey  # noqa: PLC0415

        try:
            VerifyKey(self.key.value).verify(signed_data(message, namespace), self.value)
        except (CryptoError, ValueError):
            return False
        return True


# Gets an index as stored, and its signature; raises what speaks against believing it.
Judge = Callable[[bytes, Signature | None], None]


def signed_data(message: bytes, namespace: str) -> bytes:
    """The bytes that Ed25519 signs."""
    parts = (namespace.encode(), b"", HASH_NAME, hashlib.sha512(message).digest())
    return MAGIC + b"".join(map(ssh_string, parts))


def objection(
    index_bytes: bytes, signature: Signature | None, trusted: Iterable[PublicKey]
) -> str | None:
    """Why an index must not be trusted, as the end of a sentence; None if it may.

    Args:
        index_bytes: as stored, not decoded yet.
        signature: what the bundle carries.
        trusted: keys of whom it may be, one of them suffices.
    """
    known = {key: key for key in trusted}
    if signature is None:
        return f"is not signed; {_trusted(known)}"
    signer = known.get(signature.key, signature.key)
    if not signature.fits(index_bytes, INDEX_NAMESPACE):
        return (
            f"carries a signature that says to be by {signer} and does not fit its index: one of "
            f"them was altered; {_trusted(known)}"
        )
    if signature.key not in known:
        return f"is signed by {signer}, whom nobody here trusts; {_trusted(known)}"
    return None


def _trusted(keys: Iterable[PublicKey]) -> str:
    return f"trusted is {' or '.join(map(str, keys))}"
