"""Unpacks the tar archive of a runtime; nothing in it can reach out of its folder."""

from collections.abc import Iterator
from pathlib import Path

from bootstrap.bundle.value import Target
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.tree import TreeVetting
from bootstrap.bundle.zips import tarfile

_REMEDY = "Do not use this runtime; tell whoever made it."


def unpack_tar(archive: tarfile.TarFile, folder: Path, *, name: str, target: Target) -> None:
    """Unpack every member into an existing folder, in one pass from first to last.

    Args:
        archive: opened for reading, a stream perhaps.
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
