"""The small stack, built again and again, its manifest, lock and cache spoilt on purpose."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from packaging.utils import NormalizedName
from packaging.version import Version

from builder.lock.model import Lock, LockedWheel, encode_lock, load_lock
from builder.lock.requirements import digest
from builder.manifest import load_manifest
from builder.wheels import read_wheel
from tests.support.commands import ROOT, run_builder
from tests.support.small_stack import (
    TAG,
    TARGET,
    VARIANT,
    WINDOWS_TAG,
    SmallBundle,
    make_wheel,
)

FINISHED = ["SHA256SUMS", f"SmallStack-cpu-{TARGET}", "SmallStack-cpu.run"]


def arguments(work: SmallBundle, *variants: str) -> list[str | Path]:
    return [
        *("--cuda", *(variants or [VARIANT]), "--runtime", "host", "--offline"),
        *("--manifest", work.manifest, "--cache", work.cache, "--output", work.output),
    ]


def build(work: SmallBundle, *variants: str) -> "subprocess.CompletedProcess[str]":
    return run_builder(*arguments(work, *variants))


def start_build(work: SmallBundle, *more: str) -> "subprocess.Popen[bytes]":
    """A build that is just packing."""
    process = subprocess.Popen(
        [sys.executable, "-m", "builder", *arguments(work), *more],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if b": pack" in line:
            return process
    raise AssertionError("the build has ended before it packed")


def refused(work: SmallBundle, code: int, *told: str) -> str:
    """Build, and expect this exit code, these words, and nothing in the output folder."""
    done = build(work)
    assert done.returncode == code, done.stderr
    for text in told:
        assert text in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert "→" in done.stderr
    assert finished(work.output) == []
    return done.stderr


def finished(output: Path) -> list[str]:
    """What a user would see there."""
    found = output.iterdir() if output.is_dir() else ()
    return sorted(path.name for path in found if not path.name.startswith("."))


def lock_of(work: SmallBundle) -> Lock:
    return load_lock(work.manifest.parent / "locks" / f"pylock.{VARIANT}-{work.target}.toml")


def relock(work: SmallBundle, *paths: Path) -> None:
    """Add wheels to the lock and to the cache, as if they had been resolved and fetched."""
    lock = lock_of(work)
    added = []
    for path in paths:
        facts, data = read_wheel(path, path.name), path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        (work.cache / "files" / sha256).write_bytes(data)
        added.append(
            LockedWheel(
                name=facts.name,
                version=facts.version,
                filename=path.name,
                sha256=sha256,
                size=len(data),
            )
        )
    names = {wheel.name for wheel in added}
    kept = [wheel for wheel in lock.wheels if wheel.name not in names]
    lock.path.write_bytes(encode_lock(replace(lock, wheels=(*kept, *added))))


def torch_wheel(folder: Path, local: str, cuda: str | None, tag: str = TAG) -> Path:
    source = f"cuda: str | None = {cuda!r}\n".encode()
    files = {"torch/__init__.py": b"", "torch/version.py": source}
    return make_wheel(folder, "torch", f"2.6.0+{local}", files, tag=tag)


def two_variants(work: SmallBundle, address: str, wheel: Path) -> None:
    """Torch in both variants: that of cu118 from an index of its own, that of cpu in the cache.

    Of the former only the hash is known, from one publisher.
    """
    manifest = json.loads(work.manifest.read_text())
    manifest["indexes"] = {"pytorch-cu118": address}
    torch = {"order": 90, "name": "torch", "specifier": ""}
    manifest["groups"].append({"name": "torch", "packages": [torch]})
    target = {"pins": {"torch": "2.6.0+cu118"}, "indexes": {"torch": "pytorch-cu118"}}
    manifest["variants"]["cu118"] = {"cuda": "11.8", "targets": {work.target: target}}
    work.manifest.write_text(json.dumps(manifest))
    own = lock_of(work)
    tag = TAG if work.target == TARGET else WINDOWS_TAG
    relock(work, torch_wheel(work.manifest.parent, "cpu", None, tag))
    write_lock(work, lock_of(work), VARIANT)
    added = LockedWheel(
        name=NormalizedName("torch"),
        version=Version("2.6.0+cu118"),
        filename=wheel.name,
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        size=None,
        publishers=1,
    )
    write_lock(work, replace(own, wheels=(*own.wheels, added)), "cu118")


def write_lock(work: SmallBundle, lock: Lock, variant: str) -> None:
    asked = digest(load_manifest(work.manifest), variant, work.target)
    path = lock.path.with_name(f"pylock.{variant}-{work.target}.toml")
    path.write_bytes(encode_lock(replace(lock, variant=variant, requirements_sha256=asked)))
