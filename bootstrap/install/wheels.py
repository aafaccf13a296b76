"""Step 2: the wheels, straight out of the bundle."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import installer
from installer.exceptions import InstallerError

from bootstrap.bundle.model import Wheel
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.wheel import BundleWheel
from bootstrap.crew import Crew
from bootstrap.errors import InstallError, reporting
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install.destination import VenvDestination
from bootstrap.install.earlier import Earlier
from bootstrap.install.source import Source, wheel_scheme_name
from bootstrap.install.written import WrittenFiles
from bootstrap.medium import threads_for

_INSTALLER = b"llmsetup\n"


def install_wheels(
    reader: BundleReader, generation: Generation, earlier: Earlier, listener: Listener
) -> WrittenFiles:
    """Install every wheel of the bundle; no resolver, no second copy on disk.

    Args:
        reader: the bundle.
        generation: where to.
        earlier: what may be taken from there instead of from the bundle.
        listener: hears how far it is.

    Returns:
        Every file written, with its hash.

    Raises:
        DamagedBundleError: a file is not what its RECORD says.
        RefusedContentError: a wheel breaks a rule of vetting.
        InstallError: anything else that went wrong, with the wheel's name.
    """
    work = _Work(reader, generation, earlier, listener)
    with warnings.catch_warnings():
        # installer leaves __pycache__ out and warns; leaving it out is what we want.
        warnings.simplefilter("ignore", RuntimeWarning)
        work.do()
    work.written.require_alike()
    return work.written


class _Work:
    """What all wheels of one installation share."""

    def __init__(
        self, reader: BundleReader, generation: Generation, earlier: Earlier, listener: Listener
    ) -> None:
        self.written = WrittenFiles(generation)
        self._reader = reader
        self._generation = generation
        self._earlier = earlier
        self._listener = listener
        threads = threads_for(reader)
        self._in_order = threads == 1
        wheels = sorted(reader.index.wheels, key=lambda wheel: wheel.entry.offset)
        self._crew = Crew(threads, (partial(self._install, wheel) for wheel in wheels))
        self._now = self._told = ""

    def do(self) -> None:
        self._crew.work(self._tell)

    def _tell(self) -> None:
        if self._now != self._told:
            self._told = self._now
            self._listener.working_on(self._told)

    def _install(self, wheel: Wheel) -> None:
        self._now = wheel.name

        def later(write: Callable[[], None]) -> None:
            # Small files, which Python does one at a time, go on beside the large ones.
            self._crew.add(lambda: self._write(wheel, write))

        destination = VenvDestination(
            self._generation,
            wheel_scheme_name(wheel),
            self.written,
            self._earlier,
            None if self._in_order else later,
            self._crew.stop,
            self._listener.advance,
        )
        with self._explaining(wheel), BundleWheel(self._reader, wheel) as opened:
            source = Source(opened, wheel.filename)
            installer.install(source, destination, {"INSTALLER": _INSTALLER})
            # It is made anew, so nobody has read it for its content.
            self._listener.advance(len(opened.record_bytes))

    def _write(self, wheel: Wheel, write: Callable[[], None]) -> None:
        self._now = wheel.name
        with self._explaining(wheel):
            write()

    @contextmanager
    def _explaining(self, wheel: Wheel) -> Iterator[None]:
        """Say of which wheel it was that something went wrong, and whether it is damaged."""
        try:
            with (
                self._reader.blaming(wheel.entry, unless=self._crew.stop.is_set),
                reporting(f"installing {wheel.name}"),
            ):
                yield
        except (InstallerError, ValueError, KeyError) as error:
            raise InstallError(
                f"{wheel.filename} could not be installed: {error}.",
                remedy="Get another copy of the bundle; if it stays so, tell whoever made it.",
            ) from error
