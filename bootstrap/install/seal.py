"""Step 3: what makes the environment stay as it is, and the inventory that shows whether it did."""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from bootstrap import inventory
from bootstrap.bundle.model import Index
from bootstrap.bundle.reader import BundleReader
from bootstrap.files import patiently, remove_file, replace_file
from bootstrap.generation import Generation
from bootstrap.probing import default_probes_folder

TORCH_WATCH = "llmsetup_watch_torch"
_DOCUMENTS = "docs/"
_CONSTRAINTS = """\
# Written by the installer: what was installed, and tested together. pip takes these lines as
# constraints (see pip.conf or pip.ini beside this file) and installs nothing that wants another
# version. Where an error of pip says "The user requested (constraint)", it means one of them.
# uv does not read pip's files; give it this one: uv pip install --constraints FILE
"""
_PIP_CONFIGURATION = """\
# Written by the installer: no index is asked, and nothing replaces what was installed.
[global]
no-index = true
constraint = {constraint}
disable-pip-version-check = true

# Once more: what a user's own file says of one command wins over [global], whoever wrote that.
[install]
no-index = true
constraint = {constraint}
"""


def write_pip_configuration(index: Index, generation: Generation) -> None:
    """Forbid the index and hold every locked version, so that pip cannot replace torch."""
    # By "==" torch 2.6.0+cpu would do for 2.6.0, and even be the newer one.
    pins = sorted(f"{wheel.name}==={wheel.version}" for wheel in index.wheels)
    name = "constraints.txt"
    lines = "".join(f"{pin}\n" for pin in pins)
    replace_file(generation.venv / name, f"{_CONSTRAINTS}{lines}".encode())
    # As an address, because pip splits this option at spaces, and paths may have some.
    text = _PIP_CONFIGURATION.format(constraint=(generation.home / name).as_uri())
    name = "pip.ini" if index.target == "win_amd64" else "pip.conf"
    replace_file(generation.venv / name, text.encode())


def write_torch_watch(generation: Generation) -> None:
    """Let the environment's Python look at torch whenever it starts, and warn."""
    source = default_probes_folder() / "_watch_torch.py"
    replace_file(generation.site_packages / f"{TORCH_WATCH}.py", source.read_bytes())
    line = f"import {TORCH_WATCH}\n".encode()
    replace_file(generation.site_packages / f"{TORCH_WATCH}.pth", line)


def write_documents(reader: BundleReader, generation: Generation) -> None:
    """The files for the user, and the index itself."""
    generation.documents.mkdir()
    for entry in reader.index.documents:
        path = generation.documents / Path(entry.name.removeprefix(_DOCUMENTS)).name
        replace_file(path, reader.read_entry(entry))
        if path.suffix == ".sh":
            path.chmod(0o755)
    replace_file(generation.index, reader.index_bytes)


def remove_strange_bytecode(generation: Generation, known: Iterable[tuple[str, str]]) -> None:
    """Delete every ``.pyc`` and empty ``__pycache__`` that no wheel brought.

    Args:
        generation: what was built.
        known: path in the inventory and hash of the files that wheels brought.
    """
    brought = {
        inventory.locate(generation.places, path) for path, _ in known if path.endswith(".pyc")
    }
    for folder, _, files in os.walk(generation.folder, topdown=False):
        for name in files:
            path = os.path.join(folder, name)  # noqa: PTH118
            if name.endswith(".pyc") and path not in brought:
                remove_file(Path(path))
        if os.path.basename(folder) == "__pycache__" and not os.listdir(folder):  # noqa: PTH119, PTH208
            patiently(Path(folder).rmdir, folder)


def write_inventory(
    generation: Generation,
    known: Iterable[tuple[str, str]],
    *,
    without: Collection[str] = frozenset(),
) -> str:
    """Write the inventory of all that lies in the generation now.

    Args:
        generation: what was built.
        known: path in the inventory and hash, in its order, of the files that were hashed while
            written.
        without: paths in the inventory of files that are the user's.

    Returns:
        The SHA-256 of the inventory, hexadecimal.
    """
    digest = hashlib.sha256()

    def lines() -> Iterator[bytes]:
        for line in inventory.encode(inventory.take(generation.places, known, without)):
            digest.update(line)
            yield line

    replace_file(generation.inventory, lines())
    return digest.hexdigest()
