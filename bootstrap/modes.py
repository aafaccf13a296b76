"""What the installer can be asked to do: one function per mode, each answers with a sentence."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bootstrap import __version__
from bootstrap.bundle.model import Index
from bootstrap.errors import DeclinedError, NotWritableError, UsageError
from bootstrap.extract import extract_wheelhouse
from bootstrap.plan import InstallPlan
from bootstrap.session import Session
from bootstrap.state import Installed, load_state
from bootstrap.ui.text import describe_bundle, describe_plan, list_bundle
from bootstrap.upkeep import Upkeep
from bootstrap.wishes import Old, Wishes

MODES = (
    *("check", "check_media", "list", "extract", "verify"),
    *("rollback", "repair", "uninstall", "version"),
)
OF_A_TARGET = ("install", "check", "verify", "rollback", "repair", "uninstall")
# About what is installed; the bundle is not needed for it.
UPKEEP = ("verify", "rollback", "uninstall")
# Option and the modes that it goes with.
_BELONGINGS = {
    "deep": ("verify",),
    "keep_user_files": ("uninstall",),
    "keep_previous": ("install", "check"),
    "discard_previous": ("install", "check"),
    "allow_downgrade": ("install", "check"),
    "keep_extras": ("install", "check", "repair"),
    "watch_torch": ("install",),
}
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
        "--rollback",
        action="store_true",
        help="go back to what was live before, if --keep-previous has kept it",
    )
    group.add_argument(
        "--repair", action="store_true", help="build what is installed anew, if it has changed"
    )
    group.add_argument(
        "--uninstall", action="store_true", help="remove what was installed, and nothing else"
    )
    group.add_argument("--version", action="store_true", help="say what this bundle is")
    parser.add_argument("--deep", action="store_true", help="with --verify: hash every file again")
    parser.add_argument(
        "--keep-user-files",
        action="store_true",
        help="with --uninstall: move what is yours out of the environment before",
    )
    _add_wishes(parser)


def _add_wishes(parser: ArgumentParser) -> None:
    """What goes with installing only."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--keep-previous", action="store_true", help="keep what is live now, for --rollback"
    )
    group.add_argument(
        "--discard-previous",
        action="store_true",
        help="remove what is live now first, where the disk holds only one; if installing then "
        "fails, none is left",
    )
    parser.add_argument(
        "--keep-extras",
        action="store_true",
        help="bring along the packages that you have added, as far as they fit",
    )
    parser.add_argument(
        "--allow-downgrade", action="store_true", help="install over a newer version"
    )


def wishes(mode: str, options: Namespace) -> Wishes:
    """What was asked for, as a value."""
    old: Old = "repair" if mode == "repair" else "remove"
    if options.keep_previous:
        old = "keep"
    if options.discard_previous:
        old = "discard"
    return Wishes(
        allow_no_gpu=options.allow_no_gpu,
        allow_downgrade=options.allow_downgrade,
        keep_extras=options.keep_extras,
        old=old,
        watch_torch=options.watch_torch,
    )


def require_fitting(mode: str, options: Namespace) -> None:
    """Refuse options that belong to another mode.

    Raises:
        UsageError: names the option.
    """
    for option, fitting in _BELONGINGS.items():
        if getattr(options, option) and mode not in fitting:
            name, with_it = option.replace("_", "-"), fitting[0]
            other = f"with --{with_it}" if with_it in MODES else "with installing"
            raise UsageError(f"--{name} goes {other} only.", remedy="Leave it out.")
    if options.keep_extras and options.discard_previous:
        raise UsageError(
            "--keep-extras takes from the old environment what --discard-previous removes first.",
            remedy="Leave one of them out; what you have added is moved to user-files either way.",
        )


def keep_up(mode: str, options: Namespace, upkeep: Upkeep, open_log: _LogOpener, ask: Ask) -> str:
    """Run one of the modes :data:`UPKEEP`.

    Raises:
        ReportedError: what went wrong.
    """
    if mode == "uninstall":
        return _uninstall(upkeep, ask, keep_user_files=options.keep_user_files)
    if mode == "rollback":
        return _rollback(upkeep, open_log, ask)
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
    if mode == "repair":
        return _repair(session, open_log, ask)
    simple = {"check": _check, "check_media": _check_media, "list": _list, "version": _version}
    return simple[mode](session)


def _confirm(open_log: _LogOpener, ask: Ask) -> Callable[[InstallPlan], bool]:
    def confirm(plan: InstallPlan) -> bool:
        details = [*describe_plan(plan), *(f"warning: {warning}" for warning in plan.warnings)]
        if not ask(f"Install into {plan.generation.root}?", details):
            return False
        open_log()
        return True

    return confirm


def _install(session: Session, open_log: _LogOpener, ask: Ask) -> str:
    report = session.install(_confirm(open_log, ask))
    if report is None:
        raise _declined("written")
    return f"{_what(session.reader.index)} is installed in {session.target}: {report.verdict}."


def _repair(session: Session, open_log: _LogOpener, ask: Ask) -> str:
    done = session.repair(_confirm(open_log, ask))
    if done is None:
        raise _declined("written")
    report, built = done
    what, target = _what(session.reader.index), session.target
    if built:
        return f"{what} was built anew in {target}: {report.verdict}."
    return f"{what} in {target} needs no repair: {report.verdict}."


def _rollback(upkeep: Upkeep, open_log: _LogOpener, ask: Ask) -> str:
    previous, live = upkeep.kept(), upkeep.installed()
    details = [
        f"back to   {_what(previous)}, installed {previous.installed:%Y-%m-%d}",
        *([f"from      {_what(live)}, which is kept"] if live else []),
    ]
    _show(upkeep, details)
    if not ask(f"Go back in {upkeep.target}?", details):
        raise _declined("changed")
    open_log()
    report = upkeep.rollback(previous)
    return f"{_what(previous)} is live in {upkeep.target} again: {report.verdict}."


def _uninstall(upkeep: Upkeep, ask: Ask, *, keep_user_files: bool) -> str:
    gone, strange = upkeep.installed(), upkeep.belongings()
    what = f"{_what(gone)} ({gone.variant})" if gone else "What was begun there"
    details = [what]
    if strange:
        fate = "are kept" if keep_user_files else "go as well, unless you add --keep-user-files"
        details.append(f"{len(strange)} files that you have added, such as {strange[0]}, {fate}")
    _show(upkeep, details)
    if not ask(f"Remove it from {upkeep.target}?", details):
        raise _declined("removed")
    kept = upkeep.uninstall(keep_user_files=keep_user_files)
    message = f"{what} is removed from {upkeep.target}."
    if not kept:
        return message
    return f"{message} Not by this installer, and so kept: {', '.join(kept)}."


def _show(upkeep: Upkeep, details: Iterable[str]) -> None:
    """As the plan is shown; who asks on a terminal takes it for read."""
    for line in details:
        upkeep.listener.note(line)


def _what(one: Index | Installed) -> str:
    return f"{one.product} {one.version}"


def _declined(done: str) -> DeclinedError:
    return DeclinedError(f"You have answered no; nothing was {done}.", remedy="Start again.")


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
