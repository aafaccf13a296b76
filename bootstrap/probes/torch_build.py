"""torch is the build of this CUDA version. Argument: ``12.4``, or ``none`` for the CPU build."""
# mypy: disable-error-code=import-not-found

import sys
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, require


def _prove(arguments: list[str]) -> Proof:
    import torch

    (expected,) = arguments
    built = torch.version.cuda or "none"
    require(
        built == expected,
        f"torch {torch.__version__} is a build for CUDA {built}, not {expected}",
    )
    return f"torch {torch.__version__}, CUDA {built}", {"torch": torch.__version__, "cuda": built}


answer(_prove)
