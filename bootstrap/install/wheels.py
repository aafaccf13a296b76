"""Step 2: the wheels, group by group, straight out of the bundle."""

import os
import warnings
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event

import installer
from installer.exceptions import InstallerError

from bootstrap.bundle.model import Group, Wheel
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import InstallError, reporting
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install.destination import VenvDestination, WrittenFiles
from bootstrap.install.source import BundleWheel, wheel_scheme_name
from bootstrap.interrupts import held

# Reading, inflating, hashing and writing release the interpreter's lock; more threads
# than this only make a slow medium seek.
_MOST_THREADS = 4
_INSTALLER = b"llmsetup\n"
_HEARING_SECONDS = 0.2


def install_wheels(
    reader: BundleReader, generation: Generation, listener: Listener
) -> dict[str, str]:
    """Install every wheel of the bundle; no resolver, no second copy on disk.

    Returns:
        Absolute path to ``algorithm=value`` of every file written.

    Raises:
        DamagedBundleError: a file is not what its RECORD says.
        RefusedContentError: a wheel wants to write outside of the environment.
        InstallError: anything else that went wrong, with the wheel's name.
    """
    written, stop = WrittenFiles(), Event()
    threads = max(2, min(_MOST_THREADS, os.cpu_count() or 1))
    pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="wheel")
    with warnings.catch_warnings():
        # installer leaves __pycache__ out and warns; leaving it out is what we want.
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            for group in reader.index.groups:
                _install_group(group, reader, generation, listener, pool, written, stop)
        finally:
            # Also on Ctrl-C: whoever clears up afterwards must be alone.
            stop.set()
            with held():
                pool.shutdown()
    return written.hashes


def _install_group(
    group: Group,
    reader: BundleReader,
    generation: Generation,
    listener: Listener,
    pool: ThreadPoolExecutor,
    written: WrittenFiles,
    stop: Event,
) -> None:
    listener.working_on(group.name)

    def install(wheel: Wheel) -> None:
        if not stop.is_set():
            destination = VenvDestination(
                generation, wheel_scheme_name(wheel), written, stop, listener.advance
            )
            with reader.blaming(wheel.entry, unless=stop.is_set):
                _install_wheel(reader, wheel, destination)

    # The largest first, so that the last thread does not end long after the others.
    ordered = sorted(group.wheels, key=lambda wheel: -wheel.installed_size)
    with held():
        futures = [pool.submit(install, wheel) for wheel in ordered]
    error = _first_error(futures)
    if error:
        stop.set()
        raise error


def _first_error(futures: list[Future[None]]) -> BaseException | None:
    """Wait for all of them, or for the first that fails."""
    waiting, error = set(futures), None
    while waiting and error is None:
        # On Windows Ctrl-C does not interrupt waiting; it is heard between two waits.
        done, waiting = wait(waiting, _HEARING_SECONDS, return_when=FIRST_EXCEPTION)
        error = next((error for future in done if (error := future.exception())), None)
    return error


def _install_wheel(reader: BundleReader, wheel: Wheel, destination: VenvDestination) -> None:
    try:
        with reporting(f"installing {wheel.name}"), BundleWheel(reader, wheel) as source:
            source.validate_record()
            installer.install(source, destination, {"INSTALLER": _INSTALLER})
    except (InstallerError, ValueError, KeyError) as error:
        raise InstallError(
            f"{wheel.filename} could not be installed: {error}.",
            remedy="Get another copy of the bundle; if it stays so, tell whoever made it.",
        ) from error
