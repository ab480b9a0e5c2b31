"""Models of transformers in the process, with continuous batching.

Each completion is a row of the batch: a prompt, the tokens drawn so far, and its own random stream. All rows take a
step together. A finished row is replaced by the next request at once; when no requests are left, the batch shrinks.
The keys and values of a prompt are computed once and copied to all its completions. A row's part of the cache is
left-aligned, token by token, so discarding tokens only means forgetting how many there are: redrawing an edit costs
nothing but its tokens.

A row's random numbers depend on its request alone. Its logits depend on the rest of the batch in the last digits,
because batched arithmetic rounds differently; where two tokens are almost equally likely, that can change the choice.
"""

import hashlib
import inspect
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError, check_choice
from lintseq.evaluation.cost import ModelShape, shape_of
from lintseq.lm.backends.backend import (
    EditFilter,
    EditFilterFactory,
    FinishReason,
    GeneratedCompletion,
    GenerationRequest,
    Prompt,
    SamplingParameters,
    TextListener,
)
from lintseq.lm.loading import load_model, load_tokenizer
from lintseq.lm.threads import ThreadWatch
from lintseq.lm.tokenizers import decode

CPU_BATCH, GPU_BATCH = 32, 128
"""Default number of rows in a batch."""
_PREFILL_TOKENS = {"cpu": 512, "cuda": 8192}
"""Approximate number of prompt tokens processed at once."""
_WIDTH = 64
"""The cache grows, and is read, in multiples of this many tokens."""
_TOP = 256
"""Tokens among which the top-p or min-p set is sought first: sorting the whole vocabulary is slow."""


def open_model(
    path: str,
    *,
    device: str | None = None,
    dtype: str = "auto",
    batch: int | None = None,
    on_notice: Callable[[str], None] = lambda text: None,
) -> "LocalModel":
    """Return the model in a folder or on the Hugging Face Hub, loaded and moved to its device.

    `on_notice` is called if the processors turn out to be busy. Raises `ConfigError` if there is no such model or
    device, or if it is of a kind that cannot be batched here.
    """
    check_choice("--dtype", dtype, ("auto", "float32", "bfloat16", "float16"))
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model = load_model(path, dtype=dtype if dtype == "auto" else getattr(torch, dtype))
    tokenizer = load_tokenizer(path)
    try:
        model.to(device)
    except (RuntimeError, AssertionError) as error:  # AssertionError if torch was built without CUDA
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"--device {device}: cannot move the model {path} there: {reason}; use cpu or cuda"
        ) from None
    return LocalModel(model, tokenizer, name=path, batch=batch, on_notice=on_notice)


