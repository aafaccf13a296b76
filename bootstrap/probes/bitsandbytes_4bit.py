"""bitsandbytes quantizes to four bits on the GPU and back."""
# mypy: disable-error-code=import-not-found

import sys
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, require

# NF4 in blocks of 64 misses normally distributed weights by 0.073 on average.
_TOLERANCE = 0.1


def _prove(_arguments: list[str]) -> Proof:
    import bitsandbytes
    import torch

    torch.manual_seed(0)
    weights = torch.randn(1024, 1024, dtype=torch.float16, device="cuda")
    packed, state = bitsandbytes.functional.quantize_4bit(weights, quant_type="nf4")
    restored = bitsandbytes.functional.dequantize_4bit(packed, state)
    error = float((restored - weights).abs().mean())
    require(error < _TOLERANCE, f"four bits and back miss by {error:.3f} on average")
    return f"four bits and back, mean error {error:.3f}", {"bitsandbytes": bitsandbytes.__version__}


answer(_prove)
