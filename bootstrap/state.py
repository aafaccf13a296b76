"""``install.json``: what is live and what is being built; also the mark that a folder is ours."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from bootstrap.bundle.value import Target, Value
from bootstrap.errors import NotWritableError, RecoveryNeededError
from bootstrap.files import replace_file
from bootstrap.generation import Generation, Way

FILE_NAME = "install.json"
_FORMAT = 1
# One plain name, which leads out of no folder; Windows does not see dots and spaces at the end.
_Name = Annotated[str, msgspec.Meta(pattern=r"^(?![. ]*\Z)[^/\\:]+\Z")]


class Installed(Value, frozen=True, kw_only=True):
    """One generation that was verified and made live.

    Attributes:
        generation: its folder's name.
        inventory_sha256: of ``inventory.csv``, hexadecimal.
        index_sha256: of ``bundle.json``, hexadecimal.
        gpu_verified: False when nothing could be tried on a GPU.
        way: how it went live.
        launchers: file names of what stands beside ``.venv`` to start it by.
        place: the target folder as it was spelled then, which the system knows it by; empty
            where that was not yet written down.
        watch_torch: its Python looks at torch whenever it starts.
    """

    generation: _Name
    bundle_id: str
    product: str
    version: str
    variant: str
    target: Target
    python: str
    installed: datetime
    inventory_sha256: str
    index_sha256: str
    gpu_verified: bool
    # The defaults are what was, before these were written down.
    way: Way = "symlink"
    launchers: tuple[_Name, ...] = ("python.sh", "shell.sh")
    place: str = ""
    watch_torch: bool = False

    def generation_in(self, root: Path, *, live: bool = True) -> Generation:
        """The generation itself, in the target folder ``root``.

        Args:
            root: the folder.
            live: it is live now; otherwise it was, and is kept.
        """
        return Generation(
            root=root,
            name=self.generation,
            target=self.target,
            python_version=self.python,
            way=self.way,
            live=live,
        )


class InstallState(Value, frozen=True, kw_only=True):
    """What is there.

    Attributes:
        previous: what was live before, kept to go back to.
        building: name of a generation that is being built; after a crash, a leftover.
        removing: what was live until its removal began; after a crash, the next run ends it.
        keep_user_files: as the removal was asked for.
    """

    live: Installed | None = None
    previous: Installed | None = None
    building: _Name | None = None
    removing: Installed | None = None
    keep_user_files: bool = False

    @property
    def kept(self) -> frozenset[str]:
        """Names of the generations that are no leftovers."""
        return frozenset(one.generation for one in (self.live, self.previous) if one)


class _File(Value, frozen=True, kw_only=True):
    """The whole file. Without the first field it is not ours, whatever it is called."""

    llmsetup_format: int
    state: InstallState


def load_state(target: Path) -> InstallState | None:
    """The state of the installation in ``target``, or None when there is none.

    Raises:
        RecoveryNeededError: the file is there but cannot be understood.
        NotWritableError: it belongs to somebody else.
    """
    path = target / FILE_NAME
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise NotWritableError(
            f"{path} may not be read: {error.strerror}.",
            remedy="Start this as the user who has installed it, or choose another --target.",
        ) from error
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.DecodeError as error:
        raise _unusable(path, str(error)) from error
    if file.llmsetup_format != _FORMAT:
        raise _unusable(path, f"it has format {file.llmsetup_format}, this program knows {_FORMAT}")
    return file.state


def save_state(target: Path, state: InstallState) -> None:
    """Replace the file atomically and bring it to the disk."""
    file = _File(llmsetup_format=_FORMAT, state=state)
    encoded = msgspec.json.format(msgspec.json.encode(file, order="deterministic"), indent=2)
    replace_file(target / FILE_NAME, encoded + b"\n")


def _unusable(path: Path, why: str) -> RecoveryNeededError:
    return RecoveryNeededError(
        f"{path} cannot be understood: {why}.",
        remedy="Use the newer installer if one wrote it; otherwise install into another folder.",
    )
