"""Looks at one installed generation: is it as it was installed, and does it work."""

from pathlib import Path

from bootstrap import verify
from bootstrap.activate import require_live
from bootstrap.errors import UnfitMachineError
from bootstrap.events import Listener
from bootstrap.fitness import assess
from bootstrap.host import detect_host
from bootstrap.state import Installed
from bootstrap.verify import VerificationReport


def inspect(
    target: Path,
    installed: Installed,
    *,
    live: bool,
    deep: bool,
    allow_no_gpu: bool,
    listener: Listener,
) -> VerificationReport:
    """Prove a generation, as it was installed.

    Args:
        target: the folder.
        installed: what was written down of the generation.
        live: it is live; otherwise it is kept.
        deep: hash every file; otherwise only those whose size or times differ.
        allow_no_gpu: prove the rest where no GPU can be used.
        listener: hears of progress and additions.

    Raises:
        VerificationError: drift, a banned package, or a probe that failed.
        UnfitMachineError: it was verified on a GPU, and none can be used now.
        RecoveryNeededError: what is written down about it is damaged.
        NotWritableError: there is no temporary folder that can be written.
    """
    generation = installed.generation_in(target, live=live)
    index = verify.load_index(generation, installed)
    if live:
        require_live(target, generation)
    verify.require_inventory(generation, installed)
    verify.require_torch(index, generation)
    verify.require_no_drift(generation, deep=deep, listener=listener)
    verify.require_nothing_banned(index, generation)
    verify.tell_additions(generation, listener)
    gpu_usable = assess(index, detect_host()).gpu_usable
    if installed.gpu_verified and index.cuda and not gpu_usable and not allow_no_gpu:
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
            listener=listener,
        )
