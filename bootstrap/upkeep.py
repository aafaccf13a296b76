"""What is done with an installation that is there; no bundle is needed for it."""

from dataclasses import dataclass
from pathlib import Path

from bootstrap import verify
from bootstrap.activate import require_live
from bootstrap.errors import NotWritableError, UnfitMachineError, UsageError, reporting
from bootstrap.events import Listener
from bootstrap.fitness import assess
from bootstrap.host import detect_host, look_at_disk
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

        Raises:
            UsageError: nothing is installed there.
            VerificationError: drift, a banned package, or a probe that failed.
            UnfitMachineError: it was verified on a GPU, and none can be used now.
            RecoveryNeededError: what is written down about it is damaged.
            NotWritableError: there is no temporary folder that can be written.
        """
        live = self._state().live
        if live is None:
            raise _nothing_in(self.target)
        generation = live.generation_in(self.target)
        index = verify.load_index(generation, live)
        require_live(self.target, generation)
        verify.require_inventory(generation, live)
        verify.require_torch(index, generation)
        verify.require_no_drift(generation, deep=deep, listener=self.listener)
        verify.require_nothing_banned(index, generation)
        verify.tell_additions(generation, self.listener)
        gpu_usable = assess(index, detect_host()).gpu_usable
        if live.gpu_verified and index.cuda and not gpu_usable and not self.allow_no_gpu:
            raise UnfitMachineError(
                "The environment was verified on a GPU, but now no usable GPU is found.",
                remedy="Check the driver, or add --allow-no-gpu to verify the rest.",
            )
        # Not in the target: who verifies need not be allowed to write there.
        with verify.scratch_folder() as scratch:
            return verify.prove(
                index,
                generation,
                scratch,
                gpu_usable=gpu_usable,
                keep_bytecode=False,
                remedy=verify.REPAIR,
                listener=self.listener,
            )

    def installed(self) -> Installed | None:
        """What is live, or was when its removal began; None after a first attempt that failed.

        Raises:
            UsageError: nothing is installed in the target.
            UnsafeTargetError: the target is a link, or otherwise not ours to clear.
            NotWritableError: it may not be changed.
        """
        state = self._state()
        require_safe(self.target)
        if not look_at_disk(self.target).writable:
            raise NotWritableError(
                f"{self.target} may not be changed.",
                remedy="Start this as the user who has installed it.",
            )
        return state.live or state.removing

    def uninstall(self) -> tuple[str, ...]:
        """Remove everything that was installed, and nothing else.

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
            going = uninstall(self.target, state, self.listener)
            return held.leave(going=going)

    def _state(self) -> InstallState:
        state = load_state(self.target)
        if state is None:
            raise _nothing_in(self.target)
        return state


def _nothing_in(target: Path) -> UsageError:
    return UsageError(f"Nothing is installed in {target}.", remedy="Give the folder with --target.")
