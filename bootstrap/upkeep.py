"""What is done with an installation that is there; no bundle is needed for it."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bootstrap import registration, verify
from bootstrap.activate import activate, require_free_link, require_unused
from bootstrap.belongings import belongings
from bootstrap.errors import (
    BusyError,
    NotWritableError,
    RecoveryNeededError,
    ReportedError,
    UsageError,
    VerificationError,
    reporting,
)
from bootstrap.events import Listener
from bootstrap.host import look_at_disk
from bootstrap.inspection import inspect
from bootstrap.interrupts import held
from bootstrap.leftovers import is_unfinished, put_in_order, undo_unfinished
from bootstrap.registration import Registration
from bootstrap.state import Installed, InstallState, load_state
from bootstrap.target import hold, require_safe
from bootstrap.uninstall import uninstall
from bootstrap.verify import VerificationReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """One installation, one listener.

    Attributes:
        target: absolute path of the folder.
        allow_no_gpu: verify the rest where no GPU can be used.
    """

    target: Path
    allow_no_gpu: bool
    listener: Listener

    def verify(self, *, deep: bool) -> VerificationReport:
        """Prove what is installed in the target, as it was installed.

        What an interrupted run has left is put in order first, where that is allowed.

        Raises:
            UsageError: nothing is installed there.
            ReportedError: as of :func:`bootstrap.inspection.inspect`.
        """
        state = self._state()
        if is_unfinished(self.target, state):
            state = self._recovered(state)
        if state.live is None:
            raise _nothing_in(self.target)
        return self._inspect(state.live, live=True, deep=deep)

    def rollback(self, previous: Installed) -> VerificationReport:
        """Go back to the environment that was kept, once it has proved to be as it was.

        Args:
            previous: as :meth:`kept` has told before.

        Returns:
            What was proved. What was live is kept now, so that one can return.

        Raises:
            UsageError: nothing is installed there.
            RecoveryNeededError: what was kept is damaged; what is live stays.
            UnfitMachineError: it was verified on a GPU, and none can be used now.
            BusyError: another one is kept now; or, on Windows, a program keeps what must be
                replaced open.
        """
        self._state()
        self._require_changeable()
        require_free_link(self.target)
        with hold(self.target), reporting("rolling back", option=None):
            state = undo_unfinished(self.target, self._state(), self.listener)
            if state.previous != previous:
                raise BusyError(
                    f"Another installer has changed {self.target} in the meantime.",
                    remedy="Start again.",
                )
            try:
                report = self._inspect(previous, live=False, deep=True)
            except (VerificationError, RecoveryNeededError) as error:
                raise RecoveryNeededError(
                    f"There is no way back to {previous.generation}: {error.message}",
                    remedy="What is live stays. To get the earlier version back, start its "
                    "installer with --allow-downgrade.",
                ) from error
            if previous.way == "folder":
                require_unused(self.target)
            with held(too_late=True):
                self._switch(InstallState(live=previous, previous=state.live), previous)
                self._register(previous)
        return report

    def _switch(self, switched: InstallState, to: Installed) -> None:
        try:
            activate(self.target, to.generation_in(self.target, live=False), switched)
        except BaseException:
            undo_unfinished(self.target, self._state(), self.listener)
            raise

    def installed(self) -> Installed | None:
        """What is live, or was when its removal began; None after a first attempt that failed.

        Raises:
            UsageError: nothing is installed in the target.
            UnsafeTargetError: the target is a link, or otherwise not ours to clear.
            NotWritableError: it may not be changed.
        """
        state = self._state()
        self._require_changeable()
        return state.live or state.removing

    def kept(self) -> Installed:
        """What a rollback goes back to.

        Raises:
            UsageError: nothing is installed in the target, or nothing is kept there.
        """
        previous = self._state().previous
        if previous is None:
            raise _nothing_kept(self.target)
        return previous

    def belongings(self) -> tuple[str, ...]:
        """Files in what is live or kept that this installer did not make, if that can be told."""
        state, found = self._state(), list[str]()
        for one, live in ((state.live, True), (state.previous, False)):
            if one:
                with suppress(OSError, ValueError):
                    found += belongings(one.generation_in(self.target, live=live))
        return tuple(found)

    def uninstall(self, *, keep_user_files: bool = False) -> tuple[str, ...]:
        """Remove everything that was installed, and nothing else.

        Args:
            keep_user_files: what is the user's inside the environment is moved out before.

        Returns:
            Names of what others have put into the target, which therefore stays.

        Raises:
            UsageError, UnsafeTargetError, NotWritableError: as of :meth:`installed`.
            BusyError: it is in use; nothing was removed.
            InstallError: the system refuses; starting again goes on.
        """
        self.installed()
        with hold(self.target) as held, reporting("removing", option=None):
            # Somebody else may have been quicker.
            state = self._state()
            self.listener.phase("remove", 0)
            keep = keep_user_files or state.keep_user_files
            going = uninstall(self.target, state, self.listener, keep_user_files=keep)
            return held.leave(going=going)

    def _inspect(self, installed: Installed, *, live: bool, deep: bool) -> VerificationReport:
        return inspect(
            self.target,
            installed,
            live=live,
            deep=deep,
            allow_no_gpu=self.allow_no_gpu,
            listener=self.listener,
        )

    def _recovered(self, state: InstallState) -> InstallState:
        try:
            require_safe(self.target)
            return put_in_order(self.target, self.listener)
        except BusyError:
            self.listener.note(
                "Another installer is at work there; this is what is live meanwhile."
            )
        except ReportedError as error:
            self.listener.warn(f"An interrupted run has left something there. {error.message}")
        return state

    def _require_changeable(self) -> None:
        require_safe(self.target)
        if not look_at_disk(self.target).writable:
            raise NotWritableError(
                f"{self.target} may not be changed.",
                remedy="Start this as the user who has installed it.",
            )

    def _register(self, installed: Installed) -> None:
        """Tell the system; without that, what is live works all the same."""
        try:
            index = verify.load_index(installed.generation_in(self.target), installed)
            registration.register(Registration.of(index, installed, self.target))
        except (OSError, ReportedError) as error:
            self.listener.warn(f"The system could not be told of the change: {error}.")

    def _state(self) -> InstallState:
        state = load_state(self.target)
        if state is None:
            raise _nothing_in(self.target)
        return state


def _nothing_in(target: Path) -> UsageError:
    return UsageError(f"Nothing is installed in {target}.", remedy="Give the folder with --target.")


def _nothing_kept(target: Path) -> UsageError:
    return UsageError(
        f"No earlier environment is kept in {target}.",
        remedy="Install with --keep-previous to be able to go back; to install an older version "
        "over a newer one, add --allow-downgrade.",
    )
