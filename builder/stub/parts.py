"""What a stub consists of beside our own code. It carries the list; nobody else keeps one.

A zip archive inside its PKG: of each part a ``.dist-info`` with its METADATA, its licences and
its SBOMs, as wheels have them. So a stub that was frozen elsewhere says the same of itself as
one that is frozen here.
"""

import io
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builder import __version__
from builder.errors import RefusedContentError
from builder.manifest import FREEZER_PATH, load_manifest
from builder.stub.package import BINARY, FREEZE_AGAIN, open_package
from builder.targets import TargetPlatform

NAME = "parts.zip"
OWN_LICENSE = Path(__file__).parents[2] / "LICENSE"
_GROUP = "installer"
# Its bootloader and its own modules are in every program that it makes.
_FREEZING = "pyinstaller"
_PYTHON = "cpython"
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_KEPT = ("METADATA", "LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS")
_KEPT_FOLDERS = ("licenses", "license_files", "sboms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Freezer:
    """The Python that freezes, whose parts go into the stub.

    Attributes:
        site_packages: where its distributions lie; None is where this very Python has them.
        python: its full version.
        licenses: where its licence may lie.
    """

    site_packages: Path | None
    python: str
    licenses: tuple[Path, ...]

    @classmethod
    def native(cls) -> "Freezer":
        """The Python that runs the builder."""
        version = ".".join(map(str, sys.version_info[:3]))
        return cls(
            site_packages=None,
            python=version,
            licenses=(
                Path(sysconfig.get_path("stdlib"), "LICENSE.txt"),
                Path(sys.base_prefix, "LICENSE.txt"),
                # Debian keeps it there and nowhere else.
                Path(f"/usr/share/doc/python{version.rpartition('.')[0]}/copyright"),
            ),
        )


def pack_parts(path: Path, freezer: Freezer, target: TargetPlatform) -> None:
    """Write the list of what will be frozen; the same parts give the same bytes.

    Args:
        path: of the zip archive.
        freezer: where the parts come from.
        target: what the stub is for.
    """
    files = dict[str, bytes]()
    for name, version, content in (_own(), _python(freezer), *_libraries(freezer, target)):
        folder = f"{canonicalize_name(name)}-{version}.dist-info"
        files |= {f"{folder}/{inner}": data for inner, data in content.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for inner, data in sorted(files.items()):
            info = zipfile.ZipInfo(inner, _TIME)
            info.create_system = _UNIX
            # PyInstaller compresses it as a whole.
            archive.writestr(info, data, zipfile.ZIP_STORED)


_Part = tuple[str, str, Mapping[str, bytes]]


def _own() -> _Part:
    content = {"METADATA": _metadata("llmsetup", __version__, "MIT")}
    if OWN_LICENSE.is_file():
        content["licenses/LICENSE"] = OWN_LICENSE.read_bytes()
    return "llmsetup", __version__, content


def _python(freezer: Freezer) -> _Part:
    content = {"METADATA": _metadata(_PYTHON, freezer.python, "PSF-2.0")}
    found = next((path for path in freezer.licenses if path.is_file()), None)
    if found:
        content["licenses/LICENSE.txt"] = found.read_bytes()
    return _PYTHON, freezer.python, content


def _metadata(name: str, version: str, expression: str) -> bytes:
    text = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n"
    return f"{text}License-Expression: {expression}\n".encode()


def _libraries(freezer: Freezer, target: TargetPlatform) -> Iterator[_Part]:
    path = sys.path if freezer.site_packages is None else [str(freezer.site_packages)]
    found = {str(canonicalize_name(d.name)): d for d in metadata.distributions(path=path)}
    minor = freezer.python.rpartition(".")[0]
    for name in sorted(_closure(found, target.marker_environment(minor))):
        distribution = found[canonicalize_name(name)]
        yield name, distribution.version, _kept(distribution)


def _closure(
    found: Mapping[str, metadata.Distribution], environment: Mapping[str, object]
) -> set[str]:
    """Names of what the installer imports, as far as it is installed, and of what that needs."""
    group = next(g for g in load_manifest(FREEZER_PATH).groups if g.name == _GROUP)
    waiting = [package.name for package in group.packages]
    names = {_FREEZING}
    values = {key: str(value) for key, value in environment.items()} | {"extra": ""}
    while waiting:
        name = str(canonicalize_name(waiting.pop()))
        if name in names or name not in found:
            continue
        names.add(name)
        for text in found[name].requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate(values):
                waiting.append(requirement.name)
    return names


def _kept(distribution: metadata.Distribution) -> dict[str, bytes]:
    """METADATA and licences; the rest names the paths and programs of this machine."""
    content = {}
    for path in distribution.files or ():
        folder, *inner = path.parts
        if not folder.endswith(".dist-info") or not inner:
            continue
        if inner[0] in _KEPT_FOLDERS or inner[-1].upper().startswith(_KEPT):
            content["/".join(inner)] = Path(str(path.locate())).read_bytes()
    return content


def read_parts(stub: Path) -> bytes:
    """The archive that :func:`pack_parts` wrote, out of a stub.

    Raises:
        RefusedContentError: the stub has none: another version of the builder made it.
        DamagedBundleError: its PKG cannot be read.
    """
    with open_package(stub) as package:
        if NAME not in package.toc:
            raise RefusedContentError(
                f"The stub {stub} does not say what it consists of.", remedy=FREEZE_AGAIN
            )
        data: bytes = package.extract(NAME)
        require_archive(data)
    return data


def require_archive(data: bytes) -> None:
    """See that it is a zip archive.

    Raises:
        ValueError: it is none.
    """
    try:
        zipfile.ZipFile(io.BytesIO(data)).close()
    except zipfile.BadZipFile as error:
        raise ValueError(f"{NAME} is no archive") from error


def frozen_libraries(stub: Path) -> Iterable[tuple[str, bytes]]:
    """Name and content of each shared library in a stub that is no extension module.

    Raises:
        DamagedBundleError: its PKG cannot be read.
    """
    with open_package(stub) as package:
        for name, (*_, kind) in sorted(package.toc.items()):
            base = name.replace("\\", "/").rpartition("/")[2]
            if kind == BINARY and is_library(base):
                yield base, package.extract(name)


def is_library(name: str) -> bool:
    """Whether a file of that name is a shared library, and no extension module of Python."""
    if name.lower().endswith(".dll"):
        return True
    return name.startswith("lib") and (name.endswith(".so") or ".so." in name)