class LocalModel:
    """A model and its tokenizer; a `Backend`."""

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        name: str = "",
        batch: int | None = None,
        on_notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.on_notice = on_notice
        self.device = model.device
        self.batch = batch or (CPU_BATCH if self.device.type == "cpu" else GPU_BATCH)
        config = model.config.get_text_config()
        self.context = _context_length(config)
        _check_supported(model, config)
        self.end_tokens = _end_tokens(model, tokenizer)
        separator = tokenizer(SEPARATOR, add_special_tokens=False).input_ids
        self.separator: int | None = separator[0] if len(separator) == 1 else None
        self.shape: ModelShape | None = None
        with suppress(ConfigError):
            self.shape = shape_of(config.to_dict())
        parameters = inspect.signature(model.forward).parameters
        self._cache_name = "cache" if "cache" in parameters else "past_key_values"  # since transformers 5.2x
        self._takes_logits_to_keep = "logits_to_keep" in parameters
        self._takes_additive_mask = getattr(config, "_attn_implementation", "sdpa") != "sdpa"

    def describe(self) -> Mapping[str, Any]:
        return {
            "backend": "transformers",
            "model": self.name,
            "weights": fingerprint(self.name),
            "dtype": str(self.model.dtype).removeprefix("torch."),
        }

    def made_with(self) -> Mapping[str, Any]:
        device = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return {"torch": version("torch"), "transformers": version("transformers"), "device": device}

    def warnings(self) -> Iterable[str]:
        if self.shape is None:
            yield "the model's configuration does not give its shape, so operations are not recorded"
        if not self.end_tokens:
            yield "the tokenizer has no end-of-text token, so completions end only at --max-tokens"

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """Return the tokens of a prompt, in the chat template if it is a conversation."""
        if isinstance(prompt, str):
            return list(self.tokenizer(prompt).input_ids)
        if not getattr(self.tokenizer, "chat_template", None):
            raise ConfigError(
                f"the tokenizer of {self.name} has no chat template, so it takes no messages: use --prompts plain or"
                " edits, and `prompt` instead of `messages` in a file of your own"
            )
        return list(self.tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, separators included."""
        return decode(self.tokenizer, ids)

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        sampling: SamplingParameters,
        *,
        edit_filters: EditFilterFactory | None = None,
        on_text: TextListener | None = None,
    ) -> Iterator[GeneratedCompletion]:
        """Yield completions as they finish; prompts that fill the context give empty ones."""
        if edit_filters is not None and self.separator is None:
            raise ConfigError(
                f"{SEPARATOR} is not a single token of {self.name}, so its edits cannot be recognized while they are"
                " generated; add the token with `lintseq tokenizer extend`, and finetune the model"
            )
        queue: list[_Row] = []
        tokens: dict[str, list[int]] = {}
        for request in requests:
            key = repr(request.prompt)
            if key not in tokens:
                tokens[key] = self.prompt_ids(request.prompt)
            row = _Row(request, tokens[key], sampling, self, None if edit_filters is None else edit_filters(request))
            if row.limit < 1 or not row.prompt:
                yield row.completion("prompt-too-long")
            else:
                queue.append(row)
        # Long prompts first; the completions of a prompt one after the other.
        queue.sort(key=lambda row: (-len(row.prompt), row.prompt))
        try:
            yield from self._run(deque(queue), sampling, on_text)
        except torch.cuda.OutOfMemoryError:
            raise ConfigError(
                f"the GPU has too little memory for {self.batch} completions at once; choose a smaller --batch and"
                " continue with --resume"
            ) from None

    @torch.inference_mode()
    def _run(
        self, queue: "deque[_Row]", sampling: SamplingParameters, on_text: TextListener | None
    ) -> Iterator[GeneratedCompletion]:
        batch_cache = _BatchCache(min(self.batch, len(queue)))
        live: list[_Row] = []
        prompts: dict[tuple[int, ...], _CachedPrompt] = {}
        watch = ThreadWatch()
        while queue or live:
            if self.device.type == "cpu" and (note := watch.note()):
                self.on_notice(note)
            arrived: list[_Row] = []
            while queue and len(live) < batch_cache.rows:
                arrived.append(queue.popleft())
                live.append(arrived[-1])
            if arrived:
                logits = self._prefill(arrived, prompts)
                for row in arrived:
                    batch_cache.insert(live.index(row), prompts[tuple(row.prompt)])
                finished = self._advance(arrived, logits, sampling)
                upcoming = tuple(queue[0].prompt) if queue else ()
                prompts = {ids: prompt for ids, prompt in prompts.items() if ids == upcoming}
            else:
                finished = self._advance(live, self._step(live, batch_cache), sampling)
            if on_text is not None:
                for row in live:
                    on_text(row.request, row.text())
            for row in finished:
                yield row.completion()
                index = live.index(row)
                batch_cache.move(len(live) - 1, index, len(live[-1].prompt) + len(live[-1].ids))
                live[index] = live[-1]
                live.pop()

    def _prefill(self, rows: "Sequence[_Row]", prompts: "dict[tuple[int, ...], _CachedPrompt]") -> torch.Tensor:
        """Return the logits after each row's prompt, (rows, vocab); prompts that are new are added to `prompts`."""
        new = list({tuple(row.prompt): None for row in rows if tuple(row.prompt) not in prompts})
        while new:
            count = max(_PREFILL_TOKENS.get(self.device.type, 512) // len(new[0]), 1)
            part, new = new[:count], new[count:]
            width = max(map(len, part))
            # Padding follows the prompt, where causal attention does not see it.
            padded = [[*prompt, *[prompt[-1]] * (width - len(prompt))] for prompt in part]
            ends = sorted({len(prompt) - 1 for prompt in part})
            cache: Any = DynamicCache()
            keep = {"logits_to_keep": torch.tensor(ends, device=self.device)} if self._takes_logits_to_keep else {}
            logits = self.model(
                input_ids=torch.tensor(padded, device=self.device), use_cache=True, **{self._cache_name: cache}, **keep
            ).logits
            for index, prompt in enumerate(part):
                last = len(prompt) - 1
                layers = [
                    (layer.keys[index, :, : len(prompt)], layer.values[index, :, : len(prompt)])
                    for layer in cache.layers
                ]
                kept = ends.index(last) if self._takes_logits_to_keep else last
                prompts[prompt] = _CachedPrompt(layers, logits[index, kept].float())
        return torch.stack([prompts[tuple(row.prompt)].logits for row in rows])

    def _step(self, rows: "Sequence[_Row]", batch_cache: "_BatchCache") -> torch.Tensor:
        """Feed the last token of each row; return the next logits, (rows, vocab)."""
        positions = [len(row.prompt) + len(row.ids) - 1 for row in rows]
        if self.shape is not None:
            for row, position in zip(rows, positions, strict=True):
                row.flops += self.shape.forward(1, before=position)
        at = torch.tensor(positions, device=self.device)
        mask = batch_cache.begin_step(at, max(positions) + 1)
        if self._takes_additive_mask:
            mask = torch.zeros_like(mask, dtype=self.model.dtype).masked_fill(~mask, torch.finfo(self.model.dtype).min)
        logits: torch.Tensor = self.model(
            input_ids=torch.tensor([[row.ids[-1]] for row in rows], device=self.device),
            attention_mask=mask,
            position_ids=at[:, None],
            use_cache=True,
            **{self._cache_name: batch_cache.cache},
        ).logits
        return logits[:, -1].float()

    def _advance(self, rows: "Sequence[_Row]", logits: torch.Tensor, sampling: SamplingParameters) -> "list[_Row]":
        """Draw a token for each row from `logits`, (rows, vocab), redrawing rejected edits; return finished rows."""
        early = [index for index, row in enumerate(rows) if len(row.ids) < sampling.min_tokens]
        if self.end_tokens and early:
            logits = logits.clone()
            logits[torch.tensor(early)[:, None], torch.tensor(sorted(self.end_tokens))] = -torch.inf
        tokens = draw(logits, sampling, [row.random.random() for row in rows])
        for index, (row, token) in enumerate(zip(rows, tokens, strict=True)):
            row.append(token, logits[index])
        if redrawn := [row for row in rows if row.redraw]:
            before = torch.stack([row.logits_before for row in redrawn if row.logits_before is not None])
            self._advance(redrawn, before, sampling)
        return [row for row in rows if row.finish is not None]


@dataclass(slots=True)
class _CachedPrompt:
    """The keys and values of a prompt, and the logits after it."""

    layers: list[tuple[torch.Tensor, torch.Tensor]]
    """For each layer, keys and values, (heads, tokens, width)."""
    logits: torch.Tensor
    """(vocab,)"""


@dataclass(slots=True, eq=False)
class _Row:
    """A completion while it is generated."""

    request: GenerationRequest
    prompt: list[int]
    sampling: SamplingParameters
    model: LocalModel
    edit_filter: EditFilter | None
    random: Random = field(init=False)
    limit: int = field(init=False)
    """Maximum number of new tokens that also fits the model's context."""
    ids: list[int] = field(default_factory=list)
    """Tokens drawn and kept."""
    drawn: int = 0
    """Tokens drawn, discarded ones included."""
    flops: int = 0
    finish: FinishReason | None = None
    redraw: bool = False
    """Whether the last edit was rejected and has to be drawn again."""
    in_edit: bool = field(init=False)
    """Whether a separator precedes the current text."""
    edit_start: int = 0
    """Index in `ids` of the first token of the current edit."""
    logits_before: torch.Tensor | None = None
    """The logits at that index, (vocab,)."""

    def __post_init__(self) -> None:
        self.random = Random(self.request.seed)
        self.limit = self.sampling.max_tokens
        if self.model.context is not None:
            self.limit = min(self.limit, self.model.context - len(self.prompt))
        self.in_edit = bool(self.prompt) and self.prompt[-1] == self.model.separator
        if self.model.shape is not None:
            self.flops = self.model.shape.forward(len(self.prompt))

    def append(self, token: int, logits: torch.Tensor) -> None:
        """Add a token drawn from `logits`, (vocab,); sets `finish` or `redraw` if that ends the text or the edit."""
        self.redraw = False
        if self.edit_filter is not None and len(self.ids) == self.edit_start:
            self.logits_before = logits.clone()
        self.drawn += 1
        self.ids.append(token)
        if token in self.model.end_tokens:
            self.finish = "end"
            self._judge_edit(last=True)
        elif self.edit_filter is not None and token == self.model.separator:
            if self.in_edit:
                self._judge_edit(last=False)
            else:
                self.in_edit, self.edit_start = True, len(self.ids)
        elif self.sampling.stop and self._has_stop_text():
            self.finish = "stop"
        if self.finish is None and not self.redraw and len(self.ids) >= self.limit:
            self.finish = "length"
            self._judge_edit(last=True, truncated=True)

    def text(self) -> str:
        """Return the text so far."""
        ids = self.ids[:-1] if self.ids and self.ids[-1] in self.model.end_tokens else self.ids
        text = self.model.decode(ids)
        if self.finish == "stop":
            text = text[: min(index for index in map(text.find, self.sampling.stop) if index >= 0)]
        return text

    def completion(self, finish: FinishReason | None = None) -> GeneratedCompletion:
        """Return the finished completion."""
        finish = finish or self.finish
        assert finish is not None
        more: dict[str, Any] = {}
        if self.edit_filter is not None:
            more = {**self.edit_filter.report(), "thrown_tokens": self.drawn - len(self.ids)}
        flops = None if self.model.shape is None else self.flops if self.drawn else 0
        return GeneratedCompletion(self.request, self.text(), finish, len(self.prompt), self.drawn, flops, more)

    def _judge_edit(self, *, last: bool, truncated: bool = False) -> None:
        """Have the current edit judged; without a filter, or before the first separator, do nothing."""
        if self.edit_filter is None or not self.in_edit:
            return
        text = self.model.decode(self.ids[self.edit_start : None if truncated else -1])
        decision = self.edit_filter.judge(text, last=last, truncated=truncated)
        if decision == "redraw":
            del self.ids[self.edit_start :]
            self.finish, self.redraw = None, True
        elif decision == "drop":
            del self.ids[max(self.edit_start - 1, 0) :]  # with the separator before it
            self.finish = "length" if truncated else "gave-up"
        elif decision == "stop":
            self.ids.pop()
            self.finish = "edits"
        else:
            self.edit_start = len(self.ids)

    def _has_stop_text(self) -> bool:
        longest = max(map(len, self.sampling.stop))
        tail = self.model.decode(self.ids[-longest - 4 :])  # a token has at least one character, or a part of one
        return any(stop in tail for stop in self.sampling.stop)


# Keys and values


class _BatchCache:
    """The keys and values of all rows; each row's tokens start in column 0."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.positions = torch.tensor([])
        """Where the token of the current step goes, (live rows,)."""
        self.width = 0
        self.cache: Any = None

    def insert(self, row: int, prompt: _CachedPrompt) -> None:
        """Start a row with a prompt."""
        if self.cache is None:
            self.cache = Cache(layers=[_BatchLayer(self, keys, values) for keys, values in prompt.layers])
        length = prompt.layers[0][0].shape[1]
        for layer, (keys, values) in zip(self.cache.layers, prompt.layers, strict=True):
            layer.grow(length)
            layer.keys[row, :, :length] = keys
            layer.values[row, :, :length] = values

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the first `length` tokens of one row over another row."""
        if source != target:
            for layer in self.cache.layers:
                layer.keys[target, :, :length] = layer.keys[source, :, :length]
                layer.values[target, :, :length] = layer.values[source, :, :length]

    def begin_step(self, positions: torch.Tensor, width: int) -> torch.Tensor:
        """Set where the next token of each row goes; return the columns it attends to, (rows, 1, 1, width)."""
        self.positions = positions
        self.width = -(-width // _WIDTH) * _WIDTH
        return (torch.arange(self.width, device=positions.device) <= positions[:, None])[:, None, None, :]


class _BatchLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """The keys and values of one layer, (rows, heads, tokens, width); new tokens go to `batch_cache.positions`."""

    keys: Any
    values: Any

    def __init__(self, batch_cache: _BatchCache, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.batch_cache = batch_cache
        # Zeros: masked entries are multiplied too, and uninitialized memory may hold NaN.
        self.keys = keys.new_zeros((batch_cache.rows, keys.shape[0], 0, keys.shape[2]))
        self.values = values.new_zeros((batch_cache.rows, values.shape[0], 0, values.shape[2]))
        self.is_initialized = True

    def grow(self, length: int) -> None:
        """Extend the layer to hold at least `length` tokens."""
        capacity = self.keys.shape[2]
        if length > capacity:
            more = max(-(-length // _WIDTH) * _WIDTH - capacity, capacity // 4 // _WIDTH * _WIDTH)
            self.keys = torch.nn.functional.pad(self.keys, (0, 0, 0, more))
            self.values = torch.nn.functional.pad(self.values, (0, 0, 0, more))

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one token of each row; return the keys and values to attend to."""
        positions, width = self.batch_cache.positions, self.batch_cache.width
        rows = len(positions)
        self.grow(width)
        index = torch.arange(rows, device=key_states.device)
        self.keys[index, :, positions] = key_states[:, :, 0]
        self.values[index, :, positions] = value_states[:, :, 0]
        return self.keys[:rows, :, :width], self.values[:rows, :, :width]

    def get_seq_length(self) -> int:
        return self.batch_cache.width

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.batch_cache.width, 0


# Drawing


def draw(logits: torch.Tensor, sampling: SamplingParameters, uniforms: Sequence[float]) -> list[int]:
    """Return a token for each row of `logits`, (rows, vocab); `uniforms` has a random number from 0 to 1 per row."""
    if sampling.temperature == 0:
        return list(logits.argmax(-1).tolist())
    probabilities = torch.softmax(logits / sampling.temperature, -1)
    uniform = torch.tensor(uniforms, dtype=torch.float64, device=logits.device)
    if sampling.top_p == 1 and not sampling.min_p and not sampling.top_k:
        return list(_inverse_cdf(probabilities, uniform).tolist())
    vocabulary = probabilities.shape[1]
    top, ids = probabilities.topk(min(sampling.top_k or _TOP, vocabulary))
    tokens = ids.gather(1, _inverse_cdf(_filtered(top, sampling), uniform)[:, None])[:, 0]
    if not sampling.top_k and top.shape[1] < vocabulary:
        enough = top[:, -1] < sampling.min_p * top[:, 0]
        if sampling.top_p < 1:
            enough |= top.sum(-1) >= sampling.top_p
        if len(rest := (~enough).nonzero()[:, 0]):
            top, ids = probabilities[rest].sort(-1, descending=True)
            tokens[rest] = ids.gather(1, _inverse_cdf(_filtered(top, sampling), uniform[rest])[:, None])[:, 0]
    return list(tokens.tolist())


def _filtered(top: torch.Tensor, sampling: SamplingParameters) -> torch.Tensor:
    """Return descending probabilities, (rows, tokens), with 0 for tokens that top-k, top-p or min-p exclude."""
    if sampling.top_k:
        top = top / top.sum(-1, keepdim=True)
    keep = top >= sampling.min_p * top[:, :1]
    keep &= top.cumsum(-1) - top < sampling.top_p  # the token that reaches top-p is kept
    return top * keep


def _inverse_cdf(weights: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Return the index, (rows,), at which the cumulative weight reaches `uniform`, (rows,), times the total."""
    cumulative = weights.cumsum(-1, dtype=torch.float64)
    wanted = (uniform * cumulative[:, -1])[:, None]
    return torch.searchsorted(cumulative, wanted, right=True)[:, 0].clamp(max=weights.shape[1] - 1)


# Properties of a model


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    configured = getattr(model.generation_config, "eos_token_id", None)
    tokens = configured if isinstance(configured, list) else [configured]
    return frozenset(token for token in [*tokens, tokenizer.eos_token_id] if token is not None)


def _check_supported(model: Any, config: Any) -> None:
    """Raise `ConfigError` unless the model is a decoder with a key-value cache and causal attention in every layer."""
    others = set(getattr(config, "layer_types", None) or ()) - {"full_attention", "sliding_attention"}
    if getattr(model, "_is_stateful", False) or getattr(config, "is_encoder_decoder", False) or others:
        raise ConfigError(
            f"the transformers backend does not support {config.model_type} models; serve it and use --backend openai"
        )


def _context_length(config: Any) -> int | None:
    """Return the maximum number of tokens in a row; with sliding attention, those of its window."""
    limits = [getattr(config, "max_position_embeddings", None)]
    if getattr(config, "use_sliding_window", True):
        limits.append(getattr(config, "sliding_window", None))
    return min((limit for limit in limits if isinstance(limit, int)), default=None)


def fingerprint(path: str) -> str:
    """Return a hash of a model's weights and configuration, "" if it is not a folder.

    Reads 64 blocks of each file, because hashing all weights is slow.
    """
    hashed = hashlib.sha256()
    folder = Path(path)
    if not folder.is_dir():
        return ""
    for source in sorted([*folder.glob("*.safetensors"), *folder.glob("config.json"), *folder.glob("tokenizer.json")]):
        size = source.stat().st_size
        hashed.update(f"{source.name} {size}\n".encode())
        with source.open("rb") as file:
            for block in range(64):
                file.seek(size * block // 64, os.SEEK_SET)
                hashed.update(file.read(1 << 14))
    return hashed.hexdigest()[:16]
