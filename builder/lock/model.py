"""One lock as a value, and the ``pylock.toml`` (PEP 751) that it is read from and written to.

A lock pins content, not location: file name, size and SHA-256 of every wheel. Where a
wheel comes from stands in the manifest.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast, get_args

import tomli_w
from packaging.markers import Marker
from packaging.pylock import Package, PackageWheel, Pylock, PylockValidationError
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from bootstrap.bundle.value import Target
from bootstrap.bundle.vetting.findings import Verdict
from bootstrap.bundle.vetting.index import Listed, judge_listed
from builder.errors import ManifestError, NotTrustedError
from builder.manifest import DEFAULT_PATH
from builder.targets import find_target

_TOOL = "llmsetup"
_WHEELHOUSE = "../wheelhouse/"
# How many vouch for a hash that the index itself was not asked for.
_PUBLISHERS = "hash-publishers"
_ATTESTATION = "attestation-sha256"
_EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedWheel:
    """One wheel: what it is called, how large it is, what is in it.

    Attributes:
        size: bytes; None where nobody has stated them.
        publishers: how many others have published the hash, of a wheel whose index was not
            asked; None where the index itself has stated it.
        uploaded: when the index got it; None where that was not stated.
        attestation: SHA-256 of what the index had of attestations (PEP 740) when it was locked;
            None where it had none, or could not be asked.
    """

    name: NormalizedName
    version: Version
    filename: str
    sha256: str
    size: int | None
    publishers: int | None = None
    uploaded: datetime | None = None
    attestation: str | None = None

    @property
    def listed(self) -> Listed:
        """What vetting wants to know of it."""
        return Listed(
            name=self.name,
            version=str(self.version),
            filename=self.filename,
            sha256=self.sha256,
            size=self.size,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """All wheels of a variant on a target, sorted by name.

    Attributes:
        python: ``major.minor``.
        requirements_sha256: over what the manifest asked for when this was resolved.
        path: where it lies, or will.
        excluded: distributions that were left out on purpose, sorted.
    """

    variant: str
    target: Target
    python: str
    requirements_sha256: str
    wheels: tuple[LockedWheel, ...]
    path: Path
    excluded: tuple[NormalizedName, ...] = ()


def lock_path(manifest: Path, variant: str, target: Target) -> Path:
    """Where the lock lies: ``locks/`` beside the manifest."""
    return manifest.parent / "locks" / _file_name(variant, target)


def its_manifest(lock: Path) -> str:
    """What a command about a lock must say of its manifest: nothing where it is the usual one."""
    usual = DEFAULT_PATH.parent.resolve() == lock.parent.parent.resolve()
    return "" if usual else f" --manifest {lock.parent.parent / DEFAULT_PATH.name}"


def _file_name(variant: str, target: Target) -> str:
    return f"pylock.{variant}-{target}.toml"


def encode_lock(lock: Lock) -> bytes:
    """The lock as TOML. The same lock gives the same bytes."""
    target = find_target(lock.target)
    marker = (
        f"sys_platform == '{target.sys_platform}' and platform_machine == '{target.machine}' "
        "and implementation_name == 'cpython'"
    )
    pylock = Pylock(
        lock_version=Version("1.0"),
        created_by=_TOOL,
        environments=[Marker(marker)],
        requires_python=SpecifierSet(f"=={lock.python}.*"),
        packages=[_package(wheel) for wheel in sorted(lock.wheels, key=lambda wheel: wheel.name)],
        tool={_TOOL: _tool(lock)},
    )
    return tomli_w.dumps(pylock.to_dict()).encode()


def _tool(lock: Lock) -> dict[str, Any]:
    return {
        "variant": lock.variant,
        "target": lock.target,
        "python": lock.python,
        "requirements-sha256": lock.requirements_sha256,
        **({_EXCLUDED: list(lock.excluded)} if lock.excluded else {}),
    }


def _package(wheel: LockedWheel) -> Package:
    stated = {_PUBLISHERS: wheel.publishers, _ATTESTATION: wheel.attestation}
    own = {key: value for key, value in stated.items() if value}
    return Package(
        name=wheel.name,
        version=wheel.version,
        wheels=[
            PackageWheel(
                path=f"{_WHEELHOUSE}{wheel.filename}",
                upload_time=wheel.uploaded,
                size=wheel.size,
                hashes={"sha256": wheel.sha256},
            )
        ],
        tool={_TOOL: own} if own else None,
    )


def load_lock(path: Path) -> Lock:
    """Read and check a lock.

    Raises:
        ManifestError: it is missing, is not TOML, is the lock of another variant or target
            than its name says, or breaks PEP 751 or one of our rules: each package once,
            with exactly one wheel, from the wheelhouse, with its SHA-256.
        NotTrustedError: a wheel has no SHA-256.
    """
    data = _read_toml(path)
    try:
        pylock = Pylock.from_dict(data)
        lock = _lock(pylock, path)
    except (PylockValidationError, ValueError) as error:
        # Without its hash nothing would tell a forged wheel from the true one.
        kind = NotTrustedError if "hashes" in str(error) else ManifestError
        raise kind(
            f"The lock {path} is not valid: {error}.",
            remedy="Do not edit locks; make it anew with python -m builder lock.",
        ) from error
    return lock


def _lock(pylock: Pylock, path: Path) -> Lock:
    tool = (pylock.tool or {}).get(_TOOL)
    if not isinstance(tool, dict):
        raise ValueError(f"tool.{_TOOL} is missing")  # noqa: TRY004 (one error for all)
    wheels = [_locked(place, package) for place, package in enumerate(pylock.packages)]
    _require_plausible(wheels, path)
    lock = Lock(
        variant=_tool_text(tool, "variant"),
        target=_target(tool),
        python=_tool_text(tool, "python"),
        requirements_sha256=_tool_text(tool, "requirements-sha256"),
        wheels=tuple(sorted(wheels, key=lambda wheel: wheel.name)),
        path=path,
        excluded=_excluded(tool),
    )
    if path.name != (expected := _file_name(lock.variant, lock.target)):
        raise ValueError(f"tool.{_TOOL}: what is inside belongs into {expected}")
    return lock


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        name = path.name.removeprefix("pylock.").removesuffix(".toml")
        variant, _, target = name.rpartition("-")
        raise ManifestError(
            f"There is no lock {path}.",
            remedy=f"Make it: python -m builder lock --cuda {variant} --target {target}"
            f"{its_manifest(path)}.",
        ) from error
    except (OSError, ValueError) as error:
        raise ManifestError(
            f"The lock {path} cannot be read: {error}.",
            remedy="Make it anew with python -m builder lock.",
        ) from error


def _tool_text(tool: dict[str, Any], key: str) -> str:
    if not isinstance(value := tool.get(key), str):
        raise ValueError(f"tool.{_TOOL}.{key} is missing")  # noqa: TRY004 (one error for all)
    return value


def _excluded(tool: dict[str, Any]) -> tuple[NormalizedName, ...]:
    names = tool.get(_EXCLUDED, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"tool.{_TOOL}.{_EXCLUDED}: must be a list of names")
    return tuple(sorted({canonicalize_name(name) for name in names}))


def _target(tool: dict[str, Any]) -> Target:
    name = _tool_text(tool, "target")
    if name not in get_args(Target):
        raise ValueError(f"tool.{_TOOL}.target: there is no target {name!r}")
    return cast("Target", name)


def _locked(place: int, package: Package) -> LockedWheel:
    where = f"packages[{place}] ({package.name})"
    if package.sdist or package.archive or package.vcs or package.directory:
        raise ValueError(f"{where}: only wheels may be locked")
    if not package.wheels or len(package.wheels) != 1:
        raise ValueError(f"{where}: must have exactly one wheel")
    wheel = package.wheels[0]
    if wheel.url or not (wheel.path or "").startswith(_WHEELHOUSE):
        raise ValueError(f"{where}.wheels[0].path: must be {_WHEELHOUSE}<file>, without a url")
    filename = (wheel.path or "").removeprefix(_WHEELHOUSE)
    if package.version is None:
        raise ValueError(f"{where}.version: is missing")
    sha256 = wheel.hashes.get("sha256", "")
    if not _is_sha256(sha256):
        raise ValueError(f"{where}.wheels[0].hashes.sha256: is missing or not a SHA-256")
    own = (package.tool or {}).get(_TOOL, {})
    if not isinstance(own, dict):
        raise ValueError(f"{where}.tool.{_TOOL}: must be a table")  # noqa: TRY004 (one error for all)
    return LockedWheel(
        name=package.name,
        version=package.version,
        filename=filename,
        sha256=sha256,
        size=wheel.size,
        publishers=_publishers(own, f"{where}.tool.{_TOOL}"),
        uploaded=wheel.upload_time,
        attestation=_attestation(own, f"{where}.tool.{_TOOL}"),
    )


def _require_plausible(wheels: list[LockedWheel], path: Path) -> None:
    """What no index may say of wheels, no lock may."""
    verdict = Verdict(path.name)
    judge_listed([wheel.listed for wheel in wheels], verdict)
    if verdict.findings:
        raise ValueError("; ".join(map(str, verdict.findings)).removesuffix("."))


def _publishers(own: Mapping[str, Any], where: str) -> int | None:
    count = own.get(_PUBLISHERS)
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ValueError(f"{where}.{_PUBLISHERS}: must be a number, 1 or more")
    return count


def _attestation(own: Mapping[str, Any], where: str) -> str | None:
    digest = own.get(_ATTESTATION)
    if digest is not None and (not isinstance(digest, str) or not _is_sha256(digest)):
        raise ValueError(f"{where}.{_ATTESTATION}: is no SHA-256")
    return digest


def _is_sha256(text: str) -> bool:
    digits = hashlib.sha256().digest_size * 2
    return len(text) == digits and all(digit in "0123456789abcdef" for digit in text)
