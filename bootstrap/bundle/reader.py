"""Opens a bundle and reads its members in place. The only code that reads one."""

from __future__ import annotations

import hashlib
import io
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Self

from bootstrap.bundle import layout
from bootstrap.bundle.errors import DamagedBundleError, NoSpaceError
from bootstrap.bundle.frame import COPY_AGAIN, Frame, read_frame
from bootstrap.bundle.model import Entry, Index, decode_index
from bootstrap.bundle.sections import SectionFile, Stretch, hash_stretches
from bootstrap.bundle.sevenzip import ListingError, read_names
from bootstrap.bundle.signature import INDEX_NAMESPACE, Judge
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.index import INDEX_NAME, judge_index, judge_listing
from bootstrap.bundle.volumes import VolumeSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CHUNK = 1 << 20
_DISTRUST = "Do not use this bundle; tell whoever made it."


class BundleReader:
    """An opened bundle whose index is intact and can be true.

    Neither the members nor the volumes are read by opening; :meth:`require_volumes` looks at
    the volumes, :meth:`verify_entry` reads a member.

    Attributes:
        path: the installer; volumes lie beside it.
        index: its table of contents.
        index_bytes: the index as stored.
        signature: over these bytes; None if nobody has signed them.
        payload_offset: where the members' offsets count from: bytes from the start of the
            file that the payload begins in, the installer or its first volume.
        volumes: the files of the payload; none if it lies in the installer.
    """

    def __init__(self, path: Path, frame: Frame, index_bytes: bytes) -> None:
        self.path = path
        self.index: Index = decode_index(index_bytes)
        self.index_bytes = index_bytes
        self.signature = frame.trailer.signature
        self.volumes = VolumeSet(path, self.index.volumes)
        self.payload_offset = 0 if self.index.volumes else frame.trailer.payload_offset
        self._frame = frame
        self._judge()

    @classmethod
    def open(cls, path: Path, judge: Judge | None = None) -> Self:
        """Find and check the index.

        Args:
            path: of the installer.
            judge: says whether an index as stored, by its signature, may be decoded at all.

        Raises:
            DamagedBundleError: no index is found, or it is not what was written.
            ReportedError: what ``judge`` raises.
            VettingError: it is what was written, and cannot be true.
        """
        try:
            with path.open("rb") as file:
                frame = read_frame(file, path)
                file.seek(frame.trailer.index_offset)
                index_bytes = file.read(frame.trailer.index_size)
        except OSError as error:
            raise DamagedBundleError(
                f"{path} cannot be read: {error.strerror}.", remedy=COPY_AGAIN
            ) from error
        if layout.sha256_hex(index_bytes) != frame.trailer.index_sha256:
            raise DamagedBundleError(
                f"{path}: the index (bundle.json, offset {frame.trailer.index_offset}) is damaged.",
                remedy=COPY_AGAIN,
            )
        if judge:
            judge(index_bytes, frame.trailer.signature)
        return cls(path, frame, index_bytes)

    def _judge(self) -> None:
        """Nothing is opened or written by an index that cannot be true."""
        trailer, verdict = self._frame.trailer, Verdict(self.path.name)
        inside = not self.index.volumes
        index_place = (trailer.index_offset - trailer.payload_offset, trailer.index_size)
        judge_index(
            self.index,
            verdict,
            payload_size=self.volumes.size or trailer.payload_size,
            index_place=index_place if inside else None,
        )
        verdict.require_none(_DISTRUST)
        names = [entry.name for entry in self.index.entries] if inside else []
        archive = Stretch(path=self.path, offset=trailer.payload_offset, size=trailer.payload_size)
        self._judge_listing([archive], [*names, INDEX_NAME], verdict)
        if verdict.findings:
            # What only went bad on the way is not to be called hostile.
            self.verify_rest()
            verdict.require_none(_DISTRUST)

    def _judge_listing(
        self, stretches: list[Stretch], entries: list[str], verdict: Verdict
    ) -> None:
        try:
            with SectionFile(stretches) as file:
                names = read_names(file)
        except ListingError as error:
            verdict.add("index-unlisted", detail=f"7-Zip's table of it is not ours: {error}")
        except OSError as error:
            raise DamagedBundleError(
                f"{self.path} cannot be read: {error.strerror}.", remedy=COPY_AGAIN
            ) from error
        else:
            judge_listing(names, entries, verdict)

    def require_volumes(self) -> None:
        """Check quickly that all volumes are there, are this installer's own, and list no more.

        Raises:
            DamagedBundleError: names all that are not.
            VettingError: they hold something that the index does not list.
        """
        self.volumes.require_present()
        if not self.index.volumes:
            return
        verdict = Verdict(self.index.volumes[0].name)
        stretches = self.volumes.stretches(0, self.volumes.size)
        self._judge_listing(stretches, [entry.name for entry in self.index.entries], verdict)
        if verdict.findings:
            # Its first bytes say where the table is, which lies at the end.
            places = sorted({0, len(self.index.volumes) - 1})
            self.volumes.require_intact(places, progress=lambda _: None)
            verdict.require_none(_DISTRUST)

    def open_entry(self, entry: Entry) -> SectionFile:
        """The stored bytes of one member, unchecked, as a file."""
        if self.index.volumes:
            return SectionFile(self.volumes.stretches(entry.offset, entry.size))
        offset = self.payload_offset + entry.offset
        return SectionFile([Stretch(path=self.path, offset=offset, size=entry.size)])

    def read_entry(self, entry: Entry) -> bytes:
        """A small member, checked.

        Raises:
            DamagedBundleError: its bytes are not what the index says.
        """
        data = io.BytesIO()
        self.copy_entry(entry, data, lambda _: None)
        return data.getvalue()

    def verify_entry(self, entry: Entry, progress: Callable[[int], None]) -> None:
        """Read one member whole and compare its hash; ``progress`` gets byte counts.

        Raises:
            DamagedBundleError: names the member and its place.
        """
        self._stream(entry, lambda chunk: progress(len(chunk)))

    def verify_volumes(self, begin: Callable[[str], None], progress: Callable[[int], None]) -> None:
        """Read every volume whole, which is every byte of the payload.

        Args:
            begin: hears the name of each before it is read.
            progress: hears byte counts.

        Raises:
            DamagedBundleError: names all that are not what the index says.
        """
        places = range(len(self.index.volumes))
        self.volumes.require_intact(places, begin=begin, progress=progress)

    def program(self) -> bytes:
        """The installer's own program without the payload: it starts, and finds none.

        Without a signature, too, which would not hold for less than the whole.
        """
        frame = self._frame
        with self.path.open("rb") as file:
            before = bytearray(file.read(frame.trailer.payload_offset))
            file.seek(frame.pkg_begin)
            pkg = file.read(frame.pkg_end - frame.pkg_begin)
        for offset, size in frame.header_places:
            before[offset : offset + size] = bytes(size)
        return bytes(before) + pkg

    def rest(self) -> list[tuple[int, int]]:
        """Offset and size of what is in the installer besides members, index and trailer.

        That is the program and 7-Zip's headers, but not what signing changes.
        """
        members = () if self.index.volumes else self.index.entries
        return self._frame.rest([(self.payload_offset + e.offset, e.size) for e in members])

    def verify_rest(self) -> None:
        """Check what :meth:`rest` lists, and that program and signature are the index's own.

        Whose the signature is does not matter here.

        Raises:
            DamagedBundleError: it is not what was written.
        """
        what = "is damaged"
        try:
            intact = self._hash(self.rest()) == self._frame.trailer.rest_sha256
            if intact and self._hash(self._frame.program()) != self.index.program_sha256:
                what, intact = "is another than the index says", False
        except OSError as error:
            what, intact = f"cannot be read ({error.strerror})", False
        if not intact:
            raise DamagedBundleError(
                f"{self.path.name}: the program around the payload {what}.", remedy=COPY_AGAIN
            )
        if self.signature and not self.signature.fits(self.index_bytes, INDEX_NAMESPACE):
            raise DamagedBundleError(
                f"{self.path.name}: the signature of {self.signature.key} does not fit.",
                remedy=COPY_AGAIN,
            )

    def _hash(self, places: list[tuple[int, int]]) -> str:
        return hash_stretches([Stretch(path=self.path, offset=at, size=n) for at, n in places])

    def copy_entry(self, entry: Entry, file: BinaryIO, progress: Callable[[int], None]) -> None:
        """Write one member to ``file``, checked in the same pass.

        Raises:
            DamagedBundleError: what was written must not be used.
        """

        def take(chunk: bytes) -> None:
            file.write(chunk)
            progress(len(chunk))

        self._stream(entry, take)

    def _stream(
        self,
        entry: Entry,
        take: Callable[[bytes], None],
        meanwhile: Callable[[object], None] = lambda _: None,
    ) -> None:
        """Read and check one member; ``meanwhile`` is called while volumes are looked through."""
        try:
            self._read(entry, take)
        except DamagedBundleError:
            self._blame_volumes(entry, meanwhile)
            raise

    def _read(self, entry: Entry, take: Callable[[bytes], None]) -> None:
        digest = hashlib.sha256()
        with self.open_entry(entry) as file:
            while chunk := self._read_chunk(file, entry):
                digest.update(chunk)
                take(chunk)
        if digest.hexdigest() != entry.sha256:
            raise self.damage(entry)

    def _read_chunk(self, file: SectionFile, entry: Entry) -> bytes:
        try:
            return file.read(_CHUNK) or b""
        except OSError as error:
            raise self.damage(entry, because=error.strerror) from error

    def _blame_volumes(self, entry: Entry, progress: Callable[[object], None]) -> None:
        """Say which of the volumes that a damaged member lies in must be copied again."""
        places = self.volumes.holding(entry.offset, entry.size)
        because = f"; {entry.name} lies there"
        self.volumes.require_intact(places, progress=progress, because=because)

    @contextmanager
    def blaming(
        self, entry: Entry, *, unless: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Whatever goes wrong while a member is used: if it is damaged, that is why.

        What parsers and disks say of damaged bytes may be anything; the hash tells.

        Args:
            entry: the member.
            unless: whether nobody cares any more, since there is another reason; asked again
                while files are read, which may take a while.

        Raises:
            DamagedBundleError: instead of what was raised in the body, if the member's
                bytes are not what the index says; it names the volume, where there are any.
        """

        def stop(_: object) -> None:
            if unless():
                raise _EnoughError

        try:
            yield
        except NoSpaceError:
            raise
        except DamagedBundleError:
            with suppress(_EnoughError):
                self._blame_volumes(entry, stop)
            raise
        except Exception:
            with suppress(_EnoughError):
                self._stream(entry, stop, stop)
            raise

    def damage(self, entry: Entry, because: str | None = None) -> DamagedBundleError:
        """The error for this member of this bundle."""
        if self.index.volumes:
            where = self.volumes.describe(self.volumes.holding(entry.offset, entry.size))
        else:
            where = f"at offset {self.payload_offset + entry.offset}"
        what = f"cannot be read ({because})" if because else "is damaged"
        return DamagedBundleError(
            f"{self.path.name}: {entry.name} ({where}, {entry.size:,} bytes) {what}.",
            remedy=COPY_AGAIN,
        )


class _EnoughError(Exception):
    """The answer is not needed any more."""
