"""``.torch_lock``: which torch was installed, for everybody who asks later.

What it says is compared with torch's ``.dist-info`` and ``torch/version.py``, which are read and
never imported. :mod:`bootstrap.probes._watch_torch` compares the part that costs nothing.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from bootstrap import inventory
from bootstrap.bundle.model import Index, Wheel
from bootstrap.bundle.value import Value
from bootstrap.errors import UsageError
from bootstrap.files import replace_file
from bootstrap.generation import Generation, dist_infos

FILE_NAME = ".torch_lock"
_NAME = "torch"
_STATED = re.compile(r"""^__version__ *= *['"]([^'"]+)['"]""", flags=re.MULTILINE)


class TorchLock(Value, frozen=True, kw_only=True):
    """What the file holds.

    Attributes:
        version: of the distribution, as its ``.dist-info`` is called.
        local: the build, such as ``cu124``, by torch's own word, since what pip's index has
            leaves it out of the version; None where there is none.
        cuda: toolkit of the bundle's variant, such as ``12.4``; None where it has none.
        record_sha256: of ``RECORD``, hexadecimal, byte for byte as it lies in the environment. That
            is not the wheel's: installing adds ``INSTALLER`` and the scripts, whose hashes differ
            from place to place, since they name their Python.
        record_size: bytes of the same file.
        time: when it was sealed.
    """

    version: str
    local: str | None
    cuda: str | None
    record_sha256: str
    record_size: int
    time: datetime

    @property
    def build(self) -> str:
        """Version and local build, as torch gives them."""
        return _build(self.version, self.local)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Present:
    """A torch as it lies in an environment.

    Attributes:
        local: as of :class:`TorchLock`.
        stated: whether torch itself has said so.
        record: its ``RECORD``, empty where that cannot be read.
        installer: who says to have installed it; empty where nobody does.
    """

    version: str
    local: str | None
    stated: bool
    record: bytes
    installer: str

    @property
    def record_sha256(self) -> str:
        return hashlib.sha256(self.record).hexdigest()

    def __str__(self) -> str:
        return _build(self.version, self.local)


def locked_torch(index: Index) -> Wheel | None:
    """The torch that a bundle brings, if it does."""
    return next((wheel for wheel in index.wheels if wheel.name == _NAME), None)


def require_torch_in(index: Index) -> None:
    """See that there is something to watch.

    Raises:
        UsageError: the bundle brings no torch.
    """
    if locked_torch(index) is None:
        raise UsageError(
            f"{index.product} {index.variant} brings no torch that could be watched.",
            remedy="Leave out --watch-torch.",
        )


def write(index: Index, generation: Generation) -> None:
    """Record which torch was just installed; nothing where the bundle brings none."""
    if locked_torch(index) is None:
        return
    (torch,) = _present(generation.site_packages)
    lock = TorchLock(
        version=torch.version,
        local=torch.local,
        cuda=index.cuda.version if index.cuda else None,
        record_sha256=torch.record_sha256,
        record_size=len(torch.record),
        time=datetime.now(UTC).replace(microsecond=0),
    )
    encoded = msgspec.json.format(msgspec.json.encode(lock), indent=2)
    replace_file(generation.venv / FILE_NAME, encoded + b"\n")


def find_fault(index: Index, generation: Generation) -> str | None:
    """Why torch is not the one that was installed, in a sentence; None where it is.

    The lock itself is compared with the inventory first, which must have been proved.

    Args:
        index: of the bundle that was installed.
        generation: what it was installed as.
    """
    wheel = locked_torch(index)
    if wheel is None:
        return None
    path = generation.venv / FILE_NAME
    present = tuple(_present(generation.site_packages))
    try:
        lock = msgspec.json.decode(path.read_bytes(), type=TorchLock)
    except FileNotFoundError:
        why = "is missing"
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
    except msgspec.DecodeError as error:
        why = f"cannot be understood ({error})"
    else:
        if _is_sealed(path, generation):
            return _compare(lock, present, generation.site_packages)
        why = "was changed after the installation"
    found = " and ".join(str(torch) for torch in present) or "no torch"
    return f"{path} {why}. The bundle brought torch {wheel.version}; installed is {found}."


def _is_sealed(path: Path, generation: Generation) -> bool:
    """Whether the lock is as the inventory has it."""
    items = inventory.read(generation.inventory)
    hashes = (item.hash for item in items if item.path == f"venv/{FILE_NAME}")
    return inventory.has_hash(str(path), next(hashes, "sha256="))


def _compare(lock: TorchLock, present: tuple[_Present, ...], site_packages: Path) -> str | None:
    """In a sentence, what became of the torch that the lock describes."""
    if not present:
        return f"torch {lock.build} is gone: {site_packages} has no {_NAME}-*.dist-info."
    if len(present) > 1:
        several = " and ".join(str(torch) for torch in present)
        return (
            f"torch is installed {len(present)} times in {site_packages}: {several}; "
            f"{lock.build} was."
        )
    became = _became(lock, present[0])
    return f"torch {lock.build} {became} in {site_packages}." if became else None


def _became(lock: TorchLock, torch: _Present) -> str | None:
    by = f" by {torch.installer}" if torch.installer else ""
    if torch.version != lock.version:
        return f"was replaced by {torch}{by}"
    if not torch.record:
        return "has lost its RECORD"
    if torch.record_sha256 != lock.record_sha256:
        return f"was installed again{by}, or its RECORD was changed,"
    if torch.stated and torch.local != lock.local:
        return f"was overwritten by files of {torch}"
    return None


def _present(site_packages: Path) -> Iterator[_Present]:
    """Every torch that is installed, by its ``.dist-info``."""
    stated = _stated_version(site_packages)
    for name, version, info in dist_infos(site_packages):
        if canonicalize_name(name) != _NAME:
            continue
        public, _, local = version.partition("+")
        # Of several, nobody knows of which one the module is.
        own = stated if stated.partition("+")[0] == public else ""
        yield _Present(
            version=version,
            local=own.partition("+")[2] or local or None,
            stated=bool(own),
            record=_read(info / "RECORD"),
            installer=_read(info / "INSTALLER").decode("utf-8", "replace").strip(),
        )


def _stated_version(site_packages: Path) -> str:
    """What ``torch/version.py`` assigns to ``__version__``; empty where it assigns nothing."""
    found = _STATED.search(_read(site_packages / "torch" / "version.py").decode("utf-8", "replace"))
    return found[1] if found else ""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _build(version: str, local: str | None) -> str:
    public = version.partition("+")[0]
    return f"{public}+{local}" if local else public
