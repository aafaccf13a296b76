"""What interrupted runs leave: put back, or removed."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path

from bootstrap import evidence, inventory, live
from bootstrap.activate import restore_live, withdraw_launchers, write_launchers
from bootstrap.belongings import rescue
from bootstrap.errors import ReportedError, reporting
from bootstrap.events import Listener
from bootstrap.files import is_link, tree_size
from bootstrap.generation import LINK_NAME
from bootstrap.host import users_of
from bootstrap.removal import aside_of, is_aside, put_back, remove_set_aside, remove_tree
from bootstrap.state import InstallState, load_state, save_state
from bootstrap.target import has_owner, hold
from bootstrap.uninstall import begin_removal, finish_removal, remove_trials


def is_unfinished(target: Path, state: InstallState) -> bool:
    """Whether the target is not what its state says, since a run was interrupted."""
    generations = target / "generations"
    if state.building or state.removing or os.path.lexists(aside_of(generations)):
        return True
    if has_owner(target) or _others(target, state):
        return True
    # What somebody else has put there was left by none of our runs.
    if state.live is None or live.is_foreign(target):
        return False
    return live.leads_to(target, state.live.way) != state.live.generation


def undo_unfinished(target: Path, state: InstallState, listener: Listener) -> InstallState:
    """Bring the target back to what the state says is live.

    Whatever was interrupted: ``.venv`` is that of the live generation afterwards, and
    everything else below ``generations`` is gone but what is kept.

    Returns:
        The state, with nothing being built or removed.
    """
    generations = target / "generations"
    if state.live:
        # A removal that was never written down has not begun.
        put_back(generations, inside=target)
    if state.removing:
        listener.note(f"The removal of {state.removing.generation} had begun; it is ended now.")
        finish_removal(target, state, listener)
    remove_set_aside(generations, inside=target)
    if state.building:
        listener.note(f"{state.building} was not finished; what there is of it is removed.")
    if state.live is None:
        live.clear(target)
    elif restore_live(target, state.live):
        listener.note(f"{target / LINK_NAME} is set back to {state.live.generation}.")
    _restore_launchers(target, state, listener)
    remove_others(target, state, listener)
    remove_trials(target)
    if state.building or state.removing:
        state = InstallState(live=state.live, previous=state.previous)
        save_state(target, state)
    return state


def put_in_order(target: Path, listener: Listener) -> InstallState:
    """The same for a target that nobody holds yet, by the state that it has then.

    Raises:
        BusyError: another installer is at work there.
        ReportedError: why it cannot be done.
    """
    with hold(target), reporting("putting it in order", option=None):
        return undo_unfinished(target, load_state(target) or InstallState(), listener)


def discard(target: Path, state: InstallState, listener: Listener) -> InstallState:
    """Remove what is live and what is kept; the caller holds the target.

    Returns:
        The state, with nothing in it.

    Raises:
        BusyError: something of it is in use; nothing was removed.
    """
    if state.live is None:
        return state
    begun = begin_removal(target, state, keep_user_files=True)
    listener.note(f"Removing {state.live.generation}, before the new one is built.")
    finish_removal(target, begun, listener)
    state = InstallState()
    save_state(target, state)
    return state


def _restore_launchers(target: Path, state: InstallState, listener: Listener) -> None:
    try:
        withdraw_launchers(target, state.live)
        live_one = state.live.generation_in(target) if state.live else None
        if live_one:
            write_launchers(target, live_one)
        evidence.show(target, live_one)
    except (OSError, ReportedError) as error:
        listener.warn(f"What {target} is started by could not be put back: {error}.")


def remove_others(
    target: Path,
    state: InstallState,
    listener: Listener,
    *,
    carried: Collection[str] = frozenset(),
) -> None:
    """Delete every generation that is not kept; what cannot go now goes next time.

    What is the user's is not deleted with it.

    Args:
        target: the folder.
        state: says what is kept.
        listener: hears what goes, and what cannot.
        carried: paths in an inventory of the user's files that lie elsewhere by now.
    """
    for path in _others(target, state):
        if users := users_of(path):
            listener.warn(
                f"{path} is in use by process {', '.join(map(str, users))}, so it stays; the next "
                "run will remove it."
            )
            continue
        listener.note(f"Removing {path.name.strip('.')}, which is not live.")
        try:
            # What was never finished has nothing of the user's, what is half deleted no more.
            if path.name != state.building and not is_aside(path):
                rescue(target, path, path.name, listener, carried=carried)
            remove_tree(path, inside=path.parent)
        except (OSError, ReportedError) as error:
            listener.warn(
                f"{path} could not be removed now ({error}); the next run will try again."
            )


def reclaimable(target: Path, state: InstallState) -> int:
    """Bytes that leftovers of interrupted runs take, and that the next one frees first."""
    kept: Iterable[str] = state.kept
    total = 0
    for folder in (target / "generations", aside_of(target / "generations")):
        if folder.is_dir() and not is_link(folder):
            others = (p for p in folder.iterdir() if p.name not in kept and not is_link(p))
            total += sum(_size(path, state) for path in others)
            # They are where they are found first; see undo_unfinished.
            kept = ()
    return total


def _size(path: Path, state: InstallState) -> int:
    if path.name == state.building or is_aside(path) or is_aside(path.parent):
        return tree_size(path)
    try:
        return inventory.own_size({"": path}, inventory.read(path / inventory.FILE_NAME))
    except (OSError, ValueError):
        # All of it will be the user's.
        return 0


def generation_names(target: Path) -> set[str]:
    """Those that are there, leftovers included."""
    folder = target / "generations"
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _others(target: Path, state: InstallState) -> list[Path]:
    """Everything below ``generations`` but what is kept."""
    names = generation_names(target) - state.kept
    return [target / "generations" / name for name in sorted(names)]
