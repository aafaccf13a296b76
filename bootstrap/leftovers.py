"""What interrupted runs leave: put back, or removed."""

from pathlib import Path

from bootstrap import live
from bootstrap.activate import restore_live, withdraw_launchers, write_launchers
from bootstrap.errors import ReportedError
from bootstrap.events import Listener
from bootstrap.files import is_link, tree_size
from bootstrap.generation import LINK_NAME
from bootstrap.host import users_of
from bootstrap.removal import aside_of, put_back, remove_set_aside, remove_tree
from bootstrap.state import InstallState, save_state
from bootstrap.uninstall import finish_removal


def undo_unfinished(target: Path, state: InstallState, listener: Listener) -> InstallState:
    """Bring the target back to what the state says is live.

    Whatever was interrupted: ``.venv`` is that of the live generation afterwards, and
    everything else below ``generations`` is gone.

    Returns:
        The state, with nothing being built or removed.
    """
    generations = target / "generations"
    if state.live:
        # A removal that was never written down has not begun.
        put_back(generations, inside=target)
    remove_set_aside(generations, inside=target)
    if state.removing:
        finish_removal(target, state.removing, listener)
    if state.live is None:
        live.clear(target)
    elif restore_live(target, state.live):
        listener.note(f"{target / LINK_NAME} is set back to {state.live.generation}.")
    _restore_launchers(target, state, listener)
    remove_others(target, state, listener)
    if state.building or state.removing:
        state = InstallState(live=state.live)
        save_state(target, state)
    return state


def _restore_launchers(target: Path, state: InstallState, listener: Listener) -> None:
    try:
        withdraw_launchers(target, state)
        if state.live:
            write_launchers(target, state.live.generation_in(target))
    except (OSError, ReportedError) as error:
        listener.warn(f"What {target} is started by could not be put back: {error}.")


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
    kept = state.live.generation if state.live else None
    total = 0
    for folder in (target / "generations", aside_of(target / "generations")):
        if folder.is_dir() and not is_link(folder):
            others = (path for path in folder.iterdir() if path.name != kept and not is_link(path))
            total += sum(map(tree_size, others))
            # It is where it is found first; see undo_unfinished.
            kept = None
    return total


def generation_names(target: Path) -> set[str]:
    """Those that are there, leftovers included."""
    folder = target / "generations"
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _others(target: Path, state: InstallState) -> list[Path]:
    """Everything below ``generations`` but the live one."""
    names = generation_names(target) - {state.live.generation if state.live else None}
    return [target / "generations" / name for name in sorted(names)]
