"""Contents of a bundle for the real packing code: made-up stub and runtime, real wheels."""

import hashlib
import struct
from collections.abc import Mapping
from pathlib import Path

from bootstrap.bundle import layout
from bootstrap.bundle.value import Target
from builder.lock.model import Lock, LockedWheel
from builder.pack.contents import Contents
from builder.police import Concessions
from builder.runtime.model import PreparedRuntime
from builder.stub import Stub
from builder.targets import TARGETS
from builder.wheels import StoredWheel, read_wheel
from tests.support.small_stack import VARIANT, make_wheel, small_manifest
from tests.support.tiny_bundle import PROVENANCE

_PROGRAM = b"\x7fELF" + b"program" * 30


def tiny_contents(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    volume_size: int | None = None,
    target: Target = "linux_x86_64",
    program: bytes = _PROGRAM,
    stored: StoredWheel | None = None,
) -> Contents:
    """One wheel, and whatever else a bundle needs.

    Args:
        folder: where the parts go; it must exist.
        files: path in the wheel to content.
        volume_size: what somebody asks for.
        target: platform to install on.
        program: the bootloader of the stub.
        stored: what is packed of the wheel; None packs the original.
    """
    wheel = make_wheel(folder, "demo", "1.0", files)
    facts = read_wheel(wheel, wheel.name)
    locked = LockedWheel(
        name=facts.name,
        version=facts.version,
        filename=wheel.name,
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        size=wheel.stat().st_size,
    )
    manifest = small_manifest()
    lock = Lock(
        variant=VARIANT,
        target=target,
        python=manifest.python,
        requirements_sha256="00" * 32,
        wheels=(locked,),
        path=folder / "lock",
    )
    return Contents(
        manifest=manifest,
        lock=lock,
        target=TARGETS[target],
        cuda=None,
        minimum_vc_runtime=None,
        groups={"base": [facts.name]},
        wheels={facts.name: facts},
        compression="fast" if stored else "store",
        stored={facts.name: stored or StoredWheel(path=wheel, sha256=locked.sha256)},
        runtime=_runtime(folder),
        stub=_stub(folder, program),
        documents={"README.txt": b"read me\n"},
        concessions=Concessions(),
        provenance=PROVENANCE,
        evidence=_evidence(folder),
        asked_volume_size=volume_size,
    )


def _evidence(folder: Path) -> dict[str, Path]:
    path = folder / "sbom"
    path.write_bytes(b"{}\n")
    return {"sbom.cdx.json": path}


def _runtime(folder: Path) -> PreparedRuntime:
    archive = folder / "python.tar"
    archive.write_bytes(b"tar " * 500)
    return PreparedRuntime(
        archive=archive,
        source="host",
        version="3.11.7",
        build="test",
        executable="bin/python3.11",
        minimum_glibc=None,
        installed_size=1000,
        file_count=2,
        warning=None,
    )


def _stub(folder: Path, program: bytes) -> Stub:
    content = b"pkg" * 200
    cookie = struct.pack(
        *("!8sIIII64s", b"MEI\014\013\012\013\016", len(content) + layout.COOKIE_SIZE),
        *(len(content), 0, 311, b"python311.dll"),
    )
    path = folder / "stub"
    path.write_bytes(program + content + cookie)
    return Stub(path=path, bootloader_size=len(program), minimum_glibc=None)
