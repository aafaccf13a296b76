"""What the installer can be asked to do: one function per mode, each answers with a sentence."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bootstrap import __version__
from bootstrap.errors import DeclinedError, NotWritableError, UsageError
from bootstrap.extract import extract_wheelhouse
from bootstrap.plan import InstallPlan
from bootstrap.session import Session
from bootstrap.state import load_state
from bootstrap.ui.text import describe_bundle, describe_plan, list_bundle
from bootstrap.upkeep import Upkeep

MODES = ("check", "check_media", "list", "extract", "verify", "uninstall", "version")
OF_A_TARGET = ("install", "check", "verify", "uninstall")
# About what is installed; the bundle is not needed for it.
UPKEEP = ("verify", "uninstall")
_LogOpener = Callable[[], None]
# Gets a question and what there is to know before answering.
Ask = Callable[[str, Iterable[str]], bool]


def add_options(parser: ArgumentParser) -> None:
    """The modes; at most one may be given."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--check", action="store_true", help="this machine against this bundle; writes nothing"
    )
    group.add_argument(
        "--check-media",
        action="store_true",
        help="read and check every byte of this file and its volumes",
    )
    group.add_argument("--list", action="store_true", help="show what is inside")
    group.add_argument(
        "--extract", metavar="DIR", type=Path, help="give the wheels back, for pip or uv"
    )
    group.add_argument("--verify", action="store_true", help="prove what is installed")
    group.add_argument(
        "--uninstall", action="store_true", help="remove what was installed, and nothing else"
    )
    group.add_argument("--version", action="store_true", help="say what this bundle is")
    parser.add_argument("--deep", action="store_true", help="with --verify: hash every file again")


def require_fitting(mode: str, options: Namespace) -> None:
    """Refuse options that belong to another mode.

    Raises:
        UsageError: names the option.
    """
    if options.deep and mode != "verify":
        raise UsageError("--deep goes with --verify.", remedy="Add --verify, or leave it out.")
    if options.watch_torch and mode != "install":
        raise UsageError("--watch-torch goes with installing.", remedy="Leave it out.")


def keep_up(mode: str, options: Namespace, upkeep: Upkeep, open_log: _LogOpener, ask: Ask) -> str:
    """Run one of the modes :data:`UPKEEP`.

    Raises:
        ReportedError: what went wrong.
    """
    if mode == "uninstall":
        return _uninstall(upkeep, ask)
    return _verify(upkeep, open_log, deep=options.deep)


def run(mode: str, options: Namespace, session: Session, open_log: _LogOpener, ask: Ask) -> str:
    """Run one of the other modes, or install.

    Raises:
        ReportedError: what went wrong.
    """
    if mode == "extract":
        return _extract(session, options.extract)
    if mode == "install":
        return _install(session, open_log, ask)
    simple = {"check": _check, "check_media": _check_media, "list": _list, "version": _version}
    return simple[mode](session)


def _install(session: Session, open_log: _LogOpener, ask: Ask) -> str:
    def confirm(plan: InstallPlan) -> bool:
        details = [*describe_plan(plan), *(f"warning: {warning}" for warning in plan.warnings)]
        if not ask(f"Install into {plan.generation.root}?", details):
            return False
        open_log()
        return True

    report = session.install(confirm)
    if report is None:
        raise DeclinedError("You have answered no; nothing was written.", remedy="Start again.")
    return (
        f"{session.reader.index.product} {session.reader.index.version} is installed in "
        f"{session.target}: {report.verdict}."
    )


def _uninstall(upkeep: Upkeep, ask: Ask) -> str:
    gone = upkeep.installed()
    what = f"{gone.product} {gone.version} ({gone.variant})" if gone else "What was begun there"
    if not ask(f"Remove it from {upkeep.target}?", [what]):
        raise DeclinedError("You have answered no; nothing was removed.", remedy="Start again.")
    kept = upkeep.uninstall()
    message = f"{what} is removed from {upkeep.target}."
    if not kept:
        return message
    return f"{message} Not by this installer, and so kept: {', '.join(kept)}."


def _verify(upkeep: Upkeep, open_log: _LogOpener, *, deep: bool) -> str:
    if load_state(upkeep.target):
        # Who verifies need not be allowed to write there.
        with suppress(NotWritableError):
            open_log()
    report = upkeep.verify(deep=deep)
    return f"All that was installed in {upkeep.target} is there, unchanged: {report.verdict}."


def _check(session: Session) -> str:
    plan = session.plan()
    if plan.refusal:
        raise plan.refusal
    return f"This machine can run {session.reader.index.product} {session.reader.index.variant}."


def _check_media(session: Session) -> str:
    reader, listener = session.reader, session.listener
    volumes, entries = reader.index.volumes, reader.index.entries
    listener.phase("check media", sum(part.size for part in volumes or entries))
    if volumes:
        reader.verify_volumes(listener.working_on, listener.advance)
    else:
        for entry in sorted(entries, key=lambda entry: entry.offset):
            listener.working_on(entry.name)
            reader.verify_entry(entry, listener.advance)
    reader.verify_rest()
    split = f" in {len(volumes)} volumes" if volumes else ""
    return f"{reader.path.name} is intact: {len(entries)} members{split} and the program."


def _list(session: Session) -> str:
    return "\n".join(list_bundle(session.reader.index))


def _extract(session: Session, folder: Path) -> str:
    lock = extract_wheelhouse(session.reader, folder.absolute(), session.listener)
    return f"{len(session.reader.index.wheels)} wheels and {lock} are ready for pip or uv."


def _version(session: Session) -> str:
    return f"{describe_bundle(session.reader.index)}, installer {__version__}"
