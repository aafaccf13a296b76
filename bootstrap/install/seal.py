"""Step 3: what makes the environment stay as it is, and the inventory that shows whether it did."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from bootstrap import inventory
from bootstrap.bundle.model import Index
from bootstrap.bundle.reader import BundleReader
from bootstrap.files import patiently, remove_file, replace_file
from bootstrap.generation import Generation

_DOCUMENTS = "docs/"


def write_pip_configuration(index: Index, generation: Generation) -> None:
    """Forbid the index and hold every locked version, so that pip cannot replace torch."""
    pins = [f"{wheel.name}=={wheel.version}" for wheel in index.wheels]
    name = "constraints.txt"
    replace_file(generation.venv / name, ("\n".join(sorted(pins)) + "\n").encode())
    windows = index.target == "win_amd64"
    # As an address, because pip splits this option at spaces, and paths may have some.
    lines = [
        "[global]",
        "no-index = true",
        f"constraint = {(generation.home / name).as_uri()}",
        "disable-pip-version-check = true",
    ]
    name = "pip.ini" if windows else "pip.conf"
    replace_file(generation.venv / name, ("\n".join(lines) + "\n").encode())


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


def write_inventory(generation: Generation, known: Iterable[tuple[str, str]]) -> str:
    """Write the inventory of all that lies in the generation now.

    Args:
        generation: what was built.
        known: path in the inventory and hash, in its order, of the files that were hashed while
            written.

    Returns:
        The SHA-256 of the inventory, hexadecimal.
    """
    digest = hashlib.sha256()

    def lines() -> Iterator[bytes]:
        for line in inventory.encode(inventory.take(generation.places, known)):
            digest.update(line)
            yield line

    replace_file(generation.inventory, lines())
    return digest.hexdigest()
