"""The formula for operations, compared with what torch counts. Skipped without torch or transformers."""

import inspect
from typing import Any

import pytest

from lintseq.evaluation.cost import shape_of

torch = pytest.importorskip("torch", reason="torch is not installed")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
pytestmark = pytest.mark.xdist_group("torch")

flop_counter = pytest.importorskip("torch.utils.flop_counter")

PROMPT, GENERATED = 24, 6
SMALL = {"vocab_size": 320, "max_position_embeddings": 64, "attn_implementation": "eager"}
LLAMA = SMALL | {"hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 3, "num_attention_heads": 8}
CONFIGS = {
    "llama": ("LlamaConfig", LLAMA),
    "llama, fewer keys than queries": ("LlamaConfig", LLAMA | {"num_key_value_heads": 2}),
    "qwen2, head tied to the embedding": (
        "Qwen2Config",
        LLAMA | {"num_key_value_heads": 4, "tie_word_embeddings": True},
    ),
    "heads wider than the model": ("LlamaConfig", LLAMA | {"head_dim": 16}),
    "gpt2": ("GPT2Config", SMALL | {"n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 64}),
    "neox": ("GPTNeoXConfig", LLAMA),
}


def counted(model: Any, tokens: Any, cached: Any = None) -> tuple[int, Any]:
    """Return the operations that torch counts for feeding tokens, and the model's cache."""
    name = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
    with torch.no_grad(), flop_counter.FlopCounterMode(display=False) as counter:
        answer = model(tokens, use_cache=True, **({} if cached is None else {name: cached}))
    return counter.get_total_flops(), answer[name]


@pytest.mark.parametrize("name", CONFIGS)
def test_operations_equal_those_that_torch_counts(name: str) -> None:
    kind, options = CONFIGS[name]
    config = getattr(transformers, kind)(**options)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    shape = shape_of(config.to_dict())
    tokens = torch.randint(0, 320, (1, PROMPT + GENERATED), generator=torch.Generator().manual_seed(0))
    prompt, cached = counted(model, tokens[:, :PROMPT])
    # torch computes the full square of attention scores; the formula leaves out the half above the diagonal.
    unneeded = 4 * shape.layers * shape.heads * shape.head_size * PROMPT * (PROMPT - 1) // 2
    assert prompt - unneeded == pytest.approx(shape.forward(PROMPT), rel=0.01)
    total = 0
    for position in range(PROMPT, PROMPT + GENERATED - 1):
        operations, cached = counted(model, tokens[:, position : position + 1], cached)
        total += operations
    assert total == pytest.approx(shape.completion(GENERATED, prompt=PROMPT), rel=0.01)
