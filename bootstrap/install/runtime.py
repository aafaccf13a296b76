"""Step 1: the relocatable CPython, and an empty virtual environment made by it."""

import hashlib
import io
from collections.abc import Callable

from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.tarball import BoundedMember, unpack_tar
from bootstrap.bundle.zips import tarfile, zstd
from bootstrap.errors import DamagedBundleError, InstallError
from bootstrap.generation import Generation
from bootstrap.processes import run_python

_VENV_TIMEOUT = 120
# What tarfile raises besides its own: for numbers and texts of headers, for sizes, for links to
# what is not there, and for links in links.
_ODD = (zstd.ZstdError, EOFError, ValueError, OverflowError, LookupError, RecursionError)
# The activation scripts name the environment; they get its home and not where it is made.
_MAKE_VENV = """
import sys, venv

folder, home, symlinks = sys.argv[1:]

class Builder(venv.EnvBuilder):
    def setup_scripts(self, context):
        context.env_dir = home
        super().setup_scripts(context)

Builder(symlinks=symlinks == "symlinks").create(folder)
"""


class _Hashed(io.RawIOBase):
    """Hashes what a sequential reader takes from a stream."""

    def __init__(self, stream: io.RawIOBase, progress: Callable[[int], None]) -> None:
        super().__init__()
        self.digest = hashlib.sha256()
        self._stream = stream
        self._progress = progress

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size) or b""
        self.digest.update(data)
        self._progress(len(data))
        return data


def unpack_runtime(
    reader: BundleReader, generation: Generation, progress: Callable[[int], None]
) -> None:
    """Unpack the runtime, hashing it on the way.

    Raises:
        DamagedBundleError: the archive is not what the index says. What was unpacked
            must not be used.
        VettingError: it is, and a member breaks a rule.
    """
    entry = reader.index.runtime.entry
    generation.runtime.mkdir(parents=True)
    with reader.blaming(entry), reader.open_entry(entry) as section:
        hashed = _Hashed(section, progress)
        try:
            # The stream mode reads strictly forward, so that the hash sees every byte once.
            with tarfile.open(
                fileobj=hashed, mode="r|zst", bufsize=1 << 20, tarinfo=BoundedMember
            ) as archive:
                unpack_tar(archive, generation.runtime, name=entry.name, target=generation.target)
        except (tarfile.TarError, *_ODD) as error:
            raise reader.damage(entry, because=str(error)) from error
        while hashed.read(1 << 20):
            pass
        if hashed.digest.hexdigest() != entry.sha256:
            raise reader.damage(entry)


def make_venv(reader: BundleReader, generation: Generation) -> None:
    """Make the empty virtual environment with the unpacked interpreter.

    Raises:
        DamagedBundleError: the index names an interpreter that is not there.
        InstallError: the interpreter does not run here, or ``venv`` fails.
    """
    executable = generation.runtime / reader.index.runtime.executable
    if not executable.is_file():
        raise DamagedBundleError(
            f"The runtime holds no {reader.index.runtime.executable}.",
            remedy="Get another copy of the bundle.",
        )
    # Symbolic links on POSIX: a copied interpreter would look for libpython beside itself.
    links = "copies" if generation.target == "win_amd64" else "symlinks"
    done = run_python(
        executable,
        ["-c", _MAKE_VENV, str(generation.venv), str(generation.home), links],
        timeout=_VENV_TIMEOUT,
    )
    if done.returncode != 0:
        why = done.stderr.strip() or "no reason given"
        if done.timed_out:
            why = f"it took more than {_VENV_TIMEOUT} s"
        raise InstallError(
            f"The virtual environment could not be made by {executable}: {why}",
            remedy="Send the log file to whoever made this bundle.",
        )
