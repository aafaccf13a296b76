"""What becomes of a hostile wheel: where it is built in, and where it is installed."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bootstrap.bundle.errors import ExitCode, ReportedError
from bootstrap.bundle.reader import BundleReader
from bootstrap.bundle.vetting.findings import VettingError
from bootstrap.events import Listener
from bootstrap.generation import Generation
from bootstrap.install.earlier import Earlier
from bootstrap.install.wheels import install_wheels
from builder.wheels import read_wheel
from tests.hostile.wheels.case import CANARY, Case
from tests.support.tiny_bundle import tiny_bundle, tiny_index


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What happened.

    Attributes:
        rules: that the builder has named.
        code: what installing a bundle with it ended with.
        escaped: files and links that lie where none must.
        ran: whether code of the wheel was executed.
    """

    rules: frozenset[str]
    code: ExitCode
    escaped: tuple[str, ...]
    ran: bool


def try_out(case: Case, folder: Path) -> Trial:
    """Vet a wheel as the builder does, then install it from a bundle that nobody has vetted.

    Args:
        case: which one.
        folder: an empty one.
    """
    wheel = case.write(folder)
    data = wheel.read_bytes()
    allowance = case.allowance(data) if case.allowance else None
    rules = frozenset[str]()
    try:
        read_wheel(wheel, case.filename, depth="contents", allowance=allowance)
    except VettingError as error:
        rules = frozenset(finding.rule for finding in error.findings)
    index = tiny_index(wheel=wheel)
    demo = index.wheels[0]
    entry = msgspec.structs.replace(demo.entry, name=f"wheels/{case.filename}")
    demo = msgspec.structs.replace(demo, filename=case.filename, entry=entry)
    group = msgspec.structs.replace(index.groups[0], wheels=(demo,))
    index = msgspec.structs.replace(
        index, groups=(group,), allowances=(allowance,) if allowance else ()
    )
    bundle = tiny_bundle(folder, index, wheel=wheel)
    code = _install(bundle, folder / "target")
    return Trial(
        rules=rules,
        code=code,
        escaped=tuple(_escaped(folder, {wheel, bundle})),
        ran=(folder / CANARY).exists(),
    )


def _install(bundle: Path, target: Path) -> ExitCode:
    generation = Generation(root=target, name="1", target="linux_x86_64", python_version="3.11")
    try:
        install_wheels(BundleReader.open(bundle), generation, Earlier.none(), Listener())
    except ReportedError as error:
        return error.exit_code
    return ExitCode.DONE


def _escaped(folder: Path, expected: set[Path]) -> Iterable[str]:
    target = folder / "target"
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place, name)
            inside = target in path.parents or path == target
            if path.is_symlink() or not (inside or path in expected or name == CANARY):
                yield str(path)
    # What an absolute path, or one up too many, would have made.
    for path in (Path("/outside.py"), Path("/outside"), folder.parent / "outside.py"):
        with suppress(OSError):
            if path.exists():
                yield str(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelCounts:
    """What became of many.

    Attributes:
        tried: how many.
        refused_by_builder: for the rule that had to stop them.
        refused_by_installer: with 12 (refused content) or 10 (damaged).
        harmless: that an installer takes, of those that only other programs have to be afraid of.
        escaped: that wrote a file where none must be.
        ran: whose code was executed.
    """

    tried: int
    refused_by_builder: int
    refused_by_installer: int
    harmless: int
    escaped: int
    ran: int


def count_wheels(cases: Iterable[Case], folder: Path) -> WheelCounts:
    """Try many, each in a folder of its own below ``folder``."""
    found = []
    for number, case in enumerate(cases):
        place = folder / f"{number:05d}"
        place.mkdir()
        found.append((case, try_out(case, place)))
    refused = {ExitCode.REFUSED_CONTENT, ExitCode.DAMAGED}
    return WheelCounts(
        tried=len(found),
        refused_by_builder=sum(case.rule in trial.rules for case, trial in found),
        refused_by_installer=sum(trial.code in refused for _, trial in found),
        harmless=sum(
            trial.code is ExitCode.DONE and not case.seen_at_once for case, trial in found
        ),
        escaped=sum(bool(trial.escaped) for _, trial in found),
        ran=sum(trial.ran for _, trial in found),
    )
