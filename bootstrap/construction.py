"""One new generation, from an empty folder to an environment that is proved.

::

    runtime → wheels → seal → extras → checks → inventory
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

from bootstrap import torch_lock, verify
from bootstrap.activate import launchers_in
from bootstrap.bundle.reader import BundleReader
from bootstrap.events import Listener
from bootstrap.evidence import write_evidence
from bootstrap.extras import CarriedOver, Extra, carry_over, keep_wheels, require_no_link
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.install.runtime import make_venv, unpack_runtime
from bootstrap.install.seal import (
    remove_strange_bytecode,
    write_documents,
    write_inventory,
    write_pip_configuration,
    write_torch_watch,
)
from bootstrap.install.wheels import install_wheels
from bootstrap.install.written import WrittenFiles
from bootstrap.probing import has_room_for_bytecode
from bootstrap.removal import remove_tree
from bootstrap.state import Installed
from bootstrap.verify import VerificationReport
from bootstrap.wishes import Wishes

EXTRAS_FOLDER = "extras"
# In the generation while that is built, so that of what fails nothing stays.
_SCRATCH = ".extras"
_NOTHING = CarriedOver(installed=(), left_out=(), written=frozenset(), packed=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a new generation is made from, and for whom.

    Attributes:
        live: the earlier generation, whose files may be taken; None where there is none.
        extras: what was added to that and is to come along.
    """

    reader: BundleReader
    live: Generation | None
    extras: Sequence[Extra]
    wishes: Wishes
    listener: Listener


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A generation whose files are all there.

    Attributes:
        known: those of its wheels, with their hashes.
        carried: what became of the extras.
    """

    generation: Generation
    known: WrittenFiles
    carried: CarriedOver = field(default=_NOTHING)


def build(origin: Origin, generation: Generation) -> Built:
    """Write all files of a generation, whose folder is there and empty.

    Raises:
        ReportedError: why not.
        OSError: what the system says.
    """
    reader, listener = origin.reader, origin.listener
    listener.phase("runtime", reader.index.runtime.entry.size)
    unpack_runtime(reader, generation, listener.advance)
    make_venv(reader, generation)
    listener.phase("install", sum(wheel.installed_size for wheel in reader.index.wheels))
    known = install_wheels(reader, generation, _earlier(origin, generation), listener)
    listener.phase("seal", 0)
    torch_lock.write(reader.index, generation)
    if origin.wishes.watch_torch:
        write_torch_watch(generation)
    write_pip_configuration(reader.index, generation)
    write_documents(reader, generation)
    write_evidence(reader, generation.evidence)
    return Built(generation=generation, known=known, carried=_carry(origin, generation))


def _earlier(origin: Origin, generation: Generation) -> Earlier:
    if origin.live is None:
        return Earlier.none()
    return Earlier.of(origin.live, generation.folder, stays=origin.wishes.old == "keep")


def _carry(origin: Origin, generation: Generation) -> CarriedOver:
    if not (origin.live and origin.extras):
        return _NOTHING
    origin.listener.phase("extras", 0)
    require_no_link(generation.root / EXTRAS_FOLDER)
    folder = generation.folder / _SCRATCH
    return carry_over(origin.extras, origin.live, generation, origin.reader.index, folder)


def prove(built: Built, origin: Origin, *, gpu_usable: bool) -> VerificationReport:
    """Run the checks of the bundle in the new environment.

    Raises:
        VerificationError: names every check that failed, and why.
    """
    generation = built.generation
    # Beside the environment, where there is room for sure; gone with it if that fails.
    scratch = generation.folder / ".verify"
    scratch.mkdir()
    remedy = "Send the log file to whoever made this bundle."
    if built.carried.installed:
        remedy = f"Start again without --keep-extras. If that fails as well: {remedy}"
    report = verify.prove(
        origin.reader.index,
        generation,
        scratch,
        gpu_usable=gpu_usable,
        keep_bytecode=True,
        remedy=remedy,
        listener=origin.listener,
    )
    remove_tree(scratch, inside=generation.folder)
    # What was compiled of the modules spares the first start its longest part.
    if not has_room_for_bytecode(generation.folder):
        brought = chain(built.known, ((path, "") for path in built.carried.written))
        remove_strange_bytecode(generation, brought)
    return report


def finish(built: Built, origin: Origin, report: VerificationReport) -> Installed:
    """Hand over what does not come along, write down every file, and return what there is to know.

    Raises:
        OSError: what the system says.
    """
    origin.listener.phase("inventory", 0)
    index, generation = origin.reader.index, built.generation
    _hand_over(built.carried, generation, origin.listener)
    return Installed(
        generation=generation.name,
        bundle_id=index.bundle_id,
        product=index.product,
        version=index.version,
        variant=index.variant,
        target=index.target,
        python=index.python,
        installed=datetime.now(UTC),
        inventory_sha256=write_inventory(generation, built.known, without=built.carried.written),
        index_sha256=hashlib.sha256(origin.reader.index_bytes).hexdigest(),
        gpu_verified=report.gpu_verified,
        way=generation.way,
        launchers=tuple(path.name for path in launchers_in(generation.documents)),
        place=str(generation.root),
        watch_torch=origin.wishes.watch_torch,
    )


def _hand_over(carried: CarriedOver, generation: Generation, listener: Listener) -> None:
    """Tell what comes along, and where the wheels of the rest are."""
    for extra in carried.installed:
        listener.note(f"{extra} comes along.")
    for item in keep_wheels(carried, generation.root / EXTRAS_FOLDER).left_out:
        where = f" Its wheel is {item.wheel}." if item.wheel else ""
        listener.warn(f"{item.extra} does not come along: {item.reason}{where}")
    remove_tree(generation.folder / _SCRATCH, inside=generation.folder)
