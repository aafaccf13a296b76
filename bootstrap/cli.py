"""The installer's command line: arguments in, exit code out."""

import argparse
import functools
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import NoReturn

from bootstrap import interrupts, modes, trust
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import ExitCode, ReportedError, UsageError, reporting
from bootstrap.events import Broadcast, Listener
from bootstrap.logs import new_log
from bootstrap.longpaths import lengthen
from bootstrap.registration import UNINSTALLER
from bootstrap.session import Session
from bootstrap.target import usual_target
from bootstrap.ui import console, dialogs
from bootstrap.ui.console import ConsoleListener
from bootstrap.ui.jsonlines import JsonListener, say, write_event
from bootstrap.ui.log import LogListener
from bootstrap.upkeep import Upkeep


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """How the run ended, in an exit code and in words; the traceback is that of a bug."""

    code: ExitCode
    message: str
    remedy: str = ""
    traceback: str = ""


class _Parser(argparse.ArgumentParser):
    """Leaves it to others to say what is wrong, so that ``--json`` holds for that, too."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(
            f"{message[:1].upper()}{message[1:]}.", remedy="--help shows what there is."
        )


def main(arguments: Sequence[str]) -> int:
    """Run one mode; without one, install.

    Returns:
        The exit code; see :class:`bootstrap.bundle.errors.ExitCode`.
    """
    interrupts.listen()
    _write_all_names()
    log, shown = LogListener(), _shown(arguments)
    named_log: Path | None = None
    try:
        options = _parse(arguments)
        named_log = options.log
        ending = _Ending(code=ExitCode.DONE, message=_run(options, log, Broadcast([shown, log])))
    except ReportedError as error:
        ending = _Ending(code=error.exit_code, message=error.message, remedy=error.remedy)
    except KeyboardInterrupt:
        ending = _Ending(
            code=ExitCode.INTERRUPTED,
            message="Interrupted; everything is as it was.",
            remedy="Start again when you like.",
        )
    except Exception as error:  # noqa: BLE001 (a bug must be logged and told, not dumped)
        ending = _Ending(
            code=ExitCode.UNEXPECTED,
            message=f"Unexpected {type(error).__name__}: {error}. This is a bug of the installer.",
            remedy="Send the log file, or what stands above, to whoever made this bundle.",
            traceback=traceback.format_exc(),
        )
    interrupts.ignore()
    _write_log(log, ending, named_log)
    _tell(ending, shown, log)
    return ending.code


def _run(options: argparse.Namespace, log: LogListener, listener: Listener) -> str:
    mode = _mode(options)
    modes.require_fitting(mode, options)
    open_bundle = functools.cache(lambda: _open_bundle(options))
    target = _target(options, mode, open_bundle)

    def open_log() -> None:
        if options.log:
            log.open(options.log)
            return
        path = new_log(target, mode)
        with reporting("opening a log"):
            path.parent.mkdir(parents=True, exist_ok=True)
        log.open(path)

    # When installing, a log in the target must wait until the target was looked at.
    if options.log and mode not in ("install", "repair"):
        log.open(options.log)
    if mode in modes.UPKEEP:
        upkeep = Upkeep(target=target, allow_no_gpu=options.allow_no_gpu, listener=listener)
        return modes.keep_up(mode, options, upkeep, open_log, _asker(options))
    session = Session(
        reader=open_bundle(),
        target=target,
        wishes=modes.wishes(mode, options),
        listener=listener,
    )
    return modes.run(mode, options, session, open_log, _asker(options))


def _mode(options: argparse.Namespace) -> str:
    # Somebody may double-click it where it lies, too.
    usual = "uninstall" if _is_uninstaller() else "install"
    return next((name for name in modes.MODES if getattr(options, name)), usual)


def _is_uninstaller() -> bool:
    """Whether this is the program without a payload that lies in an installation."""
    return _frozen() and Path(sys.executable).name.lower() == UNINSTALLER


def _target(
    options: argparse.Namespace, mode: str, open_bundle: Callable[[], BundleReader]
) -> Path:
    target = options.target
    if target is None and mode not in modes.OF_A_TARGET:
        return Path()
    if target is None and mode in modes.UPKEEP and _is_uninstaller():
        target = Path(sys.executable).parent
    target = target or usual_target(open_bundle().index.product)
    # Without resolving: a target that is a link must be seen as one.
    return lengthen(Path(os.path.abspath(target)))  # noqa: PTH100 (Path.absolute keeps "..")


def _open_bundle(options: argparse.Namespace) -> BundleReader:
    if _is_uninstaller():
        raise UsageError(
            f"{options.bundle} only verifies and removes what is installed.",
            remedy="Use the installer that it came from.",
        )
    path = options.bundle.absolute()
    return BundleReader.open(path, trust.judge_of(path))


def _asker(options: argparse.Namespace) -> modes.Ask:
    if options.silent or options.json:
        return lambda *_: True
    return dialogs.ask if dialogs.wanted() else console.ask


def _write_all_names() -> None:
    """Also where Windows would use another encoding, as in pipes, and names are not Unicode."""
    encoding = "utf-8" if sys.platform == "win32" else None
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _shown(arguments: Sequence[str]) -> Listener:
    # Looked for before parsing: what is wrong with the rest must be told in the same way.
    if "--json" in arguments:
        return JsonListener()
    return Listener() if "--silent" in arguments else ConsoleListener()


def _write_log(log: LogListener, ending: _Ending, named: Path | None) -> None:
    if named and ending.code is not ExitCode.DONE:
        # Where nothing else opened it; what went wrong matters more than that this might.
        with suppress(ReportedError, OSError):
            log.open(named)
    log.write(f"exit code {int(ending.code)}: {ending.message} {ending.remedy}")
    if ending.traceback:
        log.write(ending.traceback)
    log.close()


def _tell(ending: _Ending, shown: Listener, log: LogListener) -> None:
    if isinstance(shown, ConsoleListener):
        shown.close()
    if isinstance(shown, JsonListener):
        write_event(
            "result",
            exit_code=int(ending.code),
            phases=log.seconds,
            message=ending.message,
            remedy=ending.remedy,
            log=str(log.path) if log.path else None,
        )
    with suppress(OSError):
        if ending.traceback and not log.path:
            say(sys.stderr, ending.traceback)
        if not isinstance(shown, JsonListener):
            _print(ending, log, silent=not isinstance(shown, ConsoleListener))
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            # Whoever listened is gone. Python would flush once more at its end, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _print(ending: _Ending, log: LogListener, *, silent: bool) -> None:
    if dialogs.wanted() and not silent and ending.code is not ExitCode.INTERRUPTED:
        parts = [ending.message, ending.remedy, f"log: {log.path}" if log.path else ""]
        text = "\n\n".join(part for part in parts if part)
        dialogs.tell(text, failed=ending.code is not ExitCode.DONE)
    if ending.code is not ExitCode.DONE:
        where = f"\n  log: {log.path}" if log.path else ""
        say(sys.stderr, f"error: {ending.message}\n  → {ending.remedy}{where}\n")
    elif not silent:
        say(sys.stdout, f"{ending.message}\n")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(
        prog=Path(sys.executable if _frozen() else "bootstrap").name,
        description="Installs a complete Python environment without network and without "
        "touching any other Python. Without a mode it installs.",
        epilog="Exit codes: 0 done, 2 usage, 10 damaged, 11 not trusted, 20 no space, 21 not "
        "writable, 22 unsafe target, 23 busy, 24 this machine cannot run it, 30 installation "
        "failed, 31 verification failed; README.txt explains them all.",
        allow_abbrev=False,
    )
    parser.add_argument("--target", metavar="DIR", type=_path, help="where to install")
    parser.add_argument("--silent", action="store_true", help="ask nothing, print only errors")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object per line; asks nothing"
    )
    parser.add_argument(
        "--log",
        metavar="FILE",
        type=_path,
        help="default when installing or verifying: in <target>/logs",
    )
    parser.add_argument(
        "--allow-no-gpu", action="store_true", help="install although no GPU can be used"
    )
    parser.add_argument(
        "--watch-torch",
        action="store_true",
        help="warn whenever the new Python starts and torch is no longer the installed one",
    )
    modes.add_options(parser)
    if not _frozen():
        parser.add_argument("--bundle", metavar="FILE", type=_path, required=True)
    options = parser.parse_args(arguments)
    if _frozen():
        options.bundle = Path(sys.executable)
    return options


def forbidden_characters(text: str) -> str:
    """Those of a Windows path that no name of a file or folder may have."""
    rest = text.removeprefix("\\\\?\\")
    rest = rest[len(PureWindowsPath(rest).drive) :]
    return "".join(sorted(set(rest) & set('<>:"|?*')))


def _path(text: str) -> Path:
    # An unset variable in a script must not become the current folder.
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    # Configuration files that hold the path could not be read back.
    if not text.isprintable():
        raise argparse.ArgumentTypeError("has characters that cannot be printed")
    if sys.platform == "win32" and (forbidden := forbidden_characters(text)):
        raise argparse.ArgumentTypeError(
            f"has {forbidden} in it, which no name may have (a backslash before a closing "
            "quotation mark must be left out)"
        )
    return Path(text)


def _frozen() -> bool:
    return bool(getattr(sys, "frozen", False))
