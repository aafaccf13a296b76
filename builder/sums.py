"""``SHA256SUMS``: what lies in an output folder, and who says so.

::

    dist/SHA256SUMS          of every bundle and every file beside it
    dist/SHA256SUMS.sig      by ssh-keygen's rules, where the last build was signed
    dist/allowed_signers     whose signature it is, for ssh-keygen -Y verify

A signature says that its holder has built all that the file names. So a signed file carries on
what it has signed before, and drops the rest; and where an unsigned build adds a line, the
signature goes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.disk import replace_file
from builder.progress import Progress
from builder.signing import Signer, armor, read_armored

SUMS_NAME = "SHA256SUMS"
SIGNATURE_NAME = f"{SUMS_NAME}.sig"
SIGNERS_NAME = "allowed_signers"
# What ssh-keygen's manual names for files.
FILE_NAMESPACE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class SumsSigner:
    """Who signs the sums.

    Attributes:
        identity: what ``ssh-keygen -I`` calls the signer; one word.
    """

    signer: Signer
    identity: str


def stated_sum(path: Path) -> str | None:
    """What ``SHA256SUMS`` beside a file says of it; None when nothing."""
    return _parse(_read(path.parent / SUMS_NAME)).get(path.name)


def write_sums(
    output: Path, sums: Mapping[str, str], by: SumsSigner | None, progress: Progress
) -> None:
    """Add these sums to those of files that are still there, and sign the whole or unsign it.

    Args:
        output: the folder.
        sums: SHA-256 of new files, by their paths in it.
        by: who signs; None if nobody does.
        progress: hears what becomes of earlier lines and signatures.

    Raises:
        OSError: a file cannot be written; then no signature is there.
    """
    earlier = _read(output / SUMS_NAME)
    kept = {name: sha for name, sha in _parse(earlier).items() if (output / name).is_file()}
    if by and not _has_signed(by.signer, output, earlier):
        if others := sorted(kept.keys() - sums.keys()):
            progress.warn(
                f"{SUMS_NAME} does not name {len(others)} files of earlier builds any more, such "
                f"as {others[0]}: this key has not signed their sums. Build them again with --sign."
            )
        kept = {}
    merged = kept | dict(sums)
    text = "".join(f"{merged[name]}  {name}\n" for name in sorted(merged)).encode()
    signature = output / SIGNATURE_NAME
    if signature.exists() and not by:
        progress.warn(
            f"{signature} is removed: this build is not signed, and {SUMS_NAME} names it, too."
        )
    # At no instant is there a signature that is not that of the file.
    signature.unlink(missing_ok=True)
    replace_file(output / SUMS_NAME, text)
    if by:
        signers = f'{by.identity} namespaces="{FILE_NAMESPACE}" {by.signer.key.line}\n'
        replace_file(output / SIGNERS_NAME, signers.encode())
        replace_file(signature, armor(by.signer.sign(text, FILE_NAMESPACE), FILE_NAMESPACE))


def _has_signed(signer: Signer, output: Path, sums: bytes) -> bool:
    signature = read_armored(_read(output / SIGNATURE_NAME), FILE_NAMESPACE)
    return (
        signature is not None
        and signature.key == signer.key
        and signature.fits(sums, FILE_NAMESPACE)
    )


def _read(path: Path) -> bytes:
    """The content; none where there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _parse(sums: bytes) -> dict[str, str]:
    """File name to SHA-256."""
    rows = (line.partition("  ") for line in sums.decode(errors="replace").splitlines())
    return {name: digest for digest, _, name in rows}
