"""Signatures as files, for ``ssh-keygen -Y verify``.

Source: OpenSSH's PROTOCOL.sshsig.
"""

import base64
import binascii
import struct
import textwrap

from bootstrap.bundle.keys import KEY_KIND, KEY_SIZE, PublicKey, ssh_string
from bootstrap.bundle.signature import HASH_NAME, MAGIC, Signature

_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_VERSION = struct.pack(">I", 1)
_SIZE = 64
_COLUMNS = 70


def armor(signature: Signature, namespace: str) -> bytes:
    """The content of a ``.sig`` file."""
    value = ssh_string(KEY_KIND) + ssh_string(signature.value)
    parts = (signature.key.blob, namespace.encode(), b"", HASH_NAME, value)
    blob = MAGIC + _VERSION + b"".join(map(ssh_string, parts))
    lines = textwrap.wrap(base64.b64encode(blob).decode(), _COLUMNS)
    return "\n".join([_BEGIN, *lines, _END, ""]).encode()


def read_armored(data: bytes, namespace: str) -> Signature | None:
    """The signature that :func:`armor` wrote for this namespace; None if it is another's."""
    lines = data.decode(errors="replace").split()
    try:
        blob = base64.b64decode("".join(lines[3:-3]), validate=True)
    except (binascii.Error, ValueError):
        return None
    place = blob.find(ssh_string(KEY_KIND)) + len(ssh_string(KEY_KIND)) + 4
    key = PublicKey(value=blob[place : place + KEY_SIZE])
    signature = Signature(key=key, value=blob[-_SIZE:])
    return signature if armor(signature, namespace) == data else None
