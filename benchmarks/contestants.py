"""The ways to bring a stack to a machine without network that are compared.

Each is a value: what is carried, and the shell's lines that make it, and that make the
environment ``env`` of it. The lines say all there is to know, and so they are reported,
too. They run in an empty folder, with these variables:

``ARTEFACT``
    what is carried there.
``WHEELHOUSE``, ``REQUIREMENTS``
    folder of the locked wheels; their names and versions.
``PYTHON``
    the Python that must be on a machine already, where the way brings none.
``EARLIER``
    an installer with another version of one package.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

# The name that the lines give to what they make.
ENVIRONMENT = "env"

INSTALLER = "LLMSetup"
COPY = "cp -r of the finished environment"
UV = "7z x, uv pip install"
PIP = "7z x, pip install"
PEX = "pex, its venv"
MAKESELF = "makeself, pip install"
UPGRADE = "LLMSetup over an earlier one"

_INSTALL = '"$ARTEFACT" --target env --json --allow-no-gpu'
# Wheels are compressed already, so 7z stores them: nobody waits longer for nothing.
_PACK_7Z = '7z a -mx=0 "$ARTEFACT" "$WHEELHOUSE"'
_UV_INSTALL = """\
7z x "$ARTEFACT"
uv venv --python "$PYTHON" env
uv pip install --python env --offline --no-index --no-deps wheelhouse/*.whl
rm -r wheelhouse"""
_PIP_INSTALL = """\
7z x "$ARTEFACT"
"$PYTHON" -m venv env
env/bin/pip install --no-index --no-deps wheelhouse/*.whl
rm -r wheelhouse"""
_PACK_PEX = """\
pex --python "$PYTHON" -r "$REQUIREMENTS" -f "$WHEELHOUSE" --no-index --include-tools \
-o "$ARTEFACT\""""
_PEX_INSTALL = 'PEX_TOOLS=1 "$PYTHON" "$ARTEFACT" venv env'
# Of itself makeself takes ustar, which holds no names as long as some wheels have.
_PACK_MAKESELF = """\
mkdir box
cp -rl "$WHEELHOUSE" box/wheelhouse
cat > box/install.sh <<'END'
#!/bin/sh
set -eu
"$2" -m venv "$1"
"$1/bin/pip" install --no-index --no-deps wheelhouse/*.whl
END
chmod +x box/install.sh
makeself --nocomp --tar-format gnu box "$ARTEFACT" stack ./install.sh"""
_MAKESELF_INSTALL = '"$ARTEFACT" -- "$PWD/env" "$PYTHON"'

# Program to the arguments that make it tell its version, and what brings it.
_TOOLS = {
    "7z": ((), "Debian package p7zip-full, from Debian 13 on 7zip"),
    "makeself": (("--version",), "Debian package makeself"),
    "uv": (("--version",), "the extra bench"),
    "pex": (("--version",), "the extra bench"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One way.

    Attributes:
        carried: files, or a folder; the first is the artefact.
        install: what is measured.
        make: makes the artefact, measured once; empty where it is there already.
        before: what must be there already, as part of the case; not measured.
        needs: what must be on the machine.
    """

    name: str
    carried: tuple[Path, ...]
    install: str
    make: str = ""
    before: str = ""
    needs: str = "nothing"

    @property
    def script(self) -> str:
        """All lines, and which of them are measured when."""
        parts = {
            "measured once": self.make,
            "before each turn, not measured": self.before,
            "measured in each turn": self.install,
        }
        return "\n".join(f"# {when}\n{lines}" for when, lines in parts.items() if lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What the contestants are made of.

    Attributes:
        bundle: the installer, and its volumes.
        other: that of another version of one package.
        reference: a finished environment.
        made: folder for artefacts.
    """

    wheelhouse: Path
    requirements: Path
    bundle: tuple[Path, ...]
    other: tuple[Path, ...]
    reference: Path
    made: Path

    def variables(self, contestant: Contestant) -> Mapping[str, str]:
        """What its lines may refer to."""
        return {
            "ARTEFACT": str(contestant.carried[0]),
            "EARLIER": str(self.other[0]),
            "PYTHON": str(host_python()),
            "REQUIREMENTS": str(self.requirements),
            "WHEELHOUSE": str(self.wheelhouse),
        }


def host_python() -> Path:
    """The machine's own Python, the one that the environment of this program comes from."""
    return Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")


def search_path() -> str:
    """``PATH`` with what is installed beside the Python that runs this."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def versions() -> dict[str, list[str]]:
    """Program to the command that tells its version."""
    asked = {name: [name, *arguments] for name, (arguments, _) in _TOOLS.items()}
    return {**asked, "pip": [str(host_python()), "-m", "ensurepip", "--version"]}


def require_tools() -> None:
    """Refuse to begin where a program is missing.

    Raises:
        SystemExit: names them all.
    """
    missing = [
        f"{name} ({source})"
        for name, (_, source) in _TOOLS.items()
        if shutil.which(name, path=search_path()) is None
    ]
    if missing:
        raise SystemExit(f"Not there: {', '.join(missing)}.")


def contestants(kit: Kit) -> tuple[Contestant, ...]:
    """All of them; who makes an artefact comes before who only uses it."""
    installer = Contestant(name=INSTALLER, carried=kit.bundle, install=_INSTALL)
    archive = (kit.made / "stack.7z",)
    return (
        installer,
        replace(
            installer,
            name=UPGRADE,
            before='"$EARLIER" --target env --silent --allow-no-gpu',
            needs="an earlier LLMSetup",
        ),
        Contestant(name=COPY, carried=(kit.reference,), install='cp -r "$ARTEFACT" env'),
        Contestant(
            name=UV,
            carried=archive,
            make=_PACK_7Z,
            install=_UV_INSTALL,
            needs="Python, 7-Zip, uv",
        ),
        Contestant(name=PIP, carried=archive, install=_PIP_INSTALL, needs="Python, 7-Zip"),
        Contestant(
            name=PEX,
            carried=(kit.made / "stack.pex",),
            make=_PACK_PEX,
            install=_PEX_INSTALL,
            needs="Python",
        ),
        Contestant(
            name=MAKESELF,
            carried=(kit.made / "stack.run",),
            make=_PACK_MAKESELF,
            install=_MAKESELF_INSTALL,
            needs="Python",
        ),
    )
