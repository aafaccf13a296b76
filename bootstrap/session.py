"""The installation, as a list of steps.

::

    open bundle → look at the machine → plan → confirm → runtime → wheels by group
    → seal → verify → activate → clean up
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bootstrap import verify
from bootstrap.activate import (
    activate,
    generation_names,
    reclaimable,
    remove_others,
    require_free_link,
    require_live,
    undo_unfinished,
)
from bootstrap.bundle.model import Index
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import UnfitMachineError, UsageError, reporting
from bootstrap.events import Listener
from bootstrap.files import remove_tree
from bootstrap.fitness import assess
from bootstrap.generation import Generation, new_name
from bootstrap.host import detect_host, look_at_disk
from bootstrap.install.runtime import make_venv, unpack_runtime
from bootstrap.install.seal import (
    remove_strange_bytecode,
    write_documents,
    write_inventory,
    write_pip_configuration,
    write_torch_lock,
)
from bootstrap.install.wheels import install_wheels
from bootstrap.interrupts import held
from bootstrap.plan import InstallPlan, make_plan
from bootstrap.probing import default_probes_folder, run_checks
from bootstrap.state import Installed, InstallState, load_state, save_state
from bootstrap.target import hold, require_safe
from bootstrap.verify import VerificationReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One bundle, one target, one listener.

    Attributes:
        target: absolute path of the folder to install into.
        allow_no_gpu: install a CUDA bundle although no GPU can use it.
    """

    reader: BundleReader
    target: Path
    allow_no_gpu: bool
    listener: Listener

    def plan(self) -> InstallPlan:
        """Look at machine and target, and decide. Writes nothing.

        Raises:
            DamagedBundleError: volumes are missing, or are not this bundle's.
            UnsafeTargetError: the target is not ours to fill.
            RecoveryNeededError: what is installed there cannot be understood.
        """
        self.reader.require_volumes()
        self.listener.phase("look at this machine", 0)
        require_safe(self.target)
        require_free_link(self.target)
        index = self.reader.index
        host = detect_host()
        state = load_state(self.target) or InstallState()
        disk = look_at_disk(self.target)
        plan = make_plan(
            index,
            host,
            replace(disk, free=disk.free + reclaimable(self.target, state)),
            assess(index, host),
            state,
            target=self.target,
            taken=generation_names(self.target),
            allow_no_gpu=self.allow_no_gpu,
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
        with hold(self.target), reporting("installing"):
            state = undo_unfinished(
                self.target, load_state(self.target) or InstallState(), self.listener
            )
            # Between the plan and the lock another installer may have taken the name.
            generation = self._next_generation()
            with self._building(generation, state):
                known = self._build(generation)
                report = self._prove(generation, known, gpu_usable=plan.gpu_usable)
                installed = self._finish(generation, known, report)
                # From here on it is done; clearing up takes a moment, and stopping undoes nothing.
                with held(too_late=True):
                    activate(self.target, generation, installed)
                    remove_others(self.target, InstallState(live=installed), self.listener)
        return report

    def _next_generation(self) -> Generation:
        index = self.reader.index
        name = new_name(index.bundle_id, generation_names(self.target))
        return Generation.of(self.target, name, index)

    @contextmanager
    def _building(self, generation: Generation, state: InstallState) -> Iterator[None]:
        """Note what is being built; whatever goes wrong, nothing of it stays."""
        save_state(self.target, InstallState(live=state.live, building=generation.name))
        generation.folder.mkdir(parents=True)
        try:
            yield
        except BaseException:
            # Where it already went live, this removes the old one instead.
            with held():
                undo_unfinished(self.target, load_state(self.target) or state, self.listener)
            raise

    def _build(self, generation: Generation) -> dict[str, str]:
        reader, listener = self.reader, self.listener
        listener.phase("runtime", reader.index.runtime.entry.size)
        unpack_runtime(reader, generation, listener.advance)
        make_venv(reader, generation)
        listener.phase("install", sum(wheel.installed_size for wheel in reader.index.wheels))
        known = install_wheels(reader, generation, listener)
        listener.phase("seal", 0)
        write_torch_lock(reader.index, generation)
        write_pip_configuration(reader.index, generation)
        write_documents(reader, generation)
        return known

    def _prove(
        self, generation: Generation, known: dict[str, str], *, gpu_usable: bool
    ) -> VerificationReport:
        # Beside the environment, where there is room for sure; gone with it if that fails.
        scratch = generation.folder / ".verify"
        scratch.mkdir()
        report = self._run_checks(
            self.reader.index,
            generation,
            scratch,
            gpu_usable=gpu_usable,
            remedy="Send the log file to whoever made this bundle.",
        )
        remove_tree(scratch, inside=generation.folder)
        remove_strange_bytecode(generation, known)
        return report

    def _run_checks(
        self,
        index: Index,
        generation: Generation,
        scratch: Path,
        *,
        gpu_usable: bool,
        remedy: str,
    ) -> VerificationReport:
        self.listener.phase("verify", 0)
        results = run_checks(
            index,
            generation.python,
            default_probes_folder(),
            scratch,
            gpu_usable=gpu_usable,
            listener=self.listener.checked,
        )
        return verify.judge(index, results, remedy)

    def _finish(
        self, generation: Generation, known: dict[str, str], report: VerificationReport
    ) -> Installed:
        self.listener.phase("inventory", 0)
        index = self.reader.index
        return Installed(
            generation=generation.name,
            bundle_id=index.bundle_id,
            product=index.product,
            version=index.version,
            variant=index.variant,
            target=index.target,
            python=index.python,
            installed=datetime.now(UTC),
            inventory_sha256=write_inventory(generation, known),
            index_sha256=hashlib.sha256(self.reader.index_bytes).hexdigest(),
            gpu_verified=report.gpu_verified,
        )

    def verify(self, *, deep: bool) -> VerificationReport:
        """Prove what is installed in the target, as it was installed.

        Raises:
            UsageError: nothing is installed there.
            VerificationError: drift, a banned package, or a probe that failed.
            UnfitMachineError: it was verified on a GPU, and none can be used now.
            RecoveryNeededError: what is written down about it is damaged.
            NotWritableError: there is no temporary folder that can be written.
        """
        state = load_state(self.target)
        if state is None or state.live is None:
            raise UsageError(
                f"Nothing is installed in {self.target}.", remedy="Give the folder with --target."
            )
        live = state.live
        generation = live.generation_in(self.target)
        index = verify.load_index(generation, live)
        require_live(self.target, generation)
        items = verify.load_inventory(generation, live)
        verify.require_no_drift(generation, items, deep=deep, listener=self.listener)
        verify.require_nothing_banned(index, generation)
        verify.tell_additions(generation, items, self.listener)
        gpu_usable = assess(index, detect_host()).gpu_usable
        if live.gpu_verified and index.cuda and not gpu_usable and not self.allow_no_gpu:
            raise UnfitMachineError(
                "The environment was verified on a GPU, but now no usable GPU is found.",
                remedy="Check the driver, or add --allow-no-gpu to verify the rest.",
            )
        # Not in the target: who verifies need not be allowed to write there.
        with verify.scratch_folder() as scratch:
            return self._run_checks(
                index, generation, scratch, gpu_usable=gpu_usable, remedy=verify.REPAIR
            )
