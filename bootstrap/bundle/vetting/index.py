"""Whether an index can be true: judged before anything that it names is opened or written.

The builder asks the same of a manifest and a lock, long before there is an index.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import msgspec
from packaging.utils import canonicalize_name

from bootstrap.bundle import layout
from bootstrap.bundle.evidence import is_evidence
from bootstrap.bundle.model import Entry, Index, Volume
from bootstrap.bundle.policy import Allowance
from bootstrap.bundle.versions import read_version
from bootstrap.bundle.vetting.archive import LARGEST_WHEEL, grows_too_much
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.metadata import identify
from bootstrap.bundle.vetting.names import fold, judge_name
from bootstrap.bundle.vetting.rules import RULES
from bootstrap.bundle.vetting.values import judge_values, judge_versions

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PROBE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_MOST_FILES = 1 << 24
_LONGEST_IN_PATH = 100
# Seconds, a day; no system waits for much more than twenty.
_LONGEST_WAIT = 24 * 60 * 60
_DOCUMENTS, _WHEELS = "docs/", "wheels/"
_RUNTIME = "runtime/python.tar.zst"
INDEX_NAME = "bundle.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A wheel as a lock or an index lists it; ``size`` in bytes, if stated."""

    name: str
    version: str
    filename: str
    sha256: str
    size: int | None


def judge_listed(wheels: Iterable[Listed], verdict: Verdict) -> None:
    """Each distribution once, in one file, which is named after it."""
    names, files = dict[str, str](), dict[str, str]()
    for wheel in wheels:
        name, file = canonicalize_name(wheel.name), fold(wheel.filename)
        if name in names or file in files:
            other = names.get(name) or files[file]
            verdict.add("index-duplicate", wheel.filename, f"{wheel.name} is there as {other}, too")
        names.setdefault(name, wheel.filename)
        files.setdefault(file, wheel.filename)
        identity = identify(wheel.filename, verdict)
        if identity and (
            (identity.name, identity.version) != (name, read_version(wheel.version))
            or wheel.name != name
        ):
            verdict.add("index-wheel-name", wheel.filename, f"{wheel.name} {wheel.version}")
        _judge_hash(wheel.sha256, wheel.filename, verdict)
        _judge_number(wheel.size or 0, f"the size of {wheel.filename}", verdict, LARGEST_WHEEL)


def judge_parts_of_paths(in_paths: Mapping[str, str], verdict: Verdict) -> None:
    """Texts that become part of a path lead nowhere else.

    Args:
        in_paths: what it is to its text.
        verdict: takes what is found.
    """
    for what, text in in_paths.items():
        if not text or "/" in text or len(text) > _LONGEST_IN_PATH:
            verdict.add("index-text", what, repr(text))
        for rule, _ in judge_name(text):
            verdict.add("index-text", what, f"{text!r} ({rule})")


def judge_allowances(allowances: Iterable[Allowance], verdict: Verdict) -> None:
    """Only what may be allowed is, and each wheel in one place."""
    seen = set[tuple[str, str]]()
    for allowance in allowances:
        for rule in allowance.rules:
            if rule not in RULES:
                verdict.add("index-allowance", allowance.filename, f"there is no rule {rule!r}")
            elif not RULES[rule].allowable or rule == "startup-code":
                verdict.add("index-allowance", allowance.filename, f"{rule} cannot be allowed")
        if not allowance.rules and not allowance.members:
            verdict.add("index-allowance", allowance.filename, "it allows nothing")
        if (allowance.filename, allowance.sha256) in seen:
            verdict.add("index-allowance", allowance.filename, "it is there twice")
        seen.add((allowance.filename, allowance.sha256))


def judge_index(
    index: Index, verdict: Verdict, *, payload_size: int, index_place: tuple[int, int] | None
) -> None:
    """Everything about an index that can be told without opening what it lists.

    Args:
        index: what somebody has decoded.
        verdict: takes what is found.
        payload_size: bytes of the payload, all volumes joined.
        index_place: offset and size of the index itself in the payload; None if it lies elsewhere.
    """
    judge_values(msgspec.to_builtins(index), "", verdict)
    judge_versions(index, verdict)
    judge_parts_of_paths(
        {
            "product": index.product,
            "version": index.version,
            "variant": index.variant,
            "bundle_id": index.bundle_id,
        },
        verdict,
    )
    judge_listed(
        [
            Listed(
                name=w.name, version=w.version, filename=w.filename, sha256=w.sha256, size=w.size
            )
            for w in index.wheels
        ],
        verdict,
    )
    judge_allowances(index.allowances, verdict)
    _judge_names(index, verdict)
    _judge_programs(index, verdict)
    _judge_places(index.entries, verdict, payload_size, index_place)
    _judge_numbers(index, verdict)
    _judge_volumes(index.volumes, verdict)


