"""What is built and installed: a stack, another version of one of its packages, its wheels."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from packaging.utils import NormalizedName, canonicalize_name

from benchmarks.building import run_builder
from builder.fetch import Cache, WantedFile, fetch
from builder.lock.files import wanted_files
from builder.lock.model import Lock, LockedWheel, encode_lock, load_lock, lock_path
from builder.lock.requirements import digest
from builder.manifest import (
    DEFAULT_PATH,
    Manifest,
    Package,
    PackageGroup,
    Variant,
    VariantTarget,
    load_manifest,
)
from builder.progress import Progress
from builder.runtime import runtime_files
from builder.targets import TARGETS
from tests.support import small_stack

TARGET = TARGETS["linux_x86_64"]
# The ten packages of the tests, as a stack like any other.
SMALL_STACK = "small"
_JOBS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One variant of a manifest, locked for Linux.

    Attributes:
        changing: the package that an upgrade brings another version of.
    """

    manifest_path: Path
    variant: str
    changing: NormalizedName

    @property
    def manifest(self) -> Manifest:
        """What is wanted."""
        return load_manifest(self.manifest_path)

    @property
    def lock(self) -> Lock:
        """What was resolved."""
        return load_lock(lock_path(self.manifest_path, self.variant, TARGET.name))

    @property
    def files(self) -> list[WantedFile]:
        """Its wheels, as the builder fetches them."""
        return wanted_files(self.lock, self.manifest)


def open_stack(name: str, folder: Path) -> Stack:
    """The stack of that name.

    Args:
        name: a variant of the project's manifest, or :data:`SMALL_STACK`.
        folder: where the manifest of the small one goes.
    """
    if name != SMALL_STACK:
        return Stack(
            manifest_path=DEFAULT_PATH, variant=name, changing=NormalizedName("transformers")
        )
    folder.mkdir()
    return Stack(
        manifest_path=small_stack.lock_small_stack(folder),
        variant=small_stack.VARIANT,
        changing=NormalizedName("tqdm"),
    )


def other_version(stack: Stack, folder: Path) -> Stack:
    """The same stack, but for an earlier version of the package that changes.

    The builder resolves which one: everything else is pinned to what is locked already.

    Args:
        stack: the one to differ from.
        folder: where its manifest and lock go; must not be there.
    """
    manifest, lock = stack.manifest, stack.lock
    folder.mkdir()
    asked = folder / "question" / stack.manifest_path.name
    asked.parent.mkdir()
    asked.write_bytes(msgspec.json.encode(question(manifest, lock, stack.changing)))
    run_builder(
        *("lock", "--cuda", stack.variant, "--target", TARGET.name, "--manifest", asked),
        scratch=folder,
    )
    answer = load_lock(lock_path(asked, stack.variant, TARGET.name))
    wheel = next(wheel for wheel in answer.wheels if wheel.name == stack.changing)
    return with_wheel(stack, folder, wheel)


def question(manifest: Manifest, lock: Lock, changing: NormalizedName) -> Manifest:
    """What to resolve: an earlier version of one package that goes with all the others.

    Args:
        manifest: of the lock.
        lock: what all others are pinned to.
        changing: the one.
    """
    locked = {wheel.name: wheel for wheel in lock.wheels}
    changed = locked.pop(changing)
    packages = [
        Package(order=order, name=name, specifier=f"<{changed.version}" if name == changing else "")
        for order, name in enumerate([changing, *locked], start=1)
    ]
    settings = manifest.variant_target(lock.variant, lock.target)
    pins = {str(wheel.name): str(wheel.version) for wheel in locked.values()}
    indexes = {name: index for name, index in settings.indexes.items() if name != changing}
    return _with_settings(
        msgspec.structs.replace(
            manifest, groups=(PackageGroup(name="all", packages=tuple(packages)),)
        ),
        lock,
        VariantTarget(pins=pins, indexes=indexes),
    )


def _with_settings(manifest: Manifest, lock: Lock, settings: VariantTarget) -> Manifest:
    """The manifest with nothing but this one variant on this one target."""
    variant = Variant(cuda=manifest.variant(lock.variant).cuda, targets={lock.target: settings})
    return msgspec.structs.replace(manifest, variants={lock.variant: variant})


def with_wheel(stack: Stack, folder: Path, wheel: LockedWheel) -> Stack:
    """The same stack with another wheel of one package: manifest and lock in ``folder``."""
    manifest, lock = stack.manifest, stack.lock
    settings = manifest.variant_target(lock.variant, lock.target)
    pins = {**settings.pins, str(wheel.name): str(wheel.version)}
    manifest = _with_settings(manifest, lock, msgspec.structs.replace(settings, pins=pins))
    changed = replace(stack, manifest_path=folder / stack.manifest_path.name)
    changed.manifest_path.write_bytes(msgspec.json.encode(manifest))
    path = lock_path(changed.manifest_path, lock.variant, lock.target)
    path.parent.mkdir()
    kept = [other for other in lock.wheels if other.name != wheel.name]
    answering = digest(manifest, lock.variant, lock.target)
    path.write_bytes(
        encode_lock(replace(lock, wheels=(*kept, wheel), requirements_sha256=answering, path=path))
    )
    return changed


def fetch_wheels(stack: Stack, cache: Cache) -> None:
    """Have all wheels in a cache, from where the manifest says."""
    fetch(stack.files, cache, offline=False, jobs=_JOBS, progress=Progress())


def fresh_cache(stacks: Iterable[Stack], cache: Cache, folder: Path) -> Path:
    """A new cache with the wheels, and the runtime where it is there, and nothing made of them.

    Returns:
        ``folder``.
    """
    wanted = {file.sha256: file for stack in stacks for file in stack.files}
    for stack in stacks:
        for file in runtime_files("auto", python=stack.manifest.python, target=TARGET):
            wanted[file.sha256] = file
    (folder / "files").mkdir(parents=True)
    for sha256, path in cache.at_hand(wanted.values()).items():
        link(path, folder / "files" / sha256)
    return folder


def fill_wheelhouse(stack: Stack, cache: Cache, folder: Path) -> Path:
    """The wheels by their names, in a new folder; beside it ``requirements.txt``.

    Returns:
        ``folder``.
    """
    folder.mkdir()
    lock = stack.lock
    paths = cache.at_hand(stack.files)
    for wheel in lock.wheels:
        link(paths[wheel.sha256], folder / wheel.filename)
    pins = "".join(f"{canonicalize_name(w.name)}=={w.version}\n" for w in lock.wheels)
    requirements_of(folder).write_text(pins, encoding="utf-8")
    return folder


def requirements_of(wheelhouse: Path) -> Path:
    """Where the names and versions of its wheels stand."""
    return wheelhouse.parent / "requirements.txt"


def link(source: Path, target: Path) -> None:
    """Another name for a file, or a copy where the file system differs."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
