"""Vets one wheel: everything that is wrong with it, told at once."""

import hashlib
import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bootstrap.bundle.members import MemberStream, SizeError
from bootstrap.bundle.policy import Allowance
from bootstrap.bundle.records import RecordRow, row_hash
from bootstrap.bundle.vetting.archive import Directory, Member, judge_members, read_directory
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.headers import judge_headers
from bootstrap.bundle.vetting.metadata import (
    Identity,
    find_dist_info,
    identify,
    judge_data,
    judge_metadata,
    judge_scripts,
    judge_wheel_file,
)
from bootstrap.bundle.vetting.names import judge_together
from bootstrap.bundle.vetting.places import landing, script_place
from bootstrap.bundle.vetting.record import is_strong, judge_record, read_rows
from bootstrap.bundle.vetting.startup import runs_at_start
from bootstrap.bundle.zips import zipfile

# How much is read: the directory and the metadata; every header as well; every byte.
Depth = Literal["directory", "headers", "contents"]

# Of RECORD, as large as a directory may be; of other metadata; of code that runs at start.
_LARGEST_RECORD = 64 << 20
_LARGEST_METADATA = 8 << 20
_LARGEST_STARTUP = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class VettedWheel:
    """What was found out about a wheel that breaks no rule, or only rules that it may break.

    Attributes:
        members: of the archive, in the directory's order.
        dist_info: name of its ``.dist-info`` folder.
        record_bytes: its RECORD.
        record: path to row.
        metadata: its METADATA.
        scripts: name of each script that is made from an entry point, to what it calls.
    """

    members: tuple[Member, ...]
    dist_info: str
    record_bytes: bytes
    record: Mapping[str, RecordRow]
    metadata: bytes
    scripts: Mapping[str, str]

    @property
    def record_path(self) -> str:
        """Of the RECORD, in the wheel."""
        return f"{self.dist_info}/RECORD"


def vet_wheel(
    file: io.BufferedIOBase,
    filename: str,
    *,
    depth: Depth,
    allowance: Allowance | None = None,
    remedy: str,
) -> VettedWheel:
    """Look a wheel over. Memory is bounded whatever it says.

    Args:
        file: the wheel; any stream that can be sought in.
        filename: its proper name.
        depth: how much of it is read.
        allowance: what it may do all the same.
        remedy: what to do about a bad one.

    Raises:
        VettingError: it breaks rules; all of them are told.
        OSError: the file cannot be read.
    """
    vetting = _Vetting(file, filename, allowance)
    vetted = vetting.look(depth)
    vetting.verdict.require_none(remedy)
    if vetted is None:
        raise AssertionError(f"{filename} was not understood, and nobody says why")
    return vetted


