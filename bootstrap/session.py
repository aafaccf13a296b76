"""The installation, as a list of steps.

::

    open bundle → look at the machine → plan → confirm → undo what is unfinished → runtime
    → wheels → seal → verify → bring to disk → activate → clean up
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bootstrap import construction, live, registration, torch_lock, verify
from bootstrap.activate import activate, require_free_link, require_unused
from bootstrap.bundle.reader import BundleReader
from bootstrap.construction import Origin
from bootstrap.errors import (
    DISK_FULL,
    BusyError,
    NoSpaceError,
    RecoveryNeededError,
    ReportedError,
    StoppedError,
    UsageError,
    VerificationError,
    reporting,
)
from bootstrap.events import Listener
from bootstrap.extras import Extra, find_extras
from bootstrap.fitness import assess
from bootstrap.generation import Generation, new_name
from bootstrap.host import detect_host, look_at_disk
from bootstrap.inspection import inspect
from bootstrap.interrupts import held
from bootstrap.leftovers import (
    discard,
    generation_names,
    is_unfinished,
    put_in_order,
    remove_others,
    undo_unfinished,
)
from bootstrap.plan import InstallPlan, make_plan
from bootstrap.registration import Registration
from bootstrap.room import Room, look_for_room, short_of_room
from bootstrap.state import Installed, InstallState, load_state, save_state
from bootstrap.storage import brought_to_disk
from bootstrap.target import hold, require_safe
from bootstrap.verify import VerificationReport
from bootstrap.wishes import Wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One bundle, one target, one listener.

    Attributes:
        target: absolute path of the folder to install into.
        wishes: what was asked for.
    """

    reader: BundleReader
    target: Path
    wishes: Wishes
    listener: Listener

    def plan(self) -> InstallPlan:
        """Look at machine and target, and decide. Writes nothing.

        Raises:
            DamagedBundleError: volumes are missing, or are not this bundle's.
            UnsafeTargetError: the target is not ours to fill.
            RecoveryNeededError: what is installed there cannot be understood.
            UsageError: torch is to be watched, and the bundle brings none.
        """
        if self.wishes.watch_torch:
            torch_lock.require_torch_in(self.reader.index)
        self.reader.require_volumes()
        self.listener.phase("look at this machine", 0)
        require_safe(self.target)
        require_free_link(self.target)
        index = self.reader.index
        host = detect_host()
        state = self._state()
        plan = make_plan(
            index,
            host,
            look_at_disk(self.target),
            assess(index, host),
            state,
            target=self.target,
            taken=generation_names(self.target),
            wishes=self.wishes,
            room=look_for_room(self.target, state, index, self.wishes),
            extras=self._extras(state.live),
        )
        self.listener.planned(plan)
        return plan

    def install(self, confirm: Callable[[InstallPlan], bool]) -> VerificationReport | None:
        """Install, or leave everything as it was.

        Args:
            confirm: asked once, with the plan, before anything is written.

        Returns:
            What was proved; None when ``confirm`` said no.

        Raises:
            ReportedError: why not; the environment that was live before still is.
        """
        plan = self.plan()
        if plan.refusal:
            raise plan.refusal
        if not confirm(plan):
            return None
        with hold(self.target), reporting("installing"), self._telling_of_loss(plan):
            state = self._made_ready(plan)
            with self._building(state, plan) as generation:
                origin = self._origin(state.live, plan.extras)
                built = construction.build(origin, generation)
                with brought_to_disk(generation.folder, self._tell_of_disk):
                    report = construction.prove(built, origin, gpu_usable=plan.gpu_usable)
                    installed = construction.finish(built, origin, report)
                # From here on it is done; clearing up takes a moment, and stopping undoes nothing.
                with held(too_late=True):
                    switched = InstallState(live=installed, previous=self._previous(state))
                    activate(self.target, generation, switched)
                    remove_others(
                        self.target, switched, self.listener, carried=built.carried.packed
                    )
                    self._register(installed)
        return report

    def repair(
        self, confirm: Callable[[InstallPlan], bool]
    ) -> tuple[VerificationReport, bool] | None:
        """Build what is live anew, unless it proves to be as it was installed.

        Args:
            confirm: as of :meth:`install`; not asked where there is nothing to repair.

        Returns:
            What was proved, and whether it was built anew; None when ``confirm`` said no.

        Raises:
            UsageError: nothing is installed there, or something else than this bundle.
            ReportedError: as of :meth:`install`.
        """
        require_safe(self.target)
        live = self._require_same()
        try:
            report = inspect(
                self.target,
                live,
                live=True,
                deep=True,
                allow_no_gpu=self.wishes.allow_no_gpu,
                listener=self.listener,
            )
        except (VerificationError, RecoveryNeededError) as fault:
            self.listener.warn(fault.message)
        else:
            self._put_in_order()
            return report, False
        wishes = replace(self.wishes, watch_torch=live.watch_torch)
        rebuilt = replace(self, wishes=wishes).install(confirm)
        return (rebuilt, True) if rebuilt else None

    def _put_in_order(self) -> None:
        """Where there is nothing to repair, an interrupted run may have left something."""
        if is_unfinished(self.target, self._state()):
            put_in_order(self.target, self.listener)

    def _state(self) -> InstallState:
        """What is written down of the target; nothing where nothing is installed."""
        return load_state(self.target) or InstallState()

    def _require_same(self) -> Installed:
        state = self._state()
        if state.live is None:
            raise UsageError(
                f"Nothing is installed in {self.target}, so there is nothing to repair.",
                remedy="Leave --repair out to install, or give the folder with --target.",
            )
        index = self.reader.index
        if state.live.bundle_id != index.bundle_id:
            raise UsageError(
                f"{state.live.bundle_id} is installed in {self.target}, and this is "
                f"{index.bundle_id}.",
                remedy="Repair with the installer that it came from, or leave --repair out to "
                "replace it.",
            )
        return state.live

    @contextmanager
    def _telling_of_loss(self, plan: InstallPlan) -> Iterator[None]:
        """Whatever goes wrong, say so where nothing is live any more, as after a discard."""
        try:
            yield
        except BaseException as error:
            if plan.replaces and not self._state().live:
                loss = f"nothing is installed in {self.target} now: what was there was discarded"
                if isinstance(error, KeyboardInterrupt):
                    message = f"Interrupted; {loss}."
                    raise StoppedError(message, remedy="Start again when you like.") from error
                self.listener.warn(f"{loss[:1].upper()}{loss[1:]}.")
            raise

    def _made_ready(self, plan: InstallPlan) -> InstallState:
        """The target in order, with room in it, and as the plan has found it."""
        state = self._state()
        if state.live != plan.replaces:
            raise BusyError(
                f"Another installer has changed {self.target} in the meantime.",
                remedy="Start again.",
            )
        state = undo_unfinished(self.target, state, self.listener)
        if self.wishes.old == "discard":
            # Once more, before it is gone.
            self._require_room(
                plan, look_for_room(self.target, state, self.reader.index, self.wishes)
            )
            with held():
                state = discard(self.target, state, self.listener)
        # Leftovers may be in use, and others write to the disk as well.
        self._require_room(plan, Room())
        return state

    def _require_room(self, plan: InstallPlan, room: Room) -> None:
        short = short_of_room(look_at_disk(self.target), plan.space_needed, room, self.wishes)
        if short:
            raise short

    def _origin(self, live: Installed | None, extras: tuple[Extra, ...]) -> Origin:
        return Origin(
            reader=self.reader,
            live=live.generation_in(self.target) if live else None,
            extras=extras if self.wishes.keep_extras else (),
            wishes=self.wishes,
            listener=self.listener,
        )

    def _extras(self, live: Installed | None) -> tuple[Extra, ...]:
        """What somebody has added to what is live."""
        if live is None:
            return ()
        generation = live.generation_in(self.target)
        index = verify.known_index(generation, live) or self.reader.index
        return find_extras(generation, [wheel.name for wheel in index.wheels])

    def _previous(self, state: InstallState) -> Installed | None:
        """What is kept when this bundle is live."""
        if self.wishes.old == "keep":
            return state.live
        return state.previous if self.wishes.old == "repair" else None

    @contextmanager
    def _building(self, state: InstallState, plan: InstallPlan) -> Iterator[Generation]:
        """Note what is being built; whatever goes wrong, nothing of it stays."""
        # Between the plan and the lock another installer may have taken the name.
        name = new_name(self.reader.index.bundle_id, generation_names(self.target))
        generation = Generation.of(self.target, name, self.reader.index)
        save_state(
            self.target, InstallState(live=state.live, previous=state.previous, building=name)
        )
        generation.folder.mkdir(parents=True)
        try:
            generation = replace(generation, way=live.choose(generation.folder))
            if generation.way == "folder":
                # The switch will have to move what is live now; better to be told at once.
                require_unused(self.target)
            yield generation
        except BaseException as error:
            # Where it already went live, this removes the old one instead.
            with held():
                undo_unfinished(self.target, load_state(self.target) or state, self.listener)
            if better := self._explained(error, plan):
                raise better from error
            raise

    def _explained(self, error: BaseException, plan: InstallPlan) -> ReportedError | None:
        """What can be said better when it is over; None if nothing can."""
        if isinstance(error, NoSpaceError) or getattr(error, "errno", None) in DISK_FULL:
            # Now that all of it is cleared up, one sees what there was.
            return short_of_room(look_at_disk(self.target), plan.space_needed, Room(), self.wishes)
        return None

    def _tell_of_disk(self) -> None:
        self.listener.phase("bring to disk", 0)

    def _register(self, installed: Installed) -> None:
        """Tell the system; without that, what was installed works all the same."""
        try:
            registration.write_uninstaller(self.reader, self.target)
            registration.register(Registration.of(self.reader.index, installed, self.target))
        except (OSError, ReportedError) as error:
            self.listener.warn(f"The system could not be told of the installation: {error}.")
