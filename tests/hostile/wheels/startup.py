"""Code that would run by itself, allowed wrongly or not at all."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from bootstrap.bundle.policy import Allowance
from tests.hostile.wheels.case import DATA, FILENAME, Case, With, canary

_NAMES = (
    *("demo.pth", "_.pth", "DEMO.PTH", "a b.pth", ".pth", "distutils-precedence.pth"),
    *("sitecustomize.py", "usercustomize.py", "SiteCustomize.py", "sitecustomize.pyc"),
    *("sitecustomize/__init__.py", "usercustomize/__init__.py", "sitecustomize/__init__.pyc"),
    *("sitecustomize.cpython-311-x86_64-linux-gnu.so", "usercustomize.abi3.so"),
    "sitecustomize.cp311-win_amd64.pyd",
)
_PLACES = {"top": "", "purelib": f"{DATA}/purelib/", "platlib": f"{DATA}/platlib/"}


def cases() -> Iterator[Case]:
    """All of them."""
    for name in _NAMES:
        for place, prefix in _PLACES.items():
            yield _file(f"{name} at {place}", f"{prefix}{name}")
    for path in ("scripts/python311._pth", "data/python311._pth", "data/Scripts/python._pth"):
        yield _file(path, f"{DATA}/{path}")
    yield from _allowed_wrongly()


def _file(name: str, path: str) -> Case:
    def make(folder: Path) -> bytes:
        return With(extra={path: canary(folder)})(folder)

    return Case(name=name, rule="startup-code", make=make)


def _allowed_wrongly() -> Iterator[Case]:
    def make(folder: Path) -> bytes:
        return With(extra={"demo.pth": canary(folder)})(folder)

    def allowance(wheel: bytes, members: dict[str, str], sha256: str = "") -> Allowance:
        return Allowance(
            filename=FILENAME,
            sha256=sha256 or hashlib.sha256(wheel).hexdigest(),
            members=members,
            reason="a test",
        )

    wrong = {
        "another file's hash": lambda wheel: allowance(wheel, {"demo.pth": "00" * 32}),
        "another path": lambda wheel: allowance(wheel, {"other.pth": "00" * 32}),
        "no member": lambda wheel: allowance(wheel, {}),
        "another wheel": lambda wheel: allowance(wheel, {"demo.pth": "00" * 32}, sha256="11" * 32),
    }
    for trick, made in wrong.items():
        yield Case(name=f"allowed by {trick}", rule="startup-code", make=make, allowance=made)
