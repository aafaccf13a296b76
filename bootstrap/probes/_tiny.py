"""A language model of random weights, small enough for any machine."""
# mypy: disable-error-code=import-not-found

import torch
from transformers import LlamaConfig, LlamaForCausalLM

VOCABULARY = 128


def tiny_llama() -> LlamaForCausalLM:
    """Two layers of hidden size 64; the same weights each time."""
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
            bos_token_id=1,
            eos_token_id=2,
            pad_token_id=0,
        )
    )


def tokens() -> torch.Tensor:
    """Two made-up sentences of eight tokens, shape ``(2, 8)``."""
    return torch.randint(3, VOCABULARY, (2, 8))
