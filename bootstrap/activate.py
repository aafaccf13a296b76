"""Makes a finished generation live, and removes what is not live any more."""

import os
from pathlib import Path

from bootstrap.errors import ReportedError, UnsafeTargetError, VerificationError
from bootstrap.events import Listener
from bootstrap.files import remove_tree, replace_file, replace_link
from bootstrap.generation import Generation
from bootstrap.host import users_of
from bootstrap.state import Installed, InstallState, save_state

LINK_NAME = ".venv"
_LAUNCHERS = (".sh", ".bat")


def require_free_link(target: Path) -> None:
    """Refuse to put our link where somebody keeps something of their own.

    Raises:
        UnsafeTargetError: ``<target>/.venv`` is there and is not a link.
    """
    link = target / LINK_NAME
    if os.path.lexists(link) and not link.is_symlink():
        raise UnsafeTargetError(
            f"{link} is a folder that this installer did not make.",
            remedy="Move it away, then start again.",
        )


def activate(target: Path, generation: Generation, installed: Installed) -> None:
    """Switch over: from one instant to the next the new generation is the live one.

    The state is written last. Whoever finds the link ahead of it undoes the switch by
    running the installer again.
    """
    # They lead to the link, so they serve whichever generation is live.
    for path in _launchers(generation):
        replace_file(target / path.name, path.read_bytes())
        (target / path.name).chmod(0o755)
    replace_link(target / LINK_NAME, _goal(generation.name))
    save_state(target, InstallState(live=installed))


def require_live(target: Path, generation: Generation) -> None:
    """What people start by is there, and leads to the live generation.

    Raises:
        VerificationError: names what is missing or leads elsewhere.
    """
    link = target / LINK_NAME
    faults = []
    if not link.is_symlink() or link.readlink() != _goal(generation.name):
        faults.append(f"{link} does not lead to {generation.venv}")
    elif not generation.python.exists():
        faults.append(f"{generation.python} leads nowhere, as after {target} was moved")
    for path in _launchers(generation):
        own = target / path.name
        if not own.is_file() or own.read_bytes() != path.read_bytes():
            faults.append(f"{own} is missing or was changed")
    if faults:
        raise VerificationError(
            f"{'; '.join(faults)}.",
            remedy="Run the installer again: it puts everything in its place.",
        )


def _goal(name: str) -> Path:
    """Relative, so that the link survives when the disk is mounted elsewhere."""
    return Path("generations") / name / "venv"


def _launchers(generation: Generation) -> list[Path]:
    return sorted(p for p in generation.documents.iterdir() if p.suffix in _LAUNCHERS)


def undo_unfinished(target: Path, state: InstallState, listener: Listener) -> InstallState:
    """Bring the target back to what the state says is live.

    Whatever was interrupted: the link points to the live generation afterwards, and
    everything else below ``generations`` is gone.

    Returns:
        The state, with nothing being built.
    """
    link = target / LINK_NAME
    if state.live:
        goal = _goal(state.live.generation)
        if not link.is_symlink() or link.readlink() != goal:
            listener.note(f"{link} is set back to {state.live.generation}.")
            replace_link(link, goal)
    elif link.is_symlink():
        link.unlink()
    remove_others(target, state, listener)
    if state.building:
        state = InstallState(live=state.live)
        save_state(target, state)
    return state


def remove_others(target: Path, state: InstallState, listener: Listener) -> None:
    """Delete every generation but the live one. What cannot go now goes next time."""
    for path in _others(target, state):
        if users := users_of(path):
            listener.warn(
                f"{path} is in use by process {', '.join(map(str, users))}, so it stays; the next "
                "run will remove it."
            )
            continue
        listener.note(f"Removing {path.name.strip('.')}, which is not live.")
        try:
            remove_tree(path, inside=path.parent)
        except (OSError, ReportedError) as error:
            listener.warn(
                f"{path} could not be removed now ({error}); the next run will try again."
            )


def reclaimable(target: Path, state: InstallState) -> int:
    """Bytes that leftovers of interrupted runs take, and that the next one frees first."""
    return sum(
        os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118
        for path in _others(target, state)
        for folder, _, names in os.walk(path)
        for name in names
    )


def generation_names(target: Path) -> set[str]:
    """Those that are there, leftovers included."""
    folder = target / "generations"
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _others(target: Path, state: InstallState) -> list[Path]:
    """Everything below ``generations`` but the live one."""
    live = state.live.generation if state.live else None
    names = generation_names(target) - {live}
    return [target / "generations" / name for name in sorted(names)]
