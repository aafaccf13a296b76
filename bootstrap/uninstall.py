"""Removes an installation, and nothing that it did not make."""

import re
from pathlib import Path

from bootstrap import live, registration
from bootstrap.activate import require_unused, restore_live, withdraw_launchers
from bootstrap.errors import ReportedError
from bootstrap.events import Listener
from bootstrap.files import is_link, part_of, patiently, remove_file
from bootstrap.host import TRIAL_PREFIX
from bootstrap.interrupts import held
from bootstrap.registration import UNINSTALLER, Place
from bootstrap.removal import remove_tree, set_aside
from bootstrap.state import FILE_NAME, Installed, InstallState, save_state

# As the command line names them.
_LOG_NAME = re.compile(r"[a-z_]+-\d{8}T\d{6}Z\.log")


def uninstall(target: Path, state: InstallState, listener: Listener) -> tuple[str, ...]:
    """Remove all that was installed; the caller holds the target.

    First everything is taken out of the way in one step, which fails where it is in use and
    then changes nothing. The state goes last, so that after a crash the next run ends it.

    Args:
        target: the folder.
        state: what is installed there.
        listener: hears of what could not be removed outside of the target.

    Returns:
        Names of what stays in the target until this program has ended.

    Raises:
        BusyError: something of it is in use.
        OSError: something cannot be deleted.
    """
    require_unused(target)
    gone = state.live or state.removing
    # Begun it is ended: whoever was told that everything is as it was would find half of it.
    with held(too_late=True):
        withdraw_launchers(target, state)
        _set_aside(target, state)
        save_state(target, InstallState(removing=gone))
        going = finish_removal(target, gone, listener)
        _remove_logs(target / "logs")
        remove_file(part_of(target / FILE_NAME))
        remove_file(target / FILE_NAME)
    return going


def finish_removal(target: Path, gone: Installed | None, listener: Listener) -> tuple[str, ...]:
    """Remove what is left of an installation whose removal is written down, but for the logs.

    Returns:
        As :func:`uninstall`.
    """
    if gone:
        _unregister(gone, target, listener)
    live.clear(target)
    remove_tree(target / "generations", inside=target)
    _remove_files(target, gone.launchers if gone else ())
    return (UNINSTALLER,) if registration.remove_uninstaller(target, listener) else ()


def _set_aside(target: Path, state: InstallState) -> None:
    try:
        # Where it is a real folder, it goes together with its generation.
        if live.present(target) == "folder":
            live.clear(target)
        set_aside(target / "generations", inside=target)
    except BaseException:
        if state.live:
            restore_live(target, state.live)
        raise


def _unregister(gone: Installed, target: Path, listener: Listener) -> None:
    try:
        registration.unregister(Place.of_installed(gone, target))
    except (OSError, ReportedError) as error:
        listener.warn(f"Something of it is left in the system's menu or list: {error}.")


def _remove_files(target: Path, launchers: tuple[str, ...]) -> None:
    for name in (*launchers, UNINSTALLER):
        remove_file(part_of(target / name))
    for path in [*(target / name for name in launchers), *target.glob(f"{TRIAL_PREFIX}*")]:
        if path.is_file():
            remove_file(path)


def _remove_logs(logs: Path) -> None:
    if is_link(logs) or not logs.is_dir():
        return
    for path in list(logs.iterdir()):
        if _LOG_NAME.fullmatch(path.name):
            remove_file(path)
    if not any(logs.iterdir()):
        patiently(logs.rmdir, logs)
