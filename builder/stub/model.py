"""A stub as a value, and whether a file is one."""

import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pefile

from bootstrap.bundle import layout
from bootstrap.bundle.keys import TRUSTED_KEYS, PublicKey, parse_public_keys
from builder.elf import minimum_glibc_of_streams
from builder.errors import DamagedBundleError, RefusedContentError, UsageError
from builder.stub.identity import Identity
from builder.stub.package import BINARY, FREEZE_AGAIN, open_package
from builder.targets import TargetPlatform

_MAGIC = {"linux_x86_64": b"\x7fELF", "win_amd64": b"MZ"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """A frozen installer program without payload; it starts, and finds none.

    Attributes:
        bootloader_size: bytes before PyInstaller's PKG, which ends the file.
        minimum_glibc: ``major.minor``; None where there is no glibc (Windows).
    """

    path: Path
    bootloader_size: int
    minimum_glibc: str | None


def open_stub(path: Path, target: TargetPlatform, identity: Identity | None = None) -> Stub:
    """Take a stub that was frozen before.

    Args:
        path: of the stub.
        target: what it must be for.
        identity: what it must say of itself, on Windows, and whom it must trust; None is
            anything.

    Raises:
        UsageError: the file cannot be read.
        RefusedContentError: it is a program for another platform, or a finished installer, or
            says of itself to be something else, or trusts other keys.
        DamagedBundleError: it is not a stub, or not all of one.
    """
    try:
        with path.open("rb") as file:
            stub = _inspect(file, path, target)
    except OSError as error:
        raise UsageError(
            f"The stub {path} cannot be read: {error.strerror or error}.", remedy=FREEZE_AGAIN
        ) from error
    if identity and target.sys_platform == "win32":
        _require_identity(path, identity)
    if identity:
        _require_trust(path, identity)
    return stub


def _require_trust(path: Path, identity: Identity) -> None:
    with open_package(path) as package:
        names = [name for name in package.toc if name.replace("\\", "/") == TRUSTED_KEYS]
        text = package.extract(names[0]).decode(errors="replace") if names else None
    if text is None:
        raise RefusedContentError(
            f"The stub {path} was frozen before installers could trust keys.",
            remedy=f"{FREEZE_AGAIN}.",
        )
    trusted = parse_public_keys(text, str(path))
    if set(trusted) != set(identity.trusted):
        again = f"--trust {' '.join(['PUBKEY'] * len(identity.trusted))}"
        raise RefusedContentError(
            f"The stub {path} was frozen to trust {_listed(trusted)}, and the build wants it to "
            f"trust {_listed(identity.trusted)}.",
            remedy=f"{FREEZE_AGAIN} {again if identity.trusted else 'without --trust'}, or give "
            "this build the same --trust as that stub.",
        )


def _listed(keys: Iterable[PublicKey]) -> str:
    return ", ".join(map(str, keys)) or "nobody in particular"


def _require_identity(path: Path, identity: Identity) -> None:
    wanted = (identity.product, identity.version, identity.company)
    with pefile.PE(str(path)) as image:
        texts = {
            name.decode(errors="replace"): text.decode(errors="replace")
            for information in getattr(image, "FileInfo", [[]])[0]
            for table in getattr(information, "StringTable", ())
            for name, text in table.entries.items()
        }
    said = tuple(texts.get(name) for name in ("ProductName", "ProductVersion", "CompanyName"))
    if said != wanted:
        raise RefusedContentError(
            f"The stub {path} says in its properties that it is {said[0]} {said[1]} of {said[2]}, "
            f"and not {' '.join(wanted[:2])} of {wanted[2]}.",
            remedy=f"{FREEZE_AGAIN} and the same --manifest.",
        )


def _inspect(file: BinaryIO, path: Path, target: TargetPlatform) -> Stub:
    magic = _MAGIC[target.name]
    if file.read(len(magic)) != magic:
        raise RefusedContentError(
            f"The stub {path} is no program for {target.name}.", remedy=FREEZE_AGAIN
        )
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - layout.COOKIE_SIZE))
    pkg_size = layout.pkg_size(file.read())
    if pkg_size is None or pkg_size >= end:
        raise DamagedBundleError(
            f"The stub {path} does not end as a frozen program does: it is cut off, something was "
            "appended, or PyInstaller did not make it.",
            remedy=FREEZE_AGAIN,
        )
    file.seek(max(0, end - pkg_size - layout.TRAILER_SIZE))
    if layout.parse_trailer(file.read(layout.TRAILER_SIZE)):
        raise RefusedContentError(
            f"{path} is a finished installer and not a stub.", remedy=FREEZE_AGAIN
        )
    bootloader_size = end - pkg_size
    glibc = None
    if target.sys_platform == "linux":
        glibc = minimum_glibc_of_streams(_binaries(path))
    else:
        _require_whole_image(path, bootloader_size)
    return Stub(path=path, bootloader_size=bootloader_size, minimum_glibc=glibc)


def _require_whole_image(path: Path, size: int) -> None:
    """The PE image must end where the PKG begins: Windows maps what lies before, no more."""
    try:
        with pefile.PE(str(path), fast_load=True) as image:
            overlay = image.get_overlay_data_start_offset()
    except pefile.PEFormatError as error:
        raise DamagedBundleError(
            f"The stub {path} is no whole Windows program: {error}.", remedy=FREEZE_AGAIN
        ) from error
    if overlay != size:
        raise DamagedBundleError(
            f"The stub {path} has its PKG at offset {size}, and not where its program ends "
            f"({overlay}).",
            remedy=FREEZE_AGAIN,
        )


def _binaries(path: Path) -> Iterator[BinaryIO]:
    """The bootloader, and every library and extension module in the PKG."""
    with path.open("rb") as bootloader:
        yield bootloader
    with open_package(path) as package:
        for name, (*_, kind) in package.toc.items():
            if kind == BINARY:
                yield io.BytesIO(package.extract(name))
