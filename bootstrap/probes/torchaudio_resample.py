"""torchaudio computes with torch."""
# mypy: disable-error-code=import-not-found

import sys
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, require


def _prove(_arguments: list[str]) -> Proof:
    import torch
    import torchaudio

    second = torch.sin(2 * torch.pi * 440 * torch.arange(16000) / 16000)
    resampled = torchaudio.functional.resample(second, 16000, 8000)
    expected = torch.sin(2 * torch.pi * 440 * torch.arange(8000) / 8000)
    require(resampled.shape == expected.shape, f"8000 samples expected, {len(resampled)} came")
    # The ends see silence beyond the signal.
    error = float((resampled - expected)[100:-100].abs().max())
    require(error < 0.01, f"a resampled tone is off by {error:.3f}")  # noqa: PLR2004
    return "resamples a tone", {"torchaudio": torchaudio.__version__}


answer(_prove)
