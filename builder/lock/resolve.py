"""Resolves the manifest with uv, for any target from any host, and keeps only wheels."""

import os
import re
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import tomli_w
import uv
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from bootstrap.bundle.model import Target
from builder.errors import DownloadError, RefusedContentError, ReportedError
from builder.lock.model import Lock, LockedWheel, lock_path
from builder.lock.requirements import digest, requirements
from builder.manifest import Manifest
from builder.pip_settings import configured_index
from builder.processes import ProgramError, run_program
from builder.progress import Progress
from builder.targets import TargetPlatform, find_target

_UNREACHABLE = re.compile(
    r"error sending request|failed to fetch|dns error|connection|timed out|HTTP status", re.I
)
_HOST = re.compile(r"https?://[^/\s`)]+")


def resolve(
    manifest: Manifest, manifest_path: Path, variant: str, target: Target, progress: Progress
) -> Lock:
    """Resolve one variant.

    Args:
        manifest: what is wanted.
        manifest_path: the lock's place lies beside it.
        variant: which one.
        target: for which platform; need not be this machine's.
        progress: hears what is going on.

    Raises:
        DownloadError: an index could not be reached; names its host.
        RefusedContentError: nothing answers all requirements, or only as an sdist.
    """
    platform = find_target(target)
    progress.phase(f"{variant}: resolve for {target}")
    with tempfile.TemporaryDirectory(prefix="llmsetup-") as folder:
        project = tomli_w.dumps(_project(manifest, variant, target))
        Path(folder, "pyproject.toml").write_text(project, encoding="utf-8")
        resolved = _run_uv(Path(folder), platform, manifest.python, variant)
    rank = {tag: place for place, tag in enumerate(platform.tags(manifest.python))}
    return Lock(
        variant=variant,
        target=target,
        python=manifest.python,
        requirements_sha256=digest(manifest, variant, target),
        wheels=tuple(_choose(package, rank) for package in resolved["packages"]),
        path=lock_path(manifest_path, variant, target),
    )


def _project(manifest: Manifest, variant: str, target: Target) -> dict[str, Any]:
    """A ``pyproject.toml`` whose packages come from the indexes that the manifest names."""
    named = manifest.variant_target(variant, target).indexes
    return {
        "project": {
            "name": "llmsetup-resolution",
            "version": "0",
            "requires-python": f"=={manifest.python}.*",
            "dependencies": [str(r) for r in requirements(manifest, variant, target)],
        },
        "tool": {
            "uv": {
                # explicit: nothing else is ever taken from there.
                "index": [
                    {"name": name, "url": manifest.indexes[name], "explicit": True}
                    for name in sorted(set(named.values()))
                ],
                "sources": {package: {"index": index} for package, index in named.items()},
            }
        },
    }


def _run_uv(folder: Path, platform: TargetPlatform, python: str, variant: str) -> dict[str, Any]:
    arguments = [
        uv.find_uv_bin(),
        *("pip", "compile", "pyproject.toml", "--format", "pylock.toml"),
        *("--only-binary", ":all:", "--no-header", "--quiet"),
        *("--python-platform", platform.uv_platform, "--python-version", python),
        *("--output-file", "pylock.resolved.toml"),
    ]
    if index := configured_index():
        arguments += ["--default-index", index]
    try:
        run_program(arguments, cwd=folder, environment=_environment())
    except ProgramError as error:
        raise _explain(error, variant) from error
    return tomllib.loads((folder / "pylock.resolved.toml").read_text(encoding="utf-8"))


def _environment() -> dict[str, str]:
    # Another environment that happens to be active must not take part.
    return {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}


def _explain(error: ProgramError, variant: str) -> ReportedError:
    if _UNREACHABLE.search(error.output):
        hosts = ", ".join(sorted(set(_HOST.findall(error.output)))) or "the package index"
        return DownloadError(
            f"{variant} could not be resolved, {hosts} cannot be reached:\n{error.output}",
            remedy="Check the connection and pip's index configuration, then run lock again.",
        )
    return RefusedContentError(
        f"{variant} cannot be resolved:\n{error.output}",
        remedy="Change the versions in the manifest so that they fit each other.",
    )


def _choose(package: dict[str, Any], rank: dict[Any, int]) -> LockedWheel:
    """The best wheel for the target; uv lists all that fit."""
    name = canonicalize_name(package["name"])
    ranked = sorted(_ranked(package, rank), key=lambda pair: pair[0])
    if not ranked:
        raise RefusedContentError(
            f"{name} {package.get('version', '')} has no wheel for this target, and nothing is "
            "built from source.",
            remedy="Pin a version that has one, or leave the package out.",
        )
    filename, wheel = ranked[0][1]
    return LockedWheel(
        name=name,
        version=Version(package["version"]),
        filename=filename,
        sha256=wheel["hashes"]["sha256"],
        size=wheel["size"],
    )


def _ranked(
    package: dict[str, Any], rank: dict[Any, int]
) -> Iterator[tuple[tuple[int, str], tuple[str, dict[str, Any]]]]:
    for wheel in package.get("wheels", ()):
        filename = unquote(urlsplit(wheel.get("url", wheel.get("path", ""))).path.rsplit("/", 1)[-1])
        places = [rank[tag] for tag in parse_wheel_filename(filename)[3] if tag in rank]
        if places:
            yield (min(places), filename), (filename, wheel)
