"""Unpacks the tar archive of a runtime; nothing in it can reach out of its folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from bootstrap.bundle.value import Target
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.tree import TreeVetting
from bootstrap.bundle.zips import tarfile

_REMEDY = "Do not use this runtime; tell whoever made it."
# Of a member's names and the like, all of which is held in memory: far more than paths have.
_LARGEST_HEADER = 64 << 10
_HEADERS = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)


class BoundedMember(tarfile.TarInfo):
    """A member that takes no more memory than it should; for ``tarinfo`` of ``tarfile.open``.

    What a header announces is read before anybody outside of ``tarfile`` sees the member.

    Raises:
        VettingError: by the archive that is opened, or gone through.
    """

    # The method that tarfile.py names as the one to be overridden.
    def _proc_member(self, archive: tarfile.TarFile) -> object:
        if self.type in _HEADERS and self.size > _LARGEST_HEADER:
            self._refuse("tar-header", f"{self.size:,} bytes")
        if self.type == tarfile.GNUTYPE_SPARSE:
            self._refuse("tar-type", "a sparse file")
        return super()._proc_member(archive)  # type: ignore[misc]

    def _proc_gnusparse_10(self, *_: object) -> NoReturn:
        # The other form of it, whose map is as long as it says.
        self._refuse("tar-type", "a sparse file")

    def _refuse(self, rule: str, detail: str) -> NoReturn:
        verdict = Verdict("The archive of the runtime")
        verdict.add(rule, self.name, detail)
        verdict.require_none(_REMEDY)
        raise AssertionError(rule)


def unpack_tar(archive: tarfile.TarFile, folder: Path, *, name: str, target: Target) -> None:
    """Unpack every member into an existing folder, in one pass from first to last.

    Args:
        archive: opened for reading, of :class:`BoundedMember`; a stream perhaps.
        folder: where to.
        name: of the archive, for messages.
        target: what it is for; on Windows, names equal but for case are one file.

    Raises:
        VettingError: a member breaks a rule; it was not unpacked, nor what comes after it.
        tarfile.TarError: it is no tar archive.
        OSError: something cannot be written.
    """
    # PEP 706.
    archive.extraction_filter = tarfile.data_filter
    archive.extractall(folder, members=_vetted(archive, TreeVetting(target), Verdict(name)))


def _vetted(
    archive: tarfile.TarFile, vetting: TreeVetting, verdict: Verdict
) -> Iterator[tarfile.TarInfo]:
    # A stream is read once, so what comes behind a bad member is not known when it is refused.
    for member in archive:
        vetting.judge(member, verdict)
        verdict.require_none(_REMEDY)
        yield member
