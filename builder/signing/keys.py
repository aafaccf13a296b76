"""The maker's private key: a file in OpenSSH's format, with or without a password."""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bootstrap.bundle.keys import PublicKey, parse_public_keys
from bootstrap.bundle.signature import Signature, signed_data
from builder.disk import storing
from builder.errors import UsageError

PASSWORD_VARIABLE = "LLMSETUP_SIGNING_PASSWORD"  # noqa: S105 (its name, not the password)
# A private key has some hundred bytes; whatever is larger is something else.
_LARGEST = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Somebody who signs.

    Attributes:
        key: what others check the signatures with.
    """

    key: PublicKey
    _private: Ed25519PrivateKey = field(repr=False, compare=False)

    def sign(self, message: bytes, namespace: str) -> Signature:
        """Sign a message for a purpose; the same message always gets the same signature."""
        return Signature(key=self.key, value=self._private.sign(signed_data(message, namespace)))


def public_path(path: Path) -> Path:
    """Where the public key to a private one lies."""
    return path.with_name(f"{path.name}.pub")


def make_key(path: Path) -> PublicKey:
    """Write a new private key, readable by its owner only, and ``PATH.pub`` beside it.

    Args:
        path: a free name; it is the key's comment as well. The password is taken from the
            environment (:data:`PASSWORD_VARIABLE`); without one, the file is not encrypted.

    Raises:
        UsageError: one of the files is there already.
        NotWritableError: they cannot be written.
        NoSpaceError: the disk is full.
    """
    password = _password()
    protection: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    private = Ed25519PrivateKey.generate()
    data = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, protection
    )
    key = PublicKey(value=private.public_key().public_bytes_raw(), comment=path.name)
    public = public_path(path)
    for file in (path, public):
        # A link that leads nowhere is in the way, too.
        if os.path.lexists(file):
            raise UsageError(
                f"{file} is there already; a key that is in use must not be lost.",
                remedy="Choose another name, or move the old key away.",
            )
    with storing(path.parent, option="FILE"):
        _write_new(path, data, 0o600)
        try:
            _write_new(public, f"{key.line}\n".encode(), 0o644)
        except BaseException:
            path.unlink()
            raise
    return key


def _write_new(path: Path, data: bytes, mode: int) -> None:
    # Never, not even for a moment, readable by others; nor anything that was there overwritten.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink()
        raise


def load_signer(path: Path) -> Signer:
    """Read a private key; its password is taken from the environment.

    Raises:
        UsageError: there is no such file, others may read it, it is no Ed25519 key in OpenSSH's
            format, or the password does not fit.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_LARGEST)
    except OSError as error:
        raise UsageError(
            f"The key {path} cannot be read: {error.strerror}.",
            remedy="Give the private key that python -m builder keygen has made.",
        ) from error
    # Windows keeps the rights elsewhere, and gives a new file to its owner's folder.
    if sys.platform != "win32" and mode & 0o077:
        raise UsageError(
            f"The key {path} can be read by others than its owner (mode {mode & 0o777:04o}).",
            remedy=f"Make it private with chmod 600 {path}; if others may have read it, make a "
            "new key and trust that one.",
        )
    private = _decode(data, path)
    key = PublicKey(value=private.public_key().public_bytes_raw())
    return Signer(key=_with_comment(key, public_path(path)), _private=private)


def _decode(data: bytes, path: Path) -> Ed25519PrivateKey:
    password = _password()
    try:
        private = serialization.load_ssh_private_key(data, password)
    except TypeError as error:
        raise _wrong_password(path, given=password is not None) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if password and b"OPENSSH PRIVATE KEY" in data:
            raise UsageError(
                f"The password in {PASSWORD_VARIABLE} does not open the key {path}, or the file "
                f"is damaged ({error}).",
                remedy="Give the password that the key was made with.",
            ) from error
        raise UsageError(
            f"{path} is no private key in OpenSSH's format, or not all of one: {error}.",
            remedy="Give the private key that python -m builder keygen has made.",
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        kind = type(private).__name__.removesuffix("PrivateKey").strip("_")
        raise UsageError(
            f"The key {path} is of the kind {kind}; installers check Ed25519 signatures only.",
            remedy="Make one with: python -m builder keygen FILE.",
        )
    return private


def _wrong_password(path: Path, *, given: bool) -> UsageError:
    if given:
        return UsageError(
            f"{PASSWORD_VARIABLE} holds a password, and the key {path} has none.",
            remedy=f"Protect it with ssh-keygen -p -f {path}, or leave the variable out.",
        )
    return UsageError(
        f"The key {path} is protected by a password.",
        remedy=f"Put it into the environment variable {PASSWORD_VARIABLE}.",
    )


def _password() -> bytes | None:
    return os.environ.get(PASSWORD_VARIABLE, "").encode() or None


def _with_comment(key: PublicKey, public: Path) -> PublicKey:
    """The key as its public file calls it, if there is one."""
    with suppress(OSError, UsageError):
        text = public.read_text(encoding="utf-8", errors="replace")
        for known in parse_public_keys(text, str(public)):
            if known == key:
                return known
    return key
