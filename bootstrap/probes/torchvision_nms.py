"""torchvision's own compiled operators fit torch."""
# mypy: disable-error-code=import-not-found

import sys
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, require


def _prove(_arguments: list[str]) -> Proof:
    import torch
    import torchvision

    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 1.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
    scores = torch.tensor([0.9, 0.8, 0.7])
    kept = torchvision.ops.nms(boxes, scores, iou_threshold=0.5).tolist()
    require(kept == [0, 2], f"nms kept boxes {kept}, not [0, 2]")
    return "nms keeps the right boxes", {"torchvision": torchvision.__version__}


answer(_prove)
