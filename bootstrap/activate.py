"""Makes a finished generation live."""

from pathlib import Path

from bootstrap import evidence, live
from bootstrap.bundle.evidence import FOLDER_NAME as EVIDENCE_NAME
from bootstrap.errors import BusyError, UnsafeTargetError, VerificationError
from bootstrap.files import part_of, remove_file, replace_file
from bootstrap.generation import LINK_NAME, Generation, home_of
from bootstrap.host import users_of
from bootstrap.state import Installed, InstallState, load_state, save_state

_LAUNCHERS = (".sh", ".bat")


def require_free_link(target: Path) -> None:
    """Refuse to put our link where somebody keeps something of their own.

    Raises:
        UnsafeTargetError: ``<target>/.venv``, or what shows the evidence, is there and is not
            of our making.
    """
    if live.is_foreign(target):
        raise UnsafeTargetError(
            f"{target / LINK_NAME} is a folder that this installer did not make.",
            remedy="Move it away, then start again.",
        )
    evidence.require_free(target)


def require_unused(target: Path) -> None:
    """Refuse where a program runs that would lose its files.

    Raises:
        BusyError: names the processes.
    """
    users = users_of(target / LINK_NAME, target / "generations")
    if users:
        raise BusyError(
            f"The environment in {target} is in use by process {', '.join(map(str, users))}.",
            remedy="Close the programs that use it, then start again.",
        )


def activate(target: Path, generation: Generation, state: InstallState) -> None:
    """Switch over: from one instant to the next another generation is the live one.

    The state decides. Whoever finds the link ahead of it undoes the switch by starting again.

    Args:
        target: the folder.
        generation: what goes live.
        state: what holds from then on.

    Raises:
        BusyError: on Windows, a program keeps what must be replaced open.
        OSError: what the system says; the state is that of before, if that could be written.
    """
    before = load_state(target)
    write_launchers(target, generation)
    evidence.show(target, generation)
    live.lead(target, generation.name, generation.way)
    try:
        save_state(target, state)
    except OSError:
        # It may stand there already, and not be on the disk: after a power cut the older one would
        # be back, and must then name what is still there.
        if before:
            save_state(target, before)
        raise
    withdraw_launchers(target, state.live)


def write_launchers(target: Path, generation: Generation) -> None:
    """Put a generation's launchers beside ``.venv``, where they are not there already.

    They lead to that, so they serve whichever generation is live.

    Raises:
        BusyError, OSError: one cannot be written.
    """
    for path in launchers_in(generation.documents):
        own = target / path.name
        if not _is_copy(own, path):
            replace_file(own, path.read_bytes())
        own.chmod(0o755)


def withdraw_launchers(target: Path, installed: Installed | None) -> None:
    """Delete those that only other generations have brought than the live one."""
    kept = installed.launchers if installed else ()
    for path in sorted(target.glob("generations/*/docs/*")):
        own = target / path.name
        if path.suffix in _LAUNCHERS and path.name not in kept:
            remove_file(part_of(own))
            if _is_copy(own, path):
                remove_file(own)


def _is_copy(own: Path, of: Path) -> bool:
    return own.is_file() and own.read_bytes() == of.read_bytes()


def require_live(target: Path, generation: Generation) -> None:
    """What people start by is there, and leads to the live generation.

    Raises:
        VerificationError: names what is missing or leads elsewhere.
    """
    faults = []
    if live.leads_to(target, generation.way) != generation.name:
        faults.append(f"{target / LINK_NAME} does not lead to {generation.folder / 'venv'}")
    elif not (generation.python.exists() and _has_base(generation)):
        faults.append(f"{generation.python} leads nowhere, as after {target} was moved")
    for path in launchers_in(generation.documents):
        own = target / path.name
        if not _is_copy(own, path):
            faults.append(f"{own} is missing or was changed")
    if not evidence.is_shown(target, generation):
        faults.append(f"{target / EVIDENCE_NAME} is not that of {generation.name}")
    if faults:
        raise VerificationError(
            f"{'; '.join(faults)}.",
            remedy="Run the installer again: it puts everything in its place.",
        )


def _has_base(generation: Generation) -> bool:
    """Whether the Python that the environment is made from is where its configuration says."""
    home = home_of(generation.venv)
    return home is not None and home.is_dir()


def launchers_in(documents: Path) -> list[Path]:
    """Those of a generation's documents that stand beside ``.venv``, too."""
    if not documents.is_dir():
        return []
    return sorted(path for path in documents.iterdir() if path.suffix in _LAUNCHERS)


def restore_live(target: Path, installed: Installed) -> bool:
    """See that ``.venv`` is that of the live generation; whether it was not."""
    if live.leads_to(target, installed.way) == installed.generation:
        return False
    live.lead(target, installed.generation, installed.way)
    return True
