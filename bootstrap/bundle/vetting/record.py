"""That RECORD speaks of every file, once, truly, and by a hash of use."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping

from bootstrap.bundle.records import RecordRow, parse_rows
from bootstrap.bundle.vetting.archive import Member
from bootstrap.bundle.vetting.findings import Verdict

# Of at least the strength of SHA-256, by the format; weaker ones would end the chain.
_STRONG = frozenset({"sha256", "sha384", "sha512"})
_OUTSIDE = re.compile(r"[/\\]|[A-Za-z]:|(?:.*[/\\])?\.\.(?:[/\\]|$)", re.DOTALL)
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")


def read_rows(data: bytes, verdict: Verdict) -> dict[str, RecordRow] | None:
    """Path to row; None where it cannot be understood."""
    rows = dict[str, RecordRow]()
    try:
        for path, row in parse_rows(data):
            if path in rows:
                verdict.add("record-duplicate", path)
            rows[path] = row
    except ValueError as error:
        verdict.add("record-unreadable", detail=str(error))
        return None
    return rows


def judge_record(
    rows: Mapping[str, RecordRow], files: Mapping[str, Member], dist_info: str, verdict: Verdict
) -> None:
    """Compare the rows with the directory; contents are compared while they are read.

    Args:
        rows: of the RECORD.
        files: members that are files, by name.
        dist_info: name of the folder that the RECORD lies in.
        verdict: takes what is found.
    """
    record = f"{dist_info}/RECORD"
    signatures = {f"{dist_info}/{name}" for name in _SIGNATURES}
    for path in sorted(signatures & files.keys()):
        verdict.add("record-signature", path)
    for path in sorted(files.keys() - rows.keys() - signatures):
        verdict.add("record-unlisted", path)
    for path, row in rows.items():
        if _OUTSIDE.match(path):
            verdict.add("record-absolute", path)
        elif path not in files:
            verdict.add("record-phantom", path)
        elif path == record:
            if row.hash:
                verdict.add("record-hash", path, "it cannot hold its own")
        elif path not in signatures:
            _judge_row(path, row, files[path], verdict)


def _judge_row(path: str, row: RecordRow, member: Member, verdict: Verdict) -> None:
    algorithm, _, value = row.hash.partition("=")
    if not row.hash:
        verdict.add("record-no-hash", path)
    elif not is_strong(row.hash):
        verdict.add("record-weak-hash", path, algorithm)
    elif not _is_digest(algorithm, value):
        verdict.add("record-hash", path, f"{value!r} is no {algorithm}")
    if row.size is not None and row.size != member.file_size:
        verdict.add("record-size", path, f"{row.size:,}, and it has {member.file_size:,} bytes")


def is_strong(record_hash: str) -> bool:
    """Whether a hash, ``algorithm=value``, is one that files are to be compared with."""
    return record_hash.partition("=")[0] in _STRONG


def _is_digest(algorithm: str, value: str) -> bool:
    """Whether it is URL-safe base64 of the right length, in the one spelling without padding."""
    try:
        data = base64.b64decode(value + "=" * (-len(value) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    exact = base64.urlsafe_b64encode(data).decode().rstrip("=") == value
    return exact and len(data) == hashlib.new(algorithm).digest_size
