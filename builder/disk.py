"""Room on the disks that a build writes to: asked for beforehand, and explained when it ends."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bootstrap.bundle.units import human_size
from builder.errors import NoSpaceError, NotWritableError, ReportedError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO),
    # A file where a folder should be, or the other way round.
    *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR),
    # Below /proc nothing can be made; some names are too long.
    *(errno.ENOENT, errno.ENAMETOOLONG),
)


def require_room(folder: Path, need: int, *, option: str) -> None:
    """Check that ``need`` more bytes fit on the disk of ``folder``, which may not exist yet.

    Args:
        folder: where they will be written.
        need: bytes.
        option: the one that chooses another folder, for the remedy.

    Raises:
        NoSpaceError: they do not fit.
    """
    if need > _free(folder):
        raise _full(folder, need, option)


@contextmanager
def storing(folder: Path, *, option: str, need: int | None = None) -> Iterator[None]:
    """Turn what goes wrong with writing below ``folder`` into errors for people.

    Args:
        folder: where the body of the context writes.
        option: the one that chooses another folder, for the remedy.
        need: bytes that it wants to write; None where that is not known.

    Raises:
        NoSpaceError: the disk is full, or a limit is reached.
        NotWritableError: the folder is read-only, not ours, or broken.
    """
    try:
        yield
    except shutil.Error as error:
        # It collects what went wrong with many files, as texts.
        if os.strerror(errno.ENOSPC) in str(error):
            raise _full(folder, need, option) from error
        raise
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise _too_large(folder, option) from error
        if error.errno in _FULL:
            raise _full(folder, need, option) from error
        if error.errno in _CLOSED:
            raise _closed(Path(error.filename or folder), error, option) from error
        # Anything else is no property of the disk but a mistake of ours.
        raise


def replace_file(path: Path, data: bytes) -> None:
    """Write a small file so that at any instant the old one or the new one is there."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _full(folder: Path, need: int | None, option: str) -> NoSpaceError:
    wanted = f"{human_size(need)} are needed" if need else "that is not enough"
    return NoSpaceError(
        f"{folder} has {human_size(_free(folder))} free; {wanted}.",
        remedy=f"Free some space, or choose another folder with {option}.",
    )


def _too_large(folder: Path, option: str) -> NoSpaceError:
    return NoSpaceError(
        f"A file became larger than {folder} allows: FAT32 disks hold files below 4 GiB, and "
        "ulimit -f sets limits, too.",
        remedy=f"Choose another folder with {option}, or raise the limit.",
    )


def _closed(path: Path, error: OSError, option: str) -> ReportedError:
    return NotWritableError(
        f"{path} cannot be used: {error.strerror}.",
        remedy=f"Choose another folder with {option}.",
    )


def _free(folder: Path) -> int:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free
