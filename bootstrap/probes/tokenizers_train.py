"""tokenizers trains a vocabulary and uses it."""
# mypy: disable-error-code=import-not-found

import sys
from pathlib import Path

# Isolated mode keeps the script's own folder off the path.
sys.path.append(str(Path(__file__).parent))

from _answer import Proof, answer, require


def _prove(_arguments: list[str]) -> Proof:
    import tokenizers

    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=64, special_tokens=["[UNK]"], show_progress=False
    )
    tokenizer.train_from_iterator(["no network", "no index", "no resolver"] * 8, trainer)
    encoded = tokenizer.encode("no network")
    require(encoded.tokens == ["no", "network"], f"encoding gave {encoded.tokens}")
    return "trains and encodes", {"tokenizers": tokenizers.__version__}


answer(_prove)
