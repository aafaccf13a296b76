"""What an installation would do: a value, made before anything is written. Pure."""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from packaging.version import Version

from bootstrap.bundle.model import Index
from bootstrap.errors import (
    NotTrustedError,
    NotWritableError,
    ReportedError,
    UnfitMachineError,
    UnsafeTargetError,
    UsageError,
)
from bootstrap.extras import Extra
from bootstrap.fitness import Fitness
from bootstrap.generation import Generation, new_name
from bootstrap.host.model import Disk, Host
from bootstrap.room import Room, short_of_room
from bootstrap.state import Installed, InstallState
from bootstrap.wishes import Wishes

# PATH_MAX of Linux, less the byte that ends it.
_PATH_MAX = 4095
# MAX_PATH of Windows, less the character that ends it.
_MAX_PATH = 259
_SHORT_TARGET = r"C:\LLM"
_SHORTEST_TARGET = len(r"C:\x")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallPlan:
    """The whole plan.

    Attributes:
        generation: what will be built.
        replaces: what is live now; None on a fresh target.
        drops: what was kept for a rollback and goes; None where nothing was, or it stays.
        wishes: what becomes of that, among others.
        extras: what somebody has added to what is live.
        space_needed: bytes, until the old generation is gone.
        gpu_usable: whether the probes that need a GPU will run.
        refusal: why it must not be carried out; None when it may.
    """

    index: Index
    host: Host
    disk: Disk
    generation: Generation
    replaces: Installed | None
    drops: Installed | None
    wishes: Wishes
    extras: tuple[Extra, ...]
    space_needed: int
    gpu_usable: bool
    warnings: tuple[str, ...]
    refusal: ReportedError | None


def make_plan(
    index: Index,
    host: Host,
    disk: Disk,
    fitness: Fitness,
    state: InstallState,
    *,
    target: Path,
    taken: set[str],
    wishes: Wishes,
    room: Room,
    extras: tuple[Extra, ...] = (),
) -> InstallPlan:
    """Decide what to do, or why not.

    Args:
        index: of the bundle.
        host: this machine.
        disk: where the target lies.
        fitness: bundle against machine.
        state: what is installed in the target now.
        target: the folder, absolute.
        taken: names of the generations that are there.
        wishes: what was asked for.
        room: what of the disk need not be free now.
        extras: what somebody has added to what is live.
    """
    need = max(0, index.disk_need - room.shared)
    if wishes.keep_extras:
        # Once as a wheel, once installed.
        need += 2 * sum(extra.size for extra in extras)
    allow_no_gpu = wishes.allow_no_gpu
    generation = Generation.of(target, new_name(index.bundle_id, taken), index)
    warnings = [*fitness.warnings, *_place_warnings(index, host, target)]
    if allow_no_gpu:
        warnings += [problem.message for problem in fitness.problems if problem.kind == "gpu"]
    if index.runtime.warning:
        warnings.append(index.runtime.warning)
    return InstallPlan(
        index=index,
        host=host,
        disk=disk,
        generation=generation,
        replaces=state.live,
        drops=None if wishes.old == "repair" else state.previous,
        wishes=wishes,
        extras=extras,
        space_needed=need,
        gpu_usable=fitness.gpu_usable,
        warnings=tuple(warnings),
        refusal=_unfit(fitness, allow_no_gpu=allow_no_gpu)
        or _foreign(index, state, target)
        or _older(index, state, wishes)
        or _split(index, target)
        or _expanded(index, target)
        or _too_long(index, host, generation)
        or _unusable_disk(disk, target)
        or short_of_room(disk, need, room, wishes),
    )


def _unfit(fitness: Fitness, *, allow_no_gpu: bool) -> ReportedError | None:
    problems = [p for p in fitness.problems if p.kind != "gpu" or not allow_no_gpu]
    if not problems:
        return None
    return UnfitMachineError(
        " ".join(problem.message for problem in problems),
        remedy=" ".join(problem.remedy for problem in problems),
    )


def _foreign(index: Index, state: InstallState, target: Path) -> ReportedError | None:
    if state.live is None or state.live.product == index.product:
        return None
    return UnsafeTargetError(
        f"{target} holds {state.live.product}, which {index.product} does not replace.",
        remedy="Choose another folder with --target.",
    )


