"""Carries what somebody has added into a new generation. No resolver, no network, no pip."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import takewhile
from pathlib import Path

import installer
from installer.exceptions import InstallerError
from installer.sources import WheelFile
from packaging.markers import default_environment
from packaging.tags import Tag, compatible_tags, cpython_tags, platform_tags
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from bootstrap import inventory
from bootstrap.bundle.model import Index
from bootstrap.errors import InstallError, UnsafeTargetError
from bootstrap.extras.choose import Terms, choose
from bootstrap.extras.destination import ExtraDestination
from bootstrap.extras.files import OF_INSTALLER
from bootstrap.extras.metadata import read_about, read_text
from bootstrap.extras.model import CannotCarryError, CarriedOver, Distribution, Extra, File
from bootstrap.extras.repack import repack
from bootstrap.files import is_link, patiently, remove_file, sync_folder
from bootstrap.generation import Generation
from bootstrap.install.destination import scheme_folders
from bootstrap.install.written import WrittenFiles


def carry_over(
    extras: Sequence[Extra], live: Generation, generation: Generation, index: Index, folder: Path
) -> CarriedOver:
    """Install what fits into the new generation; the wheels of the rest are in ``folder``.

    Nothing but these two is changed, and no file of the bundle.

    Args:
        extras: what was found in ``live``.
        live: where it is installed.
        generation: a new one, in which the whole bundle is installed.
        index: of that bundle.
        folder: for the wheels; made where there are any.

    Raises:
        InstallError: one could not be installed after all.
        OSError: the disk is full, or failed.
    """
    if not all(extra.fault for extra in extras):
        folder.mkdir()
    packed, wheels = _pack(extras, live, folder)
    chosen, left_out = choose(packed, _terms(index, generation))
    written = WrittenFiles(generation)
    for extra in chosen:
        _install(extra, wheels[extra.name], generation, written)
    for extra in chosen:
        remove_file(wheels.pop(extra.name))
    return CarriedOver(
        installed=chosen,
        left_out=tuple(replace(item, wheel=wheels.get(item.extra.name)) for item in left_out),
        written=frozenset(path for path, _ in written),
        packed=frozenset(
            path for extra in packed if not extra.fault for path in _places(extra, live)
        ),
    )


def keep_wheels(carried: CarriedOver, folder: Path) -> CarriedOver:
    """Move the wheels of what is left out to where their owner finds them.

    They are the only copy as soon as the old generation is gone, so they are on the disk then.

    Args:
        carried: as :func:`carry_over` has told.
        folder: on the same disk; made where it is needed. What else is in it stays.

    Returns:
        The same, with the new places.

    Raises:
        UnsafeTargetError: ``folder`` is a link.
        OSError: the disk is full, or failed.
    """
    wheels = [item.wheel for item in carried.left_out if item.wheel]
    if not wheels:
        return carried
    require_no_link(folder)
    folder.mkdir(exist_ok=True)
    for wheel in wheels:
        _move(wheel, folder)
    sync_folder(folder)
    return replace(
        carried,
        left_out=tuple(
            replace(item, wheel=item.wheel and folder / item.wheel.name)
            for item in carried.left_out
        ),
    )


def require_no_link(folder: Path) -> None:
    """Refuse to put wheels where a link leads to.

    Raises:
        UnsafeTargetError: ``folder`` is a link.
    """
    if is_link(folder):
        raise UnsafeTargetError(
            f"{folder} is a link to {folder.resolve()}, where nothing will be put.",
            remedy="Remove the link, then start again.",
        )


def _move(wheel: Path, folder: Path) -> None:
    with wheel.open("rb+") as file:
        os.fsync(file.fileno())
    to = folder / wheel.name
    patiently(lambda: wheel.replace(to), to)


def _places(extra: Extra, live: Generation) -> Iterator[str]:
    """Where the files of an extra lie in its generation, as an inventory has them."""
    folders = scheme_folders(live, extra.name)
    own = [folders["purelib" if f.scheme == "root" else f.scheme] / f.path for f in extra.files]
    for path in (*own, *extra.folder.rglob("*")):
        yield f"venv/{path.relative_to(live.venv).as_posix()}"


def _pack(
    extras: Sequence[Extra], live: Generation, folder: Path
) -> tuple[list[Extra], dict[NormalizedName, Path]]:
    """Make a wheel of each that has no fault; who cannot be read has one from now on."""
    packed, wheels = list[Extra](), dict[NormalizedName, Path]()
    for extra in extras:
        fault = extra.fault
        if not fault:
            try:
                wheels[extra.name] = repack(extra, live, folder)
            except CannotCarryError as error:
                fault = str(error)
        packed.append(replace(extra, fault=fault))
    return packed, wheels


def _install(extra: Extra, wheel: Path, generation: Generation, written: WrittenFiles) -> None:
    destination = ExtraDestination(generation, extra, written)
    try:
        with WheelFile.open(wheel) as source:
            installer.install(source, destination, _notes(extra))
    except (InstallerError, ValueError, KeyError) as error:
        raise InstallError(
            f"{extra} could not be installed into the new environment: {error}.",
            remedy="Start again without --keep-extras.",
        ) from error


def _notes(extra: Extra) -> dict[str, bytes]:
    """What its own installer has noted down of itself and of the user's wish; it still holds."""
    notes = {}
    for name in OF_INSTALLER:
        with suppress(CannotCarryError):
            notes[name] = read_text(extra.folder / name).encode()
    return notes


