"""What the command line says of signing, checked before anything long begins."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bootstrap.bundle.keys import PublicKey, parse_public_keys
from builder.errors import UsageError
from builder.signing.keys import Signer, load_signer


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningTerms:
    """Who signs, and whom the installers trust.

    Attributes:
        signer: None leaves bundles unsigned.
        trusted: keys that go into the installer's program; with none, it takes any bundle.
    """

    signer: Signer | None = None
    trusted: tuple[PublicKey, ...] = ()


def read_terms(sign: Path | None, trust: Iterable[Path], *, required: bool) -> SigningTerms:
    """Read the keys and see that they fit together.

    Args:
        sign: the private key's file.
        trust: files of public keys.
        required: whether there must be a signature.

    Raises:
        UsageError: a key is of no use, one is missing, or the installer would refuse itself.
    """
    if required and sign is None:
        raise UsageError(
            "A signature is required, and there is no key to sign with.",
            remedy="Add --sign KEY, or leave --require-signature out.",
        )
    trusted = read_trusted(trust)
    if trusted and sign is None:
        raise UsageError(
            "An installer that trusts keys refuses bundles that are not signed, its own as well.",
            remedy="Add --sign KEY, or leave --trust out.",
        )
    signer = load_signer(sign) if sign else None
    if signer and trusted and signer.key not in trusted:
        raise UsageError(
            f"The installer would refuse itself: it is signed by {signer.key}, and trusts only "
            f"{', '.join(map(str, trusted))}.",
            remedy=f"Add {sign}.pub to --trust, or sign with one of these keys.",
        )
    return SigningTerms(signer=signer, trusted=trusted)


def read_trusted(paths: Iterable[Path]) -> tuple[PublicKey, ...]:
    """The keys in these files: each once, in an order that does not depend on theirs.

    Raises:
        UsageError: a file cannot be read, or holds something else.
    """
    found = dict[PublicKey, PublicKey]()
    for path in paths:
        for key in _read_public(path):
            found.setdefault(key, key)
    return tuple(sorted(found, key=lambda key: key.value))


def _read_public(path: Path) -> tuple[PublicKey, ...]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(
            f"The public key {path} cannot be read: {error.strerror}.",
            remedy="Give the .pub file that python -m builder keygen has made.",
        ) from error
    keys = parse_public_keys(text, str(path))
    if not keys:
        raise UsageError(
            f"{path} holds no public key.",
            remedy="Give the .pub file that python -m builder keygen has made.",
        )
    return keys
