"""The installer's command line: arguments in, exit code out."""

import argparse
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_data_path

from bootstrap import interrupts, modes
from bootstrap.bundle.reader import BundleReader
from bootstrap.errors import ExitCode, ReportedError, UsageError
from bootstrap.events import Broadcast, Listener
from bootstrap.session import Session
from bootstrap.ui.console import ConsoleListener
from bootstrap.ui.jsonlines import JsonListener, write_event
from bootstrap.ui.log import LogListener


def main(arguments: Sequence[str]) -> int:
    """Run one mode; without one, install.

    Returns:
        The exit code; see :class:`bootstrap.bundle.errors.ExitCode`.
    """
    options = _parse(arguments)
    log = LogListener()
    shown = _shown(options)
    interrupts.listen()
    try:
        if options.log:
            log.open(options.log.absolute())
        answer = _run(options, log, Broadcast([shown, log]))
        code, message, remedy = ExitCode.DONE, answer, ""
    except ReportedError as error:
        code, message, remedy = error.exit_code, error.message, error.remedy
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        message, remedy = "Interrupted; everything is as it was.", "Start again when you like."
    except Exception as error:  # noqa: BLE001 (a bug must be logged and told, not dumped)
        code = ExitCode.UNEXPECTED
        message = f"Unexpected {type(error).__name__}: {error}. This is a bug of the installer."
        remedy = "Send the log file to whoever made this bundle."
        log.write(traceback.format_exc())
    _tell(options, shown, log, code, message, remedy)
    return code


def _run(options: argparse.Namespace, log: LogListener, listener: Listener) -> str:
    reader = BundleReader.open(options.bundle.absolute())
    mode = next((name for name in modes.MODES if getattr(options, name)), "install")
    session = Session(
        reader=reader,
        # Without resolving: a target that is a link must be seen as one.
        target=(options.target or _default_target(reader.index.product)).absolute(),
        allow_no_gpu=options.allow_no_gpu,
        listener=listener,
    )

    def open_log() -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        log.open(session.target / "logs" / f"{mode}-{stamp}.log")

    return modes.run(mode, options, session, open_log)


def _default_target(product: str) -> Path:
    target = user_data_path(product, appauthor=False)
    if not target.is_absolute():
        raise UsageError(
            "This user has no home folder to install into.",
            remedy="Say where to install with --target.",
        )
    return target


def _shown(options: argparse.Namespace) -> Listener:
    if options.json:
        return JsonListener()
    return Listener() if options.silent else ConsoleListener()


def _tell(
    options: argparse.Namespace,
    shown: Listener,
    log: LogListener,
    code: ExitCode,
    message: str,
    remedy: str,
) -> None:
    if isinstance(shown, ConsoleListener):
        shown.close()
    log.write(f"exit code {int(code)}: {message} {remedy}")
    log.close()
    where = f"\n  log: {log.path}" if log.path else ""
    if options.json:
        write_event(
            "result",
            exit_code=int(code),
            phases=log.seconds,
            message=message,
            remedy=remedy,
            log=str(log.path) if log.path else None,
        )
    elif code is ExitCode.DONE:
        if not options.silent or options.list or options.version:
            sys.stdout.write(f"{message}\n")
    else:
        sys.stderr.write(f"error: {message}\n  → {remedy}{where}\n")
        if code is ExitCode.UNEXPECTED and not log.path:
            traceback.print_exc()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=Path(sys.executable if _frozen() else "bootstrap").name,
        description="Installs a complete Python environment without network and without "
        "touching any other Python. Without a mode it installs.",
        allow_abbrev=False,
    )
    parser.add_argument("--target", metavar="DIR", type=Path, help="where to install")
    parser.add_argument("--silent", action="store_true", help="ask nothing, print only errors")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object per line; asks nothing"
    )
    parser.add_argument("--log", metavar="FILE", type=Path, help="default: in <target>/logs")
    parser.add_argument(
        "--allow-no-gpu", action="store_true", help="install although no GPU can be used"
    )
    modes.add_options(parser)
    if not _frozen():
        parser.add_argument("--bundle", metavar="FILE", type=Path, required=True)
    options = parser.parse_args(arguments)
    if _frozen():
        options.bundle = Path(sys.executable)
    return options


def _frozen() -> bool:
    return bool(getattr(sys, "frozen", False))
