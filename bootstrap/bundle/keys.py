"""Public keys (Ed25519) as lines of OpenSSH: text to values and back. No I/O.

Source: RFC 4253, section 6.6; RFC 8709, section 4; the fingerprint is that of ``ssh-keygen -l``.
"""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass, field

from bootstrap.bundle.errors import UsageError

KEY_KIND = b"ssh-ed25519"
KEY_SIZE = 32
# Where the installer program carries the keys that it trusts, one a line; maybe none.
TRUSTED_KEYS = "bootstrap/trusted_keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """One key; two are the same whatever their comments say.

    Attributes:
        value: :data:`KEY_SIZE` bytes.
        comment: whose it is, for people; may be empty.
    """

    value: bytes
    comment: str = field(default="", compare=False)

    @property
    def blob(self) -> bytes:
        """As OpenSSH has it on the wire."""
        return ssh_string(KEY_KIND) + ssh_string(self.value)

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` prints it: ``SHA256:…``."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest())
        return f"SHA256:{digest.decode().rstrip('=')}"

    @property
    def line(self) -> str:
        """As it stands in a ``.pub`` file, without line feed."""
        return " ".join(filter(None, (self.authorized, self.comment)))

    @property
    def authorized(self) -> str:
        """The line without its comment."""
        return f"{KEY_KIND.decode()} {base64.b64encode(self.blob).decode()}"

    def __str__(self) -> str:
        return f"{self.fingerprint} ({self.comment})" if self.comment else self.fingerprint


def ssh_string(data: bytes) -> bytes:
    """``data`` behind its length (RFC 4251, section 5)."""
    return struct.pack(">I", len(data)) + data


def parse_public_keys(text: str, source: str) -> tuple[PublicKey, ...]:
    """The keys in a ``.pub`` file, or in several of them, one behind the other.

    Args:
        text: a key in each line; empty lines and those that begin with ``#`` say nothing.
        source: what to call it in messages.

    Raises:
        UsageError: a line is no Ed25519 key.
    """
    lines = [line.strip() for line in text.splitlines()]
    return tuple(_parse(line, source) for line in lines if line and not line.startswith("#"))


def _parse(line: str, source: str) -> PublicKey:
    kind, _, rest = line.partition(" ")
    encoded, _, comment = rest.strip().partition(" ")
    if kind != KEY_KIND.decode():
        raise _unfit(source, f"holds {kind[:40]!r} where {KEY_KIND.decode()} should be")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unfit(source, f"is cut off or damaged ({error})") from error
    key = PublicKey(value=blob[-KEY_SIZE:], comment=comment.strip())
    if key.blob != blob:
        raise _unfit(source, "is cut off or damaged")
    return key


def _unfit(source: str, why: str) -> UsageError:
    return UsageError(
        f"{source} is no public key of use: it {why}.",
        remedy="Give the .pub file of an Ed25519 key, as python -m builder keygen and "
        "ssh-keygen -t ed25519 make it.",
    )
