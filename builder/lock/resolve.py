"""Resolves the manifest with uv, for any target from any host, and keeps only wheels."""

import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import tomli_w
import uv
from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from bootstrap.bundle.value import Target
from builder.errors import DownloadError, RefusedContentError, ReportedError
from builder.lock.known import KnownWheel, find_known
from builder.lock.model import Lock, LockedWheel, lock_path
from builder.lock.requirements import digest, requirements
from builder.manifest import Manifest
from builder.pip_settings import configured_index
from builder.processes import ProgramError, run_program
from builder.progress import Progress
from builder.targets import TargetPlatform, find_target

# uv's words for an index that is not there or lets nobody in.
_UNREACHABLE = re.compile(r"Failed to fetch|error sending request|credentials")
# uv leaves credentials out of every address that it prints.
_HOST = re.compile(r"https?://[^/\s`)]+")
# Another environment that is active must not take part, nor may sources or versions that
# are not in the manifest: a build looks for the files where the manifest says.
_FOREIGN = frozenset(
    {
        "VIRTUAL_ENV",
        "UV_CONSTRAINT",
        "UV_EXCLUDE",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_INDEX",
        "UV_OVERRIDE",
        "UV_TORCH_BACKEND",
    }
)


def resolve(
    manifest: Manifest,
    manifest_path: Path,
    variant: str,
    target: Target,
    progress: Progress,
    *,
    known: Iterable[KnownWheel] = (),
    keep: Lock | None = None,
    size_of: Callable[[str, str | None], int] | None = None,
) -> Lock:
    """Resolve one variant.

    A pinned wheel that is known is locked by what is known of it, and its index is not
    asked: the same public version on pip's own index takes its place while uv resolves.

    Args:
        manifest: what is wanted.
        manifest_path: the lock's place lies beside it.
        variant: which one.
        target: for which platform; need not be this machine's.
        progress: hears what is going on.
        known: wheels whose indexes need not be asked.
        keep: a lock whose wheels must come out again, each the same file: what else its index
            says of them is asked anew.
        size_of: asks the host for the bytes of the file at an address on an index (None is
            pip's own). HTML indexes, as PyTorch's is, state no sizes.

    Raises:
        DownloadError: an index could not be reached, or does not say what a lock needs to
            know of a wheel; names its host.
        RefusedContentError: nothing answers all requirements, or only as an sdist; or it is
            not what had to be kept.
    """
    platform = find_target(target)
    progress.phase(f"{variant}: resolve for {target}")
    rank = {tag: place for place, tag in enumerate(platform.tags(manifest.python))}
    replaced = find_known(known, manifest, variant, target, rank)
    with tempfile.TemporaryDirectory(prefix="llmsetup-") as folder:
        project = tomli_w.dumps(_project(manifest, variant, target, replaced, keep))
        Path(folder, "pyproject.toml").write_text(project, encoding="utf-8")
        resolved = _run_uv(Path(folder), platform, manifest.python, variant)
    size_at = _sizes(manifest, manifest.variant_target(variant, target).indexes, size_of)
    wheels = [
        _choose(package, rank, size_at)
        for package in resolved["packages"]
        if package["name"] not in replaced
    ]
    wheels += [_locked(wheel) for wheel in replaced.values()]
    if keep:
        _require_same(keep.wheels, wheels)
    return Lock(
        variant=variant,
        target=target,
        python=manifest.python,
        requirements_sha256=digest(manifest, variant, target),
        wheels=tuple(sorted(wheels, key=lambda wheel: wheel.name)),
        path=lock_path(manifest_path, variant, target),
        excluded=tuple(canonicalize_name(name) for name in sorted(manifest.excluded(target))),
    )


def _sizes(
    manifest: Manifest,
    named: Mapping[str, str],
    size_of: Callable[[str, str | None], int] | None,
) -> Callable[[str, str], int | None]:
    """What asks the host of a project's index for the bytes of a file at an address."""

    def size_at(project: str, address: str) -> int | None:
        index = manifest.indexes[named[project]] if project in named else None
        return size_of(address, index) if size_of else None

    return size_at


def _require_same(kept: Iterable[LockedWheel], wheels: Iterable[LockedWheel]) -> None:
    old, new = ({wheel.filename: wheel.sha256 for wheel in some} for some in (kept, wheels))
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if changed:
        raise RefusedContentError(
            f"Of what was locked, not everything could be kept: {', '.join(changed)}.",
            remedy="Lock anew, without --keep.",
        )


