"""What a wheel says of itself: its folders, METADATA, WHEEL and entry points."""

import configparser
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser

from packaging.utils import (
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import Version

from bootstrap.bundle.versions import read_version
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.names import judge_name
from bootstrap.bundle.vetting.places import SCHEMES, landing

_INFO, _DATA = ".dist-info", ".data"
_SECTIONS = ("console_scripts", "gui_scripts")
# ``module:attribute [extras]``; both become text of a program.
_TARGET = re.compile(
    r"\s*(?P<module>\w+(?:\.\w+)*)\s*:\s*(?P<attribute>\w+(?:\.\w+)*)\s*(?:\[[^\]]*\]\s*)?"
)
_SCRIPT = re.compile(r"[\w.+@ -]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Name and version, as a wheel's file name states them."""

    name: NormalizedName
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One that is made from an entry point."""

    name: str
    calls: str


def identify(filename: str, verdict: Verdict) -> Identity | None:
    """Who the wheel is by its file name; None if it is no wheel's."""
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        verdict.add("wheel-name", filename, str(error))
        return None
    for rule, detail in judge_name(filename):
        verdict.add("wheel-name", filename, f"{rule} {detail}")
    return Identity(name=name, version=version)


def find_dist_info(files: Iterable[str], identity: Identity, verdict: Verdict) -> str | None:
    """The folder of the metadata; None where it is not one."""
    tops = {place.partition("/")[0] for place in map(landing, files) if "/" in place}
    found = sorted(top for top in tops if top.lower().endswith(_INFO))
    if len(found) != 1 or not found[0].endswith(_INFO):
        verdict.add("dist-info-count", detail=f"{len(found)}: {', '.join(found[:3])}")
        return None
    stem = found[0].removesuffix(_INFO)
    name, _, version = stem.partition("-")
    if canonicalize_name(name) != identity.name or read_version(version) != identity.version:
        verdict.add("dist-info-name", found[0], f"not {identity.name} {identity.version}")
    return found[0]


def judge_data(files: Iterable[str], dist_info: str, verdict: Verdict) -> None:
    """Members of ``.data`` folders go to known places, and take none that is needed."""
    expected = dist_info.removesuffix(_INFO) + _DATA
    for path in files:
        top, _, rest = path.partition("/")
        # A file of that very name would be searched for its scheme without end.
        if not top.lower().endswith(_DATA) or (not rest and top != expected):
            continue
        scheme, _, inner = rest.partition("/")
        if top != expected:
            verdict.add("data-folder", path, f"not {expected}")
        elif scheme not in SCHEMES or not inner:
            verdict.add("data-scheme", path)
        else:
            judge_place(path, verdict)


# Of an environment, on either system; ``data`` is its folder, ``scripts`` its bin or Scripts.
_PROGRAM = (
    r"(?:python[\d.]*w?|pyvenv|activate(?:_this)?|deactivate)"
    r"(?:\.(?:exe|com|bat|cmd|ps1|py|csh|fish|nu))?"
)
_TAKEN = re.compile(
    rf"\.\./scripts/(?:{_PROGRAM}|python[\d.]*\.dll)"
    rf"|\.\./data/(?:pyvenv\.cfg|evidence(?:/.*)?|(?:bin|scripts)/(?:{_PROGRAM})"
    r"|lib(?:64)?/(?:python[\d.]+/)?site-packages/.*|lib64)",
    re.IGNORECASE | re.DOTALL,
)


def judge_place(path: str, verdict: Verdict) -> None:
    """A file must not take the place of what the environment itself is made of.

    Args:
        path: of the member, or where a script lands.
        verdict: takes what is found.
    """
    if _TAKEN.fullmatch(landing(path)):
        verdict.add("environment-overwritten", path)


def judge_metadata(data: bytes, identity: Identity, member: str, verdict: Verdict) -> None:
    """METADATA states the name and version of the file name, once each."""
    message = _parse(data, member, verdict)
    if message is None:
        return
    names, versions = message.get_all("Name", []), message.get_all("Version", [])
    if [canonicalize_name(name) for name in names] != [identity.name]:
        verdict.add("metadata-name", member, f"name {', '.join(names) or 'missing'}")
    if len(versions) != 1 or read_version(versions[0]) != identity.version:
        verdict.add("metadata-name", member, f"version {', '.join(versions) or 'missing'}")


def judge_wheel_file(data: bytes, member: str, verdict: Verdict) -> None:
    """WHEEL states a version of the format that is known, and where the files go."""
    message = _parse(data, member, verdict)
    if message is None:
        return
    versions, roots = message.get_all("Wheel-Version", []), message.get_all("Root-Is-Purelib", [])
    if len(versions) != 1 or versions[0].strip().partition(".")[0] != "1":
        verdict.add("wheel-version", member, ", ".join(versions) or "missing")
    if len(roots) != 1:
        verdict.add("wheel-version", member, f"{len(roots)} times Root-Is-Purelib")


def _parse(data: bytes, member: str, verdict: Verdict) -> Message | None:
    try:
        return HeaderParser().parsestr(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        verdict.add("metadata-unreadable", member, str(error))
        return None


def parse_scripts(data: bytes) -> tuple[Script, ...]:
    """Scripts that ``entry_points.txt`` asks for.

    Raises:
        ValueError: it cannot be understood.
    """
    parser = configparser.ConfigParser(delimiters="=")
    # Names keep their case.
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(data.decode("utf-8"))
        sections = {name: parser.items(name) for name in _SECTIONS if parser.has_section(name)}
    except configparser.Error as error:
        raise ValueError(str(error)) from error
    return tuple(Script(name=n, calls=v) for items in sections.values() for n, v in items)


def judge_scripts(data: bytes, member: str, verdict: Verdict) -> Mapping[str, str]:
    """Names of scripts are names of files, and what they call are names of Python.

    Returns:
        Each script's name to what it calls.
    """
    try:
        scripts = parse_scripts(data)
    except ValueError as error:
        verdict.add("entry-points-unreadable", member, str(error))
        return {}
    for script in scripts:
        for why in _bad_script(script.name):
            verdict.add("entry-point-name", member, f"{script.name!r} {why}")
        if not _TARGET.fullmatch(script.calls):
            verdict.add("entry-point-target", member, f"{script.name} = {script.calls!r}")
        judge_place(f"x.data/scripts/{script.name}", verdict)
    return {script.name: script.calls for script in scripts}


def _bad_script(name: str) -> Iterator[str]:
    if not _SCRIPT.fullmatch(name):
        yield "has characters that no script needs"
    for rule, _ in judge_name(name):
        yield f"({rule})"