class _Vetting:
    """One wheel being looked at."""

    def __init__(self, file: io.BufferedIOBase, filename: str, allowance: Allowance | None) -> None:
        self.verdict = Verdict(filename, allowance)
        self._file = file
        self._filename = filename

    def look(self, depth: Depth) -> VettedWheel | None:
        verdict = self.verdict
        identity = identify(self._filename, verdict)
        directory = read_directory(self._file, verdict)
        if directory is None:
            return None
        judge_members(directory, verdict)
        if depth != "directory":
            judge_headers(self._file, directory, verdict)
        # What is said inside an archive that cannot be trusted is of no interest.
        sound = not verdict.findings
        files = {member.filename: member for member in directory.members if not member.is_dir()}
        vetted = self._look_inside(identity, files, directory) if identity else None
        if vetted and sound and depth == "contents":
            self._read_all(vetted)
        return vetted

    def _look_inside(
        self, identity: Identity, files: Mapping[str, Member], directory: Directory
    ) -> VettedWheel | None:
        verdict = self.verdict
        dist_info = find_dist_info(files, identity, verdict)
        if dist_info is None:
            self._judge_together(directory, {})
            return None
        judge_data(files, dist_info, verdict)
        metadata = self._required(files, f"{dist_info}/METADATA")
        if metadata is not None:
            judge_metadata(metadata, identity, f"{dist_info}/METADATA", verdict)
        wheel = self._required(files, f"{dist_info}/WHEEL")
        if wheel is not None:
            judge_wheel_file(wheel, f"{dist_info}/WHEEL", verdict)
        scripts = self._scripts(files, f"{dist_info}/entry_points.txt")
        self._judge_together(directory, scripts)
        for path in filter(runs_at_start, files):
            self._judge_startup(files[path])
        record = self._record(files, f"{dist_info}/RECORD")
        rows = None if record is None else read_rows(record, verdict)
        # One that is not there or not understood speaks of no file; that was told.
        if rows is not None:
            judge_record(rows, files, dist_info, verdict)
        return VettedWheel(
            members=directory.members,
            dist_info=dist_info,
            record_bytes=record or b"",
            record=rows or {},
            metadata=metadata or b"",
            scripts=scripts,
        )

    def _judge_together(self, directory: Directory, scripts: Mapping[str, str]) -> None:
        files = [
            (landing(member.filename), member.filename)
            for member in directory.members
            if not member.is_dir()
        ]
        made = [(script_place(name), f"entry point {name}") for name in scripts]
        folders = {
            landing(member.filename).removesuffix("/")
            for member in directory.members
            if member.is_dir()
        }
        judge_together([*files, *made], folders, self.verdict)

    def _scripts(self, files: Mapping[str, Member], path: str) -> Mapping[str, str]:
        if path not in files:
            return {}
        data = self._read(files[path], _LARGEST_METADATA)
        return {} if data is None else judge_scripts(data, path, self.verdict)

    def _required(self, files: Mapping[str, Member], path: str) -> bytes | None:
        if path not in files:
            self.verdict.add("metadata-missing", path)
            return None
        return self._read(files[path], _LARGEST_METADATA)

    def _record(self, files: Mapping[str, Member], path: str) -> bytes | None:
        if path not in files:
            self.verdict.add("record-missing", path)
            return None
        return self._read(files[path], _LARGEST_RECORD)

    def _judge_startup(self, member: Member) -> None:
        data = self._read(member, _LARGEST_STARTUP)
        if data is None:
            return
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.verdict.allows_member(member.filename, sha256):
            self.verdict.add("startup-code", member.filename, f"SHA-256 {sha256}")

    def _read(self, member: Member, most: int) -> bytes | None:
        """A small member, or None, of which something is told."""
        if member.file_size > most:
            self.verdict.add(
                "metadata-unreadable", member.filename, f"it has {member.file_size:,} bytes"
            )
            return None
        try:
            stream = MemberStream(self._file, member)
            return b"".join(iter(stream.read, b""))
        except zipfile.BadZipFile as error:
            self._tell(member, error)
            return None

    def _tell(self, member: Member, error: zipfile.BadZipFile) -> None:
        rule = "size-forged" if isinstance(error, SizeError) else "content-damaged"
        self.verdict.add(rule, member.filename, str(error))

    def _read_all(self, vetted: VettedWheel) -> None:
        for member in sorted(vetted.members, key=lambda member: member.header_offset):
            if not member.is_dir():
                row = vetted.record.get(member.filename)
                self._read_through(member, row.hash if row else "")

    def _read_through(self, member: Member, record_hash: str) -> None:
        algorithm = record_hash.partition("=")[0] if is_strong(record_hash) else ""
        digest, crc = hashlib.new(algorithm) if algorithm else None, 0
        try:
            stream = MemberStream(self._file, member)
            while chunk := stream.read():
                crc = zlib.crc32(chunk, crc)
                if digest:
                    digest.update(chunk)
        except zipfile.BadZipFile as error:
            self._tell(member, error)
            return
        if stream.left_over:
            self.verdict.add("trailing-data", member.filename)
        if crc != member.CRC:
            self.verdict.add("crc-wrong", member.filename)
        if digest and row_hash(digest) != record_hash:
            self.verdict.add("record-hash", member.filename)
