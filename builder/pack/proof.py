"""Proves a bundle that was just written: reads it back as an installer would."""

import hashlib
from pathlib import Path

from bootstrap.bundle.model import Index
from bootstrap.bundle.reader import BundleReader
from builder.errors import DamagedBundleError
from builder.launching import Launcher
from builder.processes import NotExecutableError, ProgramError
from builder.progress import Progress

_CHUNK = 1 << 20


def prove(path: Path, progress: Progress) -> tuple[Index, str]:
    """Reopen the bundle and check every hash in one pass over the file.

    Returns:
        The index, and the SHA-256 of the whole file.

    Raises:
        DamagedBundleError: names the member, or says that it is the program around them,
            that is not what it should be.
    """
    reader = BundleReader.open(path)
    reader.verify_rest()
    whole = hashlib.sha256()

    with path.open("rb") as file, progress.bar(f"prove {path.name}", path.stat().st_size) as bar:

        def feed(size: int, *digests: "hashlib._Hash") -> None:
            while size and (chunk := file.read(min(size, _CHUNK))):
                for digest in digests:
                    digest.update(chunk)
                size -= len(chunk)
                bar.advance(len(chunk))

        for entry in sorted(reader.index.entries, key=lambda entry: entry.offset):
            member = hashlib.sha256()
            feed(reader.payload_offset + entry.offset - file.tell(), whole)
            feed(entry.size, whole, member)
            if member.hexdigest() != entry.sha256:
                raise reader.damage(entry)
        feed(path.stat().st_size - file.tell(), whole)
    return reader.index, whole.hexdigest()


def prove_it_starts(path: Path, index: Index, launcher: Launcher) -> None:
    """Start the bundle with ``--list`` and compare what it lists with the index.

    Args:
        path: of the bundle.
        index: what it must list.
        launcher: starts programs of its platform here.

    Raises:
        NotExecutableError: nothing may be started from its folder.
        ProgramError: it does not start.
        DamagedBundleError: it lists something else.
    """
    try:
        listed = launcher.run(path, "--list")
    except NotExecutableError:
        raise
    except ProgramError as error:
        error.remedy = (
            "See that the folder for temporary files (TMPDIR) has 40 MB free and that programs may "
            "be started from there, then build again."
        )
        raise
    missing = [wheel.filename for wheel in index.wheels if wheel.filename not in listed]
    if missing:
        raise DamagedBundleError(
            f"{path.name} starts, but does not list {missing[0]}.",
            remedy="Build again; if it stays so, report it with this message.",
        )