def _project(
    manifest: Manifest,
    variant: str,
    target: Target,
    replaced: dict[str, KnownWheel],
    keep: Lock | None,
) -> dict[str, Any]:
    """A ``pyproject.toml`` whose packages come from the indexes that the manifest names."""
    named = {
        package: index
        for package, index in manifest.variant_target(variant, target).indexes.items()
        if package not in replaced
    }
    return {
        "project": {
            "name": "llmsetup-resolution",
            "version": "0",
            "requires-python": f"=={manifest.python}.*",
            "dependencies": [
                str(_public(replaced[r.name]) if r.name in replaced else r)
                for r in requirements(manifest, variant, target)
            ],
        },
        "tool": {
            "uv": {
                # explicit: nothing else is ever taken from there.
                "index": [
                    {"name": name, "url": manifest.indexes[name], "explicit": True}
                    for name in sorted(set(named.values()))
                ],
                "constraint-dependencies": [
                    str(_public(wheel) if wheel.name in replaced else _exactly(wheel))
                    for wheel in (keep.wheels if keep else ())
                ],
                "sources": {package: {"index": index} for package, index in named.items()},
                "exclude-dependencies": sorted(manifest.excluded(target)),
                "dependency-metadata": [
                    {
                        "name": wheel.name,
                        "version": wheel.version.public,
                        "requires-dist": list(wheel.requires),
                    }
                    for wheel in replaced.values()
                    if wheel.requires is not None
                ],
            }
        },
    }


def _public(wheel: KnownWheel | LockedWheel) -> Requirement:
    return Requirement(f"{wheel.name}=={wheel.version.public}")


def _exactly(wheel: LockedWheel) -> Requirement:
    return Requirement(f"{wheel.name}=={wheel.version}")


def _run_uv(folder: Path, platform: TargetPlatform, python: str, variant: str) -> dict[str, Any]:
    arguments = [
        uv.find_uv_bin(),
        *("pip", "compile", "pyproject.toml", "--format", "pylock.toml"),
        *("--only-binary", ":all:", "--no-header", "--quiet"),
        *("--python-platform", platform.uv_platform, "--python-version", python),
        *("--output-file", "pylock.resolved.toml"),
    ]
    try:
        run_program(arguments, cwd=folder, environment=_environment())
    except ProgramError as error:
        raise _explain(error, variant) from error
    return tomllib.loads((folder / "pylock.resolved.toml").read_text(encoding="utf-8"))


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    # Not an argument: it may hold credentials, and arguments are seen in process lists.
    return kept | ({"UV_DEFAULT_INDEX": index} if (index := configured_index()) else {})


def _explain(error: ProgramError, variant: str) -> ReportedError:
    if _UNREACHABLE.search(error.output):
        hosts = ", ".join(_hosts(error.output)) or "the package index"
        return DownloadError(
            f"{variant} could not be resolved, {hosts} cannot be reached:\n{error.output}",
            remedy=(
                "Check the connection, the proxy, the manifest's indexes and pip's index "
                "configuration, then run lock again."
            ),
        )
    return RefusedContentError(
        f"{variant} cannot be resolved:\n{error.output}",
        remedy="Correct names and versions in the manifest so that they exist and fit each other.",
    )


def _hosts(text: str) -> list[str]:
    return sorted(set(_HOST.findall(text)))


def _locked(wheel: KnownWheel) -> LockedWheel:
    return LockedWheel(
        name=wheel.name,
        version=wheel.version,
        filename=wheel.filename,
        sha256=wheel.sha256,
        size=wheel.size,
        publishers=wheel.publishers,
    )


def _choose(
    package: dict[str, Any], rank: dict[Tag, int], size_at: Callable[[str, str], int | None]
) -> LockedWheel:
    """The best wheel for the target; uv lists all that fit."""
    name = canonicalize_name(package["name"])
    ranked = sorted(_ranked(package, rank))
    if not ranked:
        raise RefusedContentError(
            f"{name} {package.get('version', '')} has no wheel for this target, and nothing is "
            "built from source.",
            remedy="Pin a version that has one, or leave the package out.",
        )
    _, filename, address = ranked[0]
    wheel = next(wheel for wheel in package["wheels"] if wheel["url"] == address)
    sha256 = wheel.get("hashes", {}).get("sha256")
    size = wheel.get("size")
    if sha256 and size is None:
        size = size_at(name, address)
    if not sha256 or size is None:
        raise DownloadError(
            f"{', '.join(_hosts(address))} does not state the "
            f"{'size' if sha256 else 'SHA-256'} of {filename}.",
            remedy="Name an index in the manifest that states both for every file.",
        )
    return LockedWheel(
        name=name,
        version=Version(package["version"]),
        filename=filename,
        sha256=sha256,
        size=size,
        uploaded=wheel.get("upload-time"),
    )


def _ranked(package: dict[str, Any], rank: dict[Tag, int]) -> Iterator[tuple[int, str, str]]:
    """Rank, file name and address of every wheel that fits."""
    for wheel in package.get("wheels", ()):
        filename = unquote(urlsplit(wheel["url"]).path.rpartition("/")[2])
        places = [rank[tag] for tag in parse_wheel_filename(filename)[3] if tag in rank]
        if places:
            yield min(places), filename, wheel["url"]
