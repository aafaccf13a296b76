"""Makes a finished generation live, and removes what is not live any more."""

import os
from pathlib import Path

from bootstrap.errors import ReportedError, UnsafeTargetError
from bootstrap.events import Listener
from bootstrap.files import remove_tree, replace_file, replace_link
from bootstrap.generation import Generation
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

    The state is written last. Whoever finds the link ahead of it finishes the switch
    by running the installer again.
    """
    # Relative, so that the link survives when the disk is mounted elsewhere.
    replace_link(target / LINK_NAME, Path("generations") / generation.name / "venv")
    save_state(target, InstallState(live=installed))
    for path in generation.documents.iterdir():
        if path.suffix in _LAUNCHERS:
            replace_file(target / path.name, path.read_bytes())
            (target / path.name).chmod(0o755)


def undo_unfinished(target: Path, state: InstallState, listener: Listener) -> InstallState:
    """Bring the target back to what the state says is live.

    Whatever was interrupted: the link points to the live generation afterwards, and
    everything else below ``generations`` is gone.

    Returns:
        The state, with nothing being built.
    """
    link = target / LINK_NAME
    if state.live:
        proper = Path("generations") / state.live.generation / "venv"
        if not link.is_symlink() or link.readlink() != proper:
            listener.note(f"{link} is set back to {state.live.generation}.")
            replace_link(link, proper)
    elif link.is_symlink():
        link.unlink()
    remove_others(target, state, listener)
    if state.building:
        state = InstallState(live=state.live)
        save_state(target, state)
    return state


def remove_others(target: Path, state: InstallState, listener: Listener) -> None:
    """Delete every generation but the live one. What cannot go now goes next time."""
    folder = target / "generations"
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if state.live and path.name == state.live.generation:
            continue
        listener.note(f"Removing {path.name.strip('.')}, which is not live.")
        try:
            remove_tree(path, inside=folder)
        except (OSError, ReportedError) as error:
            listener.warn(
                f"{path} could not be removed now ({error}); the next run will try again."
            )
