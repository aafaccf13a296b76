"""Removes an installation, and nothing that it did not make."""

from pathlib import Path

from bootstrap import evidence, live, registration
from bootstrap.activate import require_unused, restore_live, withdraw_launchers
from bootstrap.belongings import require_haven, rescue
from bootstrap.errors import DISK_FULL, ReportedError
from bootstrap.events import Listener
from bootstrap.files import is_link, part_of, remove_file
from bootstrap.host import TRIAL_PREFIX
from bootstrap.interrupts import held
from bootstrap.logs import remove_logs
from bootstrap.registration import UNINSTALLER, Place
from bootstrap.removal import aside_of, is_aside, put_back, remove_tree, set_aside
from bootstrap.state import FILE_NAME, Installed, InstallState, save_state


def uninstall(
    target: Path, state: InstallState, listener: Listener, *, keep_user_files: bool
) -> tuple[str, ...]:
    """Remove all that was installed; the caller holds the target.

    The state goes last, so that after a crash the next run ends it.

    Args:
        target: the folder.
        state: what is installed there.
        listener: hears of what could not be removed outside of the target.
        keep_user_files: move what is the user's out of it before.

    Returns:
        Names of what stays in the target until this program has ended.

    Raises:
        BusyError: something of it is in use.
        OSError: something cannot be deleted.
    """
    # Begun it is ended: whoever was told that everything is as it was would find half of it.
    with held(too_late=True):
        begun = begin_removal(target, state, keep_user_files=keep_user_files)
        going = finish_removal(target, begun, listener)
        remove_logs(target)
        remove_file(part_of(target / FILE_NAME))
        remove_file(target / FILE_NAME)
    return going


def begin_removal(target: Path, state: InstallState, *, keep_user_files: bool) -> InstallState:
    """Take everything out of the way in one step, and write down that it goes.

    Returns:
        The state, as written.

    Raises:
        BusyError: something of it is in use; nothing was changed.
        UnsafeTargetError: what is the user's has no place to go to; nothing was changed.
        OSError: something cannot be changed, or the disk is full; nothing was.
    """
    require_unused(target)
    if keep_user_files:
        require_haven(target)
    withdraw_launchers(target, state.live)
    begun = InstallState(
        removing=state.live or state.removing,
        building=state.building,
        keep_user_files=keep_user_files,
    )
    try:
        # Where it is a real folder, it goes together with its generation.
        if live.present(target) == "folder":
            live.clear(target)
        set_aside(target / "generations", inside=target)
        _write_down(target, begun)
    except BaseException:
        if state.live:
            put_back(target / "generations", inside=target)
            restore_live(target, state.live)
        raise
    return begun


def _write_down(target: Path, begun: InstallState) -> None:
    try:
        save_state(target, begun)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        # Nothing else may go before it is written down.
        remove_logs(target)
        save_state(target, begun)


def finish_removal(target: Path, state: InstallState, listener: Listener) -> tuple[str, ...]:
    """Remove what is left of an installation whose removal is written down, but for the logs.

    Returns:
        As :func:`uninstall`.
    """
    gone = state.removing
    if gone:
        _unregister(gone, target, listener)
    live.clear(target)
    evidence.hide(target)
    if state.keep_user_files:
        _rescue_all(target, state, listener)
    remove_tree(target / "generations", inside=target)
    _remove_files(target, gone.launchers if gone else ())
    return (UNINSTALLER,) if registration.remove_uninstaller(target, listener) else ()


def _rescue_all(target: Path, state: InstallState, listener: Listener) -> None:
    generations = target / "generations"
    for where in (generations, aside_of(generations)):
        if where.is_dir() and not is_link(where):
            for folder in sorted(where.iterdir()):
                if folder.name != state.building and not is_aside(folder):
                    rescue(target, folder, folder.name, listener)
                    # Half deleted, it must not be taken for one that nobody has looked through.
                    set_aside(folder, inside=where)


def _unregister(gone: Installed, target: Path, listener: Listener) -> None:
    try:
        registration.unregister(Place.of_installed(gone, target))
    except (OSError, ReportedError) as error:
        listener.warn(f"Something of it is left in the system's menu or list: {error}.")


def _remove_files(target: Path, launchers: tuple[str, ...]) -> None:
    for name in (*launchers, UNINSTALLER):
        remove_file(part_of(target / name))
    for path in (target / name for name in launchers):
        if path.is_file():
            remove_file(path)
    remove_trials(target)


def remove_trials(target: Path) -> None:
    """Delete what was made to see whether something can be made, if that was interrupted."""
    for path in target.glob(f"{TRIAL_PREFIX}*"):
        if path.is_file():
            remove_file(path)
