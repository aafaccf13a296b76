"""Two versions of a small product, really built: large enough to be upgraded, quick to install."""

import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bootstrap.bundle.model import Check
from builder.lock.model import encode_lock, lock_path
from builder.lock.requirements import digest
from builder.manifest import Manifest, Package, PackageGroup, Variant, VariantTarget
from builder.wheels import read_wheel
from tests.support.commands import run_builder
from tests.support.made_locks import lock_wheels
from tests.support.small_stack import PYTHON, TARGET, VARIANT, make_wheel, write_manifest

_PRODUCT = "FaultStack"
_MODULES = 25
# Larger than what is told to the file system before it is written, and than what is written apart.
_SIZES = {"medium.bin": 300 << 10, "large.bin": 9 << 20}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundles:
    """The installers: an older version, and a newer one that shares most of its files."""

    old: Path
    new: Path

    def path(self, which: str) -> Path:
        """The one called ``old`` or ``new``."""
        return {"old": self.old, "new": self.new}[which]


def build_bundles(folder: Path, *options: str) -> Bundles:
    """Build both; their program is frozen once, unless it has changed since.

    Args:
        folder: where they and all that they are made from go.
        options: what the builder gets besides.

    Raises:
        RuntimeError: the builder failed; what it said.
    """
    return Bundles(
        old=_build(folder, "1.0.0", {"alpha": "1.0", "beta": "1.0", "gamma": "1.0"}, options),
        new=_build(folder, "2.0.0", {"alpha": "2.0", "beta": "1.0", "delta": "1.0"}, options),
    )


def _build(folder: Path, version: str, pins: dict[str, str], options: Sequence[str]) -> Path:
    work = folder / version
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    manifest = _manifest(version, pins)
    path = write_manifest(manifest, work)
    _lock(manifest, path, pins)
    done = run_builder(
        *("--cuda", VARIANT, "--runtime", "host", "--offline", "--quiet", "--manifest", path),
        # One cache for both, so that the stub is frozen once.
        *("--wheels", work, "--cache", folder / "cache", "--output", work / "dist"),
        *options,
    )
    if done.returncode != 0:
        raise RuntimeError(f"The builder ended with {done.returncode}:\n{done.stderr}")
    return work / "dist" / f"{_PRODUCT}-{VARIANT}.run"


def _manifest(version: str, pins: dict[str, str]) -> Manifest:
    packages = tuple(Package(order=order, name=name) for order, name in enumerate(pins, start=1))
    return Manifest(
        product=_PRODUCT,
        version=version,
        company="Example",
        python=PYTHON,
        groups=(PackageGroup(name="all", packages=packages),),
        variants={VARIANT: Variant(cuda=None, targets={TARGET: VariantTarget(pins=pins)})},
        blacklist=(),
        # One start of the new Python, and no more.
        checks=(Check(id="imports", probe="imports", arguments=("alpha", "beta"), timeout=60),),
    )


def _lock(manifest: Manifest, path: Path, pins: dict[str, str]) -> None:
    wheels = [_wheel(path.parent, name, version) for name, version in pins.items()]
    facts = [read_wheel(wheel, wheel.name) for wheel in wheels]
    lock = replace(
        lock_wheels(facts, lock_path(path, VARIANT, TARGET)),
        python=PYTHON,
        requirements_sha256=digest(manifest, VARIANT, TARGET),
    )
    lock.path.parent.mkdir()
    lock.path.write_bytes(encode_lock(lock))


def _wheel(folder: Path, name: str, version: str) -> Path:
    """A wheel with modules that import each other, data, and a script; half is as it was."""
    files = {f"{name}/__init__.py": f'VERSION = "{version}"\n'.encode()}
    for number in range(_MODULES):
        told = version if number % 2 else "always"
        files[f"{name}/module_{number:02d}.py"] = f'"""{name} {told}."""\n\nN = {number}\n'.encode()
    imports = "".join(f"from {name} import module_{n:02d}\n" for n in range(_MODULES))
    files[f"{name}/everything.py"] = f"{imports}\n\ndef main():\n    print('fine')\n".encode()
    files[f"{name}-{version}.dist-info/entry_points.txt"] = (
        f"[console_scripts]\n{name} = {name}.everything:main\n".encode()
    )
    if name == "beta":
        files |= {f"beta/{file}": _data(size) for file, size in _SIZES.items()}
    return make_wheel(folder, name, version, files)


def _data(size: int) -> bytes:
    """Bytes that compress to little, so that the bundle stays small."""
    return random.Random(size).randbytes(1 << 10) * (size >> 10)  # noqa: S311 (not for secrets)
