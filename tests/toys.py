"""Tiny tokenizers and models for the tests of language models, made without network."""

import json
import os
from functools import cache
from typing import Any

import pytest

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

TEXTS = [
    "def area(radius):\n    return 3.14 * radius**2\n",
    "for name, radius in [('coin', 1), ('plate', 13)]:\n    print(f'a {name} takes {area(radius):.0f}')\n",
    "import math\n\n\nclass Circle:\n    def __init__(self, radius):\n        self.radius = radius\n",
    "Write a function that gives the area of a circle. It takes the radius and returns a number.\n",
    "@@ -0,0 +1,2 @@\n+def area(radius):\n+    return 3.14 * radius**2\n",
]


def libraries() -> None:
    """Skip the tests of a module if the extra `train` is not installed."""
    for name in ("torch", "transformers", "tokenizers"):
        pytest.importorskip(name, reason="needs the extra: pip install 'lintseq[train]'")
    import torch

    torch.set_num_threads(1)


@cache
def toy_tokenizer(vocabulary: int = 320) -> Any:
    """Return a tokenizer trained on a few lines."""
    from lintseq.lm.loading import as_pretrained
    from lintseq.lm.tokenizers import byte_level_bpe

    return as_pretrained(byte_level_bpe(TEXTS * 5, vocabulary))


def bare_tokenizer() -> Any:
    """Return the toy tokenizer without `<|diff|>`."""
    from tokenizers import Tokenizer

    from lintseq.codecs import SEPARATOR
    from lintseq.lm.loading import as_pretrained

    state = json.loads(toy_tokenizer().backend_tokenizer.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] != SEPARATOR]
    return as_pretrained(Tokenizer.from_str(json.dumps(state)))


def toy_model(vocabulary: int = 320, *, tied: bool = True, seed: int = 0) -> Any:
    """Return a decoder of some ten thousand parameters."""
    import torch
    from transformers import AutoModelForCausalLM, Olmo2Config

    torch.manual_seed(seed)
    config = Olmo2Config(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=tied,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=1,
    )
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
