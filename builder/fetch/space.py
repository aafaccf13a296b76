"""Room on the cache's disk: asked for beforehand, and explained when it ends."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.errors import NoSpaceError, NotWritableError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def require_room(folder: Path, need: int) -> None:
    """Check that ``need`` more bytes fit on the disk of ``folder``, which may not exist yet.

    Raises:
        NoSpaceError: they do not.
    """
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if need > (free := shutil.disk_usage(existing).free):
        raise _full(folder, need, free)


@contextmanager
def storing(folder: Path, need: int | None) -> Iterator[None]:
    """Turn what goes wrong with writing below ``folder`` into errors for people.

    Raises:
        NoSpaceError: the disk is full.
        NotWritableError: anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise _full(folder, need or 0, shutil.disk_usage(folder).free) from error
        raise NotWritableError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}.",
            remedy="Choose another folder with --cache.",
        ) from error


def _full(folder: Path, need: int, free: int) -> NoSpaceError:
    return NoSpaceError(
        f"The cache {folder} has {free / 1e9:.2f} GB free, but {need / 1e9:.2f} GB are to be "
        "fetched.",
        remedy="Free some space, or choose another folder with --cache.",
    )
