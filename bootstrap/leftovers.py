"""What interrupted runs leave: put back, or removed."""

import os
from pathlib import Path

from bootstrap import live
from bootstrap.activate import restore_live
from bootstrap.errors import ReportedError
from bootstrap.events import Listener
from bootstrap.files import remove_tree
from bootstrap.generation import LINK_NAME
from bootstrap.host import users_of
from bootstrap.state import InstallState, save_state


def undo_unfinished(target: Path, state: InstallState, listener: Listener) -> InstallState:
    """Bring the target back to what the state says is live.

    Whatever was interrupted: ``.venv`` is that of the live generation afterwards, and
    everything else below ``generations`` is gone.

    Returns:
        The state, with nothing being built or removed.
    """
    if state.live is None:
        live.clear(target)
    elif restore_live(target, state.live):
        listener.note(f"{target / LINK_NAME} is set back to {state.live.generation}.")
    if state.removing:
        remove_tree(target / "generations", inside=target)
    remove_others(target, state, listener)
    if state.building or state.removing:
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
    names = generation_names(target) - {state.live.generation if state.live else None}
    return [target / "generations" / name for name in sorted(names)]
