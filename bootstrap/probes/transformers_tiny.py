"""transformers runs and generates with a tiny model of random weights."""
# mypy: disable-error-code=import-not-found

import sys
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, require


def _prove(_arguments: list[str]) -> Proof:
    import torch
    import transformers
    from _tiny import VOCABULARY, tiny_llama, tokens

    model, prompt = tiny_llama().eval(), tokens()
    with torch.no_grad():
        logits = model(input_ids=prompt).logits
        generated = model.generate(
            input_ids=prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=4,
            min_new_tokens=4,
            do_sample=False,
        )
    require(logits.shape == (2, 8, VOCABULARY), f"logits have shape {tuple(logits.shape)}")
    require(bool(torch.isfinite(logits).all()), "logits are not finite")
    require(generated.shape == (2, 12), f"generated tokens have shape {tuple(generated.shape)}")
    return "forward and generate", {"transformers": transformers.__version__}


answer(_prove)
