"""Looks at finished installers: ``inspect`` and ``verify``."""

import json
from argparse import Namespace
from pathlib import Path

from bootstrap.bundle.evidence import describe_evidence
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.signature import INDEX_NAMESPACE, Judge, Signature, objection
from builder.console import Console
from builder.errors import DamagedBundleError, ExitCode, NotTrustedError, UsageError
from builder.pack.proof import prove
from builder.police import Concessions
from builder.report import wheels_line
from builder.signing import read_trusted
from builder.sums import SUMS_NAME, stated_sum


def inspect(options: Namespace, console: Console) -> ExitCode:
    """Show the index of a finished installer."""
    reader = BundleReader.open(_existing(options.file))
    text = reader.index_bytes.decode().rstrip()
    console.note(wheels_line(reader.index))
    index = reader.index
    for remark in Concessions(waived=index.waived, excluded=index.excluded).remarks():
        console.note(remark)
    console.note(f"evidence: {describe_evidence(reader.index.evidence)}")
    console.note(_signed(reader))
    console.result(
        text,
        index=json.loads(text),
        ratio=round(reader.index.ratio, 4),
        signed_by=_signer_of(reader),
    )
    return ExitCode.DONE


def verify(options: Namespace, console: Console) -> ExitCode:
    """Check every byte of a finished installer, and its sum in SHA256SUMS beside it."""
    judge = _trusting(options.file, options.trust)
    reader = BundleReader.open(_existing(options.file), judge)
    index, sha256 = prove(options.file, console, judge)
    sums = {options.file: sha256}
    sums |= {options.file.with_name(volume.name): volume.sha256 for volume in index.volumes}
    for path, actual in sums.items():
        stated = stated_sum(path)
        if stated and stated != actual:
            raise DamagedBundleError(
                f"{path} is intact in itself, but has SHA-256 {actual}, and "
                f"{SUMS_NAME} beside it says {stated}.",
                remedy="Copy both again from their source.",
            )
    rest = f" It is what {SUMS_NAME} says." if stated_sum(options.file) else ""
    split = f" in {len(index.volumes)} volumes" if index.volumes else ""
    console.result(
        f"{options.file} is intact: {len(index.entries)} members{split} and the program. "
        f"{_signed(reader)}{rest}",
        sha256=sha256,
        signed_by=_signer_of(reader),
        trusted=bool(options.trust),
    )
    return ExitCode.DONE


def _trusting(file: Path, trust: list[Path]) -> Judge | None:
    """Refuses what none of these keys has signed; None where there are none."""
    keys = read_trusted(trust)

    def judge(index_bytes: bytes, signature: Signature | None) -> None:
        if why := objection(index_bytes, signature, keys):
            raise NotTrustedError(f"{file} {why}.", remedy="Do not use it, and ask its maker.")

    return judge if keys else None


def _signer_of(reader: BundleReader) -> str | None:
    """The fingerprint of whoever has signed the index; None if nobody has."""
    signature = reader.signature
    if signature is None or not signature.fits(reader.index_bytes, INDEX_NAMESPACE):
        return None
    return signature.key.fingerprint


def _signed(reader: BundleReader) -> str:
    if signer := _signer_of(reader):
        return f"It is signed by {signer}."
    return "Its signature does not fit." if reader.signature else "It is not signed."


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", remedy="Give the path of an installer.")
    return path