def _terms(index: Index, generation: Generation) -> Terms:
    """What the new environment asks, on the very machine that this runs on."""
    python = Version(index.runtime.version)
    environment = default_environment()
    environment["python_version"] = index.python
    environment["python_full_version"] = environment["implementation_version"] = str(python)
    return Terms(
        python=python,
        environment=environment,
        tags=frozenset(_tags(python)),
        bundle=_bundle(index, generation),
        rules=tuple(rule for rule in index.blacklist if rule.holds_on(index.target)),
        is_taken=_is_taken(generation),
    )


def _tags(python: Version) -> Iterator[Tag]:
    version, platforms = (python.major, python.minor), list(platform_tags())
    yield from cpython_tags(python_version=version, platforms=platforms)
    interpreter = f"cp{python.major}{python.minor}"
    yield from compatible_tags(python_version=version, interpreter=interpreter, platforms=platforms)


def _bundle(index: Index, generation: Generation) -> dict[NormalizedName, Distribution]:
    """The bundle's distributions, as they are installed; extras may ask for extras of theirs."""
    requires = {}
    for folder in generation.site_packages.glob("*.dist-info"):
        with suppress(CannotCarryError):
            about = read_about(folder)
            requires[about.name] = about.requires
    distributions = (
        Distribution(
            name=canonicalize_name(wheel.name),
            version=Version(wheel.version),
            requires=requires.get(canonicalize_name(wheel.name), ()),
        )
        for wheel in index.wheels
    )
    return {distribution.name: distribution for distribution in distributions}


def _is_taken(generation: Generation) -> Callable[[Extra, File], bool]:
    """Whether the place of a file is another's; the same file there already is no harm."""

    @cache
    def is_closed(folder: Path) -> bool:
        inside = takewhile(lambda path: path != generation.venv, (folder, *folder.parents))
        return any(
            is_link(path) or (os.path.lexists(path) and not path.is_dir()) for path in inside
        )

    def is_taken(extra: Extra, file: File) -> bool:
        folders = scheme_folders(generation, extra.name)
        place = folders["purelib" if file.scheme == "root" else file.scheme] / file.path
        if is_closed(place.parent):
            return True
        if not os.path.lexists(place):
            return False
        return not (
            file.source
            and place.is_file()
            and not is_link(place)
            and inventory.has_hash(str(place), inventory.hash_file(file.source))
        )

    return is_taken