def _older(index: Index, state: InstallState, wishes: Wishes) -> ReportedError | None:
    if state.live is None or wishes.allow_downgrade:
        return None
    if Version(index.version) >= Version(state.live.version):
        return None
    return NotTrustedError(
        f"{index.product} {state.live.version} is installed there, and this is {index.version}, "
        "which is older.",
        remedy="Use the newer installer, or add --allow-downgrade if the older one is wanted.",
    )


def _place_warnings(index: Index, host: Host, target: Path) -> list[str]:
    if index.target != "win_amd64":
        return []
    warnings = []
    synced = next((folder for folder in host.synced_folders if _is_below(target, folder)), None)
    if synced:
        warnings.append(
            f"{target} lies in {synced}, which OneDrive copies to the cloud: that takes long, and "
            "files that are uploaded cannot be replaced meanwhile."
        )
    if PureWindowsPath(str(target)).drive.startswith("\\\\"):
        warnings.append(
            f"{target} lies on a network share: starting takes long, and Windows may refuse to "
            "run programs from there."
        )
    if not str(target).isascii():
        warnings.append(
            f"{target} has characters beyond ASCII, which some libraries do not open on Windows "
            "(torch.jit.load, for one)."
        )
    return warnings


def _is_below(path: Path, folder: Path) -> bool:
    return PureWindowsPath(str(path)).is_relative_to(PureWindowsPath(str(folder)))


def _split(index: Index, target: Path) -> ReportedError | None:
    # Python's own search path is one text, so it would look for its modules in two halves.
    separator = ";" if index.target == "win_amd64" else ":"
    # The first two characters are the drive's on Windows.
    if separator not in str(target)[2:]:
        return None
    return UsageError(
        f"{target} has a {separator!r} in it, which separates the folders of search paths: Python "
        "would not find its own modules there.",
        remedy="Choose a folder without one with --target.",
    )


def _expanded(index: Index, target: Path) -> ReportedError | None:
    # The uninstaller's bootloader fills in variables in its own path, and then misses itself.
    found = re.search(r"%[^%\\]+%", str(target)) if index.target == "win_amd64" else None
    if found is None:
        return None
    return UsageError(
        f"{target} has {found[0]} in it, which Windows' programs may take for a variable.",
        remedy="Choose a folder without percent signs with --target.",
    )


def _too_long(index: Index, host: Host, generation: Generation) -> ReportedError | None:
    if index.target == "win_amd64":
        return None if host.long_paths else _too_long_for_python(index, generation)
    length = len(os.fsencode(generation.site_packages)) + 1 + index.longest_path.length
    if length <= _PATH_MAX:
        return None
    return UnfitMachineError(
        f"A file would have a path of {length} bytes, and Linux knows {_PATH_MAX} at most.",
        remedy=f"Choose a --target that is {length - _PATH_MAX} bytes shorter, or more.",
    )


def _too_long_for_python(index: Index, generation: Generation) -> ReportedError | None:
    """The installer itself writes paths of any length; the programs that use them cannot."""
    longest = index.longest_import
    length = _utf16_length(generation.site_packages) + 1 + longest.length
    if length <= _MAX_PATH:
        return None
    room = _MAX_PATH - (length - _utf16_length(generation.root))
    shorter = f"Choose a --target of at most {room} characters{_example(room)}, or "
    enable = (
        r"have an administrator set LongPathsEnabled to 1 below HKEY_LOCAL_MACHINE\SYSTEM"
        r"\CurrentControlSet\Control\FileSystem, then start again."
    )
    return UnfitMachineError(
        f"Python could not open {longest.path}: its path would have {length} characters, and "
        f"programs on this machine open {_MAX_PATH} at most (LongPathsEnabled is 0).",
        remedy=shorter + enable if room >= _SHORTEST_TARGET else f"H{enable[1:]}",
    )


def _example(room: int) -> str:
    return f", such as {_SHORT_TARGET}" if room >= len(_SHORT_TARGET) else ""


def _utf16_length(path: Path) -> int:
    return len(str(path).encode("utf-16-le", "surrogatepass")) // 2


def _unusable_disk(disk: Disk, target: Path) -> ReportedError | None:
    if not disk.writable:
        return NotWritableError(
            f"{target} cannot be written ({disk.path} is read-only or not yours).",
            remedy="Choose a folder that you may write to with --target.",
        )
    if disk.noexec:
        return NotWritableError(
            f"Programs must not be started from {disk.path} (it is mounted noexec).",
            remedy="Choose a folder on another file system with --target.",
        )
    return None
