"""peft trains an adapter, and only the adapter, of a tiny model."""
# mypy: disable-error-code=import-not-found

import sys
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, require


def _prove(_arguments: list[str]) -> Proof:
    import peft
    import torch
    from _tiny import tiny_llama, tokens

    settings = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = peft.get_peft_model(tiny_llama(), settings)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    batch = tokens()
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=0.01)
    loss = model(input_ids=batch, labels=batch).loss
    loss.backward()
    optimizer.step()
    changed = {
        name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])
    }
    require(bool(changed), "a training step changed no weight")
    strange = sorted(name for name in changed if "lora_" not in name)
    require(not strange, f"a training step changed frozen weights: {', '.join(strange)}")
    return f"one LoRA step, loss {float(loss):.2f}", {"peft": peft.__version__}


answer(_prove)