def _judge_names(index: Index, verdict: Verdict) -> None:
    seen = dict[str, str]()
    for entry in index.entries:
        key = fold(entry.name)
        if key in seen:
            verdict.add("index-duplicate", entry.name, f"and {seen[key]}")
        seen.setdefault(key, entry.name)
    for wheel in index.wheels:
        if wheel.entry.name != f"{_WHEELS}{wheel.filename}":
            verdict.add("index-entry-name", wheel.entry.name, f"not {_WHEELS}{wheel.filename}")
    if index.runtime.entry.name != _RUNTIME:
        verdict.add("index-entry-name", index.runtime.entry.name, f"not {_RUNTIME}")
    for document in index.documents:
        name = document.name.removeprefix(_DOCUMENTS)
        broken = [rule for rule, _ in judge_name(name)]
        if not document.name.startswith(_DOCUMENTS) or not name or "/" in name or broken:
            verdict.add("index-document", document.name, " ".join(broken))
    folders = {fold(piece.name.rpartition("/")[0]) for piece in index.evidence}
    for piece in index.evidence:
        if not is_evidence(piece.name) or fold(piece.name) in folders:
            verdict.add("index-evidence", piece.name)


def _judge_programs(index: Index, verdict: Verdict) -> None:
    """What will be started lies where it should."""
    for rule, detail in judge_name(index.runtime.executable):
        verdict.add("index-text", "runtime.executable", f"{rule} {detail}")
    for check in index.checks:
        if not _PROBE.fullmatch(check.probe):
            verdict.add("index-text", "checks.probe", repr(check.probe))
        _judge_number(check.timeout, f"the time for {check.id}", verdict, _LONGEST_WAIT)


def _judge_places(
    entries: Iterable[Entry],
    verdict: Verdict,
    payload_size: int,
    index_place: tuple[int, int] | None,
) -> None:
    places = [(entry.offset, entry.size, entry.name) for entry in entries]
    if index_place:
        places.append((*index_place, INDEX_NAME))
    start = layout.SIGNATURE_HEADER_SIZE
    for offset, size, name in places:
        if size < 0 or offset < start or offset + size > payload_size:
            verdict.add("index-outside", name, f"{name} lies outside the payload")
    for (offset, size, name), (following, _, other) in pairwise(sorted([(start, 0, ""), *places])):
        if offset + size > following:
            verdict.add("index-overlap", other, f"and {name}")
        elif offset + size < following:
            verdict.add("index-unlisted", other, f"{following - offset - size:,} bytes before it")


def _judge_numbers(index: Index, verdict: Verdict) -> None:
    _judge_hash(index.program_sha256, "program_sha256", verdict)
    for entry in index.entries:
        _judge_hash(entry.sha256, entry.name, verdict)
    for wheel in index.wheels:
        _judge_hash(wheel.record_sha256, wheel.filename, verdict)
        _judge_hash(wheel.directory.sha256, wheel.filename, verdict)
        if wheel.is_original and wheel.size != wheel.entry.size:
            verdict.add("index-numbers", wheel.filename, "the original is stored in another size")
        _judge_number(wheel.file_count, f"the files of {wheel.filename}", verdict, _MOST_FILES)
        if wheel.installed_size < 0 or grows_too_much(wheel.size, wheel.installed_size):
            what = f"{wheel.installed_size:,} bytes out of {wheel.size:,}"
            verdict.add("index-numbers", wheel.filename, what)
    runtime = index.runtime
    _judge_number(runtime.installed_size, "the size of the runtime", verdict, LARGEST_WHEEL)
    _judge_number(runtime.file_count, "the files of the runtime", verdict, _MOST_FILES)
    for longest in (index.longest_path, index.longest_import):
        if longest.length != len(longest.path):
            verdict.add("index-numbers", longest.path, f"has not {longest.length:,} characters")


def _judge_hash(text: str, member: str, verdict: Verdict) -> None:
    if not _SHA256.fullmatch(text):
        verdict.add("index-hash", member, repr(text))


def _judge_number(number: int, what: str, verdict: Verdict, most: int) -> None:
    if not 0 <= number <= most:
        verdict.add("index-numbers", detail=f"{what} is {number:,}")


def _judge_volumes(volumes: tuple[Volume, ...], verdict: Verdict) -> None:
    stem = volumes[0].name.rpartition(".")[0] if volumes else ""
    for number, volume in enumerate(volumes, start=1):
        if volume.name != f"{stem}.{number:03d}" or any(judge_name(volume.name)):
            verdict.add("index-volumes", volume.name, f"volume {number} of {len(volumes)}")
        _judge_hash(volume.sha256, volume.name, verdict)
        _judge_hash(volume.head_sha256, volume.name, verdict)


def judge_listing(names: Iterable[str], entries: Iterable[str], verdict: Verdict) -> None:
    """What 7-Zip would show is what the index lists.

    Args:
        names: of the archive's own table.
        entries: of the index.
        verdict: takes what is found.
    """
    expected, seen = set(entries), set[str]()
    for name in names:
        if name not in expected:
            verdict.add("index-unlisted", name, "it is in the archive and not in the index")
        elif name in seen:
            verdict.add("index-duplicate", name, "the archive has it twice")
        seen.add(name)
