"""What completions cost: floating-point operations of a forward pass, from a model's configuration.

A multiplication and an addition are two operations. Feeding one token to the model takes

    2 N + 4 L d c

where N is the number of weights it meets (in the layers, of which a mixture of experts uses some, and in the head; the
embedding lookup is free), L the number of layers, d = heads x head size, and c the number of tokens it attends to,
including itself: Kaplan et al. 2020 (arXiv 2001.08361, section 2.1), but with the head, which is a large part of a
small model. Norms, activations and biases are ignored; they are less than 1 %.

A prompt of P tokens is fed once, however many completions are sampled for it, and its keys and values are cached; of a
completion of G tokens all but the last are fed. Padding and tokens after the end are not counted.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lintseq.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The dimensions of a decoder."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_size: int
    inner: int
    """Width of the feed-forward layer, or of one expert."""
    gated: bool
    """Whether the feed-forward layer has a gate: three matrices instead of two."""
    vocabulary: int
    experts: int = 0
    """Number of experts in a mixture; 0 if there is none."""
    experts_used: int = 0

    @property
    def weights(self) -> int:
        """Number of weights that a token meets."""
        queries, keys = self.heads * self.head_size, self.kv_heads * self.head_size
        attention = self.width * queries + 2 * self.width * keys + queries * self.width
        feed_forward = self.width * self.inner * (3 if self.gated else 2)
        if self.experts:
            feed_forward = feed_forward * self.experts_used + self.width * self.experts
        return self.layers * (attention + feed_forward) + self.width * self.vocabulary

    def forward(self, tokens: int, *, before: int = 0) -> int:
        """Return the operations to feed `tokens` when `before` tokens are cached."""
        attended = tokens * before + tokens * (tokens + 1) // 2
        return 2 * self.weights * tokens + 4 * self.layers * self.heads * self.head_size * attended

    def completion(self, tokens: int, *, prompt: int) -> int:
        """Return the operations for a completion of `tokens` after a cached prompt of `prompt` tokens."""
        return self.forward(max(tokens - 1, 0), before=prompt)


_UNGATED = frozenset(
    ("gpt2", "gpt_neo", "gpt_neox", "gptj", "codegen", "opt", "phi", "bloom", "gpt_bigcode", "starcoder2", "falcon")
)
"""Model types whose feed-forward layers have no gate."""


def shape_of(config: Mapping[str, Any], where: str = "the configuration") -> ModelShape:
    """Return the shape described by a model's `config.json`, as transformers writes it."""

    def number(*names: str, default: int | None = None) -> int:
        for name in names:
            if isinstance(value := config.get(name), int) and not isinstance(value, bool):
                return value
        if default is None:
            raise ConfigError(f"{where} does not define {' or '.join(names)}, so operations cannot be computed")
        return default

    width = number("hidden_size", "n_embd", "d_model")
    heads = number("num_attention_heads", "n_head", "num_heads")
    experts = number("num_local_experts", "num_experts", "n_routed_experts", default=0)
    inner = number("moe_intermediate_size", default=0) if experts else 0
    return ModelShape(
        layers=number("num_hidden_layers", "n_layer", "num_layers"),
        width=width,
        heads=heads,
        kv_heads=number("num_key_value_heads", "n_kv_heads", default=heads),
        head_size=number("head_dim", default=width // heads),
        inner=inner or number("intermediate_size", "n_inner", "ffn_dim", default=4 * width),
        gated=config.get("model_type") not in _UNGATED,
        vocabulary=number("vocab_size"),
        experts=experts,
        experts_used=number("num_experts_per_tok", "num_experts_per_token", default=0) if experts else 0,
    )


def read_shape(path: str) -> ModelShape:
    """Return the shape of the model whose `config.json` is at `path`."""
    try:
        with open(path, "rb") as file:
            config = json.load(file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read the model's configuration at {path}: {error}") from None
    if not isinstance(config, dict):
        raise ConfigError(f"{path} is not a model's config.json")
    return shape_of(config, path)
