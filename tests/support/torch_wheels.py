"""A folder of wheels that real resolvers choose from: other torches, and who wants them."""

from pathlib import Path

from tests.support.small_stack import make_wheel
from tests.support.torch_environment import torch_files

# The first counts as newer than 2.6.0 and still does for ``==2.6.0``.
OTHERS = ("2.6.0+cpu", "2.13.0+cpu", "9.9")


def write_wheels(folder: Path) -> Path:
    """``innocent``, ``wants-torch`` and ``wants-other-torch``, beside several torches."""
    folder.mkdir()
    for version in OTHERS:
        make_wheel(folder, "torch", version, torch_files(version, version))
    make_wheel(folder, "innocent", "1.0", {"innocent.py": b""})
    make_wheel(folder, "wants_torch", "1.0", {"wants_torch.py": b""}, ["torch>=2"])
    make_wheel(folder, "wants_other_torch", "1.0", {"wants_other_torch.py": b""}, ["torch==9.9"])
    return folder
