"""Unpacks the tar archive of a runtime; nothing in it can reach out of its folder."""

from collections.abc import Iterator
from pathlib import Path

from bootstrap.bundle.zips import tarfile


def unpack_tar(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpack every member into an existing folder, in one pass from first to last.

    Args:
        archive: opened for reading, a stream perhaps.
        folder: where to.

    Raises:
        tarfile.TarError: a member is neither file, folder nor link, or leads out.
        OSError: something cannot be written.
    """
    # PEP 706.
    archive.extraction_filter = tarfile.data_filter
    archive.extractall(folder, members=_harmless(archive))


def _harmless(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for member in archive:
        if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
            raise tarfile.TarError(f"{member.name!r} is neither file, folder nor link")
        # A hard link names a member, a symbolic link something beside itself.
        base = Path(member.name).parent if member.issym() else Path()
        places = [Path(member.name), base / member.linkname]
        if ".." in places[0].parts or any(_leaves(place) for place in places):
            raise tarfile.TarError(f"{member.name!r} leads out of the archive")
        yield member


def _leaves(path: Path) -> bool:
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return path.is_absolute()
