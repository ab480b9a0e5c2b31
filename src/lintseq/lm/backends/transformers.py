"""Models of transformers, in the process: many completions at once, each a row with a life of its own.

A row is a prompt, the tokens drawn so far and a stream of random numbers. All rows take a step together; one that is
over makes room for the next request at once, and where there is none, the batch gets smaller. The keys and values of
a prompt are worked out once and copied to all its completions. They stand at the left of a row's part of the cache,
token by token, so taking tokens back is forgetting how many there are: an edit that is drawn again costs nothing but
its tokens.

The random numbers of a row depend on its request alone. What a model makes of a row depends on the rows beside it in
the last digits, as batched arithmetic rounds differently; where two tokens are nearly alike, that can tell them apart.
"""

import hashlib
import inspect
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError
from lintseq.evaluation.cost import ModelShape, shape_of
from lintseq.lm.backends.backend import (
    Finish,
    Generated,
    Listener,
    Prompt,
    Request,
    Sampling,
    Watch,
    Watches,
)
from lintseq.lm.folders import loading

CPU_BATCH, GPU_BATCH = 32, 128
"""Rows at once, if nothing else is said."""
_PREFILL_TOKENS = {"cpu": 512, "cuda": 8192}
"""Tokens of prompts that are fed at once, about."""
_WIDTH = 64
"""The cache is looked at in steps of so many tokens, and grows by them."""
_LIKELY = 256
"""Tokens among which those that top-p and min-p leave are looked for first: sorting all of them takes long."""


def open_model(path: str, *, device: str | None = None, dtype: str = "auto", batch: int | None = None) -> "Model":
    """Return the model in a folder, or of a name on the Hugging Face Hub, ready to draw."""
    from transformers import AutoModelForCausalLM, AutoTokenizer  # (slow to import)
    from transformers.utils import logging

    if dtype not in ("auto", "float32", "bfloat16", "float16"):
        raise ConfigError(f"--dtype {dtype}: choose auto, float32, bfloat16 or float16")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with loading("model", path):
        tokenizer = AutoTokenizer.from_pretrained(path)
        number = dtype if dtype == "auto" else getattr(torch, dtype)
        model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=number)
    try:
        model.to(device)
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without CUDA
        first = str(error).strip().partition("\n")[0]
        raise ConfigError(f"--device {device}: cannot move the model {path} there: {first}; use cpu or cuda") from None
    return Model(model, tokenizer, name=path, batch=batch)


class Model:
    """A model and its tokenizer; a `Backend`."""

    def __init__(self, model: Any, tokenizer: Any, *, name: str = "", batch: int | None = None) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.device = model.device
        self.batch = batch or (CPU_BATCH if self.device.type == "cpu" else GPU_BATCH)
        config = model.config.get_text_config()
        self.context = _context(config)
        _check_can_be_run(model, config)
        self.ends = _end_tokens(model, tokenizer)
        self.separator = _one_token(tokenizer, SEPARATOR)
        self.shape: ModelShape | None = None
        with suppress(ConfigError):
            self.shape = shape_of(config.to_dict())
        parameters = inspect.signature(model.forward).parameters
        self._cache_name = "cache" if "cache" in parameters else "past_key_values"  # since transformers 5.2x
        self._keeps = "logits_to_keep" in parameters
        self._adds = getattr(config, "_attn_implementation", "sdpa") != "sdpa"

    def describe(self) -> Mapping[str, Any]:
        return {
            "backend": "transformers",
            "model": self.name,
            "weights": fingerprint(self.name),
            "dtype": str(self.model.dtype).removeprefix("torch."),
        }

    def made_with(self) -> Mapping[str, Any]:
        """Return what may differ when a run is gone on with."""
        device = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return {"torch": version("torch"), "transformers": version("transformers"), "device": device}

    def warnings(self) -> Iterable[str]:
        if self.shape is None:
            yield "the model's configuration does not tell its shape, so operations are not recorded"
        if not self.ends:
            yield "the tokenizer has no end-of-text token, so completions end only with --max-tokens"

    def prompt_ids(self, prompt: Prompt) -> list[int]:
        """Return the tokens that the model is fed for a prompt."""
        if isinstance(prompt, str):
            return list(self.tokenizer(prompt).input_ids)
        if not getattr(self.tokenizer, "chat_template", None):
            raise ConfigError(
                f"the tokenizer of {self.name} has no chat template, so it takes no messages: use --prompts plain or"
                " edits, and `prompt` in place of `messages` in a file of your own"
            )
        return list(self.tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, separators and all."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def generate(
        self,
        requests: Sequence[Request],
        sampling: Sampling,
        *,
        watches: Watches | None = None,
        listener: Listener | None = None,
    ) -> Iterator[Generated]:
        """Yield completions as they are done; prompts that leave no room give empty ones."""
        if watches is not None and self.separator is None:
            raise ConfigError(
                f"{SEPARATOR} is no single token of {self.name}, so its edits cannot be told apart while they are"
                " drawn; `lintseq tokenizer extend` makes it one, and finetuning teaches it"
            )
        queue: deque[_Row] = deque()
        tokens: dict[str, list[int]] = {}
        for request in requests:
            key = repr(request.prompt)
            if key not in tokens:
                tokens[key] = self.prompt_ids(request.prompt)
            row = _Row(request, tokens[key], sampling, self, None if watches is None else watches(request))
            if row.limit < 1 or not row.prompt:
                yield row.generated("no-room")
            else:
                queue.append(row)
        # Long prompts first; a prompt's completions one after the other.
        queue = deque(sorted(queue, key=lambda row: (-len(row.prompt), row.prompt)))
        try:
            yield from self._run(queue, sampling, listener)
        except torch.cuda.OutOfMemoryError:
            raise ConfigError(
                f"the GPU has too little memory for {self.batch} completions at once; choose fewer with --batch, and"
                " go on with --resume"
            ) from None

    @torch.inference_mode()
    def _run(self, queue: "deque[_Row]", sampling: Sampling, listener: Listener | None) -> Iterator[Generated]:
        slots = _Slots(min(self.batch, len(queue)))
        live: list[_Row] = []
        prompts: dict[tuple[int, ...], _Prompt] = {}
        while queue or live:
            arrived: list[_Row] = []
            while queue and len(live) < slots.size:
                arrived.append(queue.popleft())
                live.append(arrived[-1])
            if arrived:
                first = self._prefill(arrived, prompts)
                for row in arrived:
                    slots.put(live.index(row), prompts[tuple(row.prompt)])
                over = self._advance(arrived, first, sampling)
                ahead = tuple(queue[0].prompt) if queue else ()
                prompts = {ids: one for ids, one in prompts.items() if ids == ahead}
            else:
                over = self._advance(live, self._step(live, slots), sampling)
            if listener is not None:
                for row in live:
                    listener(row.request, row.text())
            for row in over:
                yield row.generated()
                place = live.index(row)
                slots.move(len(live) - 1, place, len(live[-1].prompt) + len(live[-1].ids))
                live[place] = live[-1]
                live.pop()

    def _prefill(self, rows: "Sequence[_Row]", prompts: "dict[tuple[int, ...], _Prompt]") -> torch.Tensor:
        """Return what comes after the rows' prompts, having fed those that were not yet."""
        new = list({tuple(row.prompt): None for row in rows if tuple(row.prompt) not in prompts})
        most = _PREFILL_TOKENS.get(self.device.type, 512)
        while new:
            width = len(new[0])
            part, new = new[: max(most // width, 1)], new[max(most // width, 1) :]
            width = max(map(len, part))
            ids = torch.tensor([[*one, *[one[-1]] * (width - len(one))] for one in part], device=self.device)
            ends = sorted({len(one) - 1 for one in part})
            cache: Any = DynamicCache()
            keep = {"logits_to_keep": torch.tensor(ends, device=self.device)} if self._keeps else {}
            # What a row is filled up with stands behind its end, where causal attention does not look.
            logits = self.model(input_ids=ids, use_cache=True, **{self._cache_name: cache}, **keep).logits
            for index, one in enumerate(part):
                at = ends.index(len(one) - 1) if self._keeps else len(one) - 1
                layers = [
                    (layer.keys[index, :, : len(one)], layer.values[index, :, : len(one)]) for layer in cache.layers
                ]
                prompts[one] = _Prompt(layers, logits[index, at].float())
        return torch.stack([prompts[tuple(row.prompt)].logits for row in rows])

    def _step(self, rows: "Sequence[_Row]", slots: "_Slots") -> torch.Tensor:
        """Feed the last token of each row; return what comes next."""
        places = [len(row.prompt) + len(row.ids) - 1 for row in rows]
        for row, place in zip(rows, places, strict=True):
            row.count(place)
        at = torch.tensor(places, device=self.device)
        mask = slots.begin(at, max(places) + 1)
        if self._adds:  # the mask is added to what is attended
            mask = torch.zeros_like(mask, dtype=self.model.dtype).masked_fill(~mask, torch.finfo(self.model.dtype).min)
        ids = torch.tensor([[row.ids[-1]] for row in rows], device=self.device)
        logits = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=at[:, None],
            use_cache=True,
            **{self._cache_name: slots.cache},
        ).logits
        return logits[:, -1].float()  # type: ignore[no-any-return]

    def _advance(self, rows: "Sequence[_Row]", logits: torch.Tensor, sampling: Sampling) -> "list[_Row]":
        """Draw a token for each row, and again where edits are to be drawn again; return the rows that are over."""
        if self.ends and any(len(row.ids) < sampling.min_tokens for row in rows):
            logits = logits.clone()
            early = [place for place, row in enumerate(rows) if len(row.ids) < sampling.min_tokens]
            logits[torch.tensor(early)[:, None], torch.tensor(sorted(self.ends))] = -torch.inf
        tokens = draw(logits, sampling, [row.random.random() for row in rows])
        again = []
        for place, (row, token) in enumerate(zip(rows, tokens, strict=True)):
            row.take(token, logits[place])
            if row.again:
                again.append(row)
        if again:
            stacked = torch.stack([row.before for row in again if row.before is not None])
            self._advance(again, stacked, sampling)
        return [row for row in rows if row.finish is not None]


@dataclass(slots=True)
class _Prompt:
    """A prompt that was fed."""

    layers: list[tuple[torch.Tensor, torch.Tensor]]
    logits: torch.Tensor


@dataclass(slots=True, eq=False)
class _Row:
    """A completion while it is drawn."""

    request: Request
    prompt: list[int]
    sampling: Sampling
    model: Model
    watch: Watch | None
    random: Random = field(init=False)
    limit: int = field(init=False)
    """So many tokens there is room for."""
    ids: list[int] = field(default_factory=list)
    """Tokens that were drawn and are to stay."""
    drawn: int = 0
    """All that were drawn."""
    flops: int = 0
    finish: Finish | None = None
    again: bool = False
    """Whether the edit is to be drawn again."""
    opened: bool = field(init=False)
    """Whether a separator stands in front of what is being written."""
    mark: int = 0
    """Where the edit that is being written begins."""
    before: torch.Tensor | None = None
    """What the model said at that place."""

    def __post_init__(self) -> None:
        self.random = Random(self.request.seed)
        room = self.sampling.max_tokens if self.model.context is None else self.model.context - len(self.prompt)
        self.limit = min(self.sampling.max_tokens, room)
        self.opened = bool(self.prompt) and self.prompt[-1] == self.model.separator
        if self.model.shape is not None:
            self.flops = self.model.shape.prompt(len(self.prompt))

    def count(self, place: int) -> None:
        """Count what feeding a token takes that so many others stand before."""
        if self.model.shape is not None:
            self.flops += self.model.shape.forward(1, before=place)

    def take(self, token: int, logits: torch.Tensor) -> None:
        """Add a token that was drawn from `logits`; say in `finish` or `again` what comes of it."""
        self.again = False
        if self.watch is not None and len(self.ids) == self.mark:
            self.before = logits.clone()
        self.drawn += 1
        self.ids.append(token)
        if token in self.model.ends:
            self.finish = "end"
            if self.watch is not None and self.opened:
                self._edit(last=True)
        elif self.watch is not None and token == self.model.separator:
            if self.opened:
                self._edit(last=False)
            else:
                self.opened, self.mark = True, len(self.ids)
        elif self.sampling.stop and self._stopped():
            self.finish = "stop"
        if self.finish is None and not self.again and len(self.ids) >= self.limit:
            self.finish = "length"
            if self.watch is not None and self.opened:
                self._edit(last=True, cut=True)

    def text(self) -> str:
        """Return the text as it stands."""
        ids = self.ids[:-1] if self.ids and self.ids[-1] in self.model.ends else self.ids
        text = self.model.decode(ids)
        if self.finish == "stop":
            text = text[: min(at for at in map(text.find, self.sampling.stop) if at >= 0)]
        return text

    def generated(self, finish: Finish | None = None) -> Generated:
        """Return the completion, which is over."""
        finish = finish or self.finish
        assert finish is not None
        more = {} if self.watch is None else {**self.watch.report(), "thrown_tokens": self.drawn - len(self.ids)}
        flops = None if self.model.shape is None else self.flops if self.drawn else 0
        return Generated(self.request, self.text(), finish, len(self.prompt), self.drawn, flops, more)

    def _edit(self, *, last: bool, cut: bool = False) -> None:
        assert self.watch is not None
        text = self.model.decode(self.ids[self.mark :] if cut else self.ids[self.mark : -1])
        decision = self.watch.edit(text, last=last, cut=cut)
        if decision == "again":
            del self.ids[self.mark :]
            self.finish, self.again = None, True
        elif decision == "drop":
            del self.ids[max(self.mark - 1, 0) :]  # with the separator in front of it
            self.finish = "length" if cut else "gave-up"
        elif decision == "enough":
            self.ids.pop()
            self.finish = "edits"
        else:
            self.mark = len(self.ids)

    def _stopped(self) -> bool:
        most = max(map(len, self.sampling.stop))
        tail = self.model.decode(self.ids[-most - 4 :])  # a token is a character at least, or part of one
        return any(stop in tail for stop in self.sampling.stop)


# Keys and values


class _Slots:
    """The keys and values of all rows, each row's from column 0 on."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.places = torch.tensor([])
        self.width = 0
        self.cache: Any = None

    def put(self, slot: int, prompt: _Prompt) -> None:
        """Begin a row behind a prompt."""
        if self.cache is None:
            self.cache = Cache(layers=[_Layer(self, keys, values) for keys, values in prompt.layers])
        length = prompt.layers[0][0].shape[1]
        for layer, (keys, values) in zip(self.cache.layers, prompt.layers, strict=True):
            layer.grow(length)
            layer.keys[slot, :, :length] = keys
            layer.values[slot, :, :length] = values

    def move(self, source: int, target: int, length: int) -> None:
        """Let a row be where another one was."""
        if source != target:
            for layer in self.cache.layers:
                layer.keys[target, :, :length] = layer.keys[source, :, :length]
                layer.values[target, :, :length] = layer.values[source, :, :length]

    def begin(self, places: torch.Tensor, width: int) -> torch.Tensor:
        """Say where the next token of each row goes; return which columns it attends to."""
        self.places = places
        self.width = -(-width // _WIDTH) * _WIDTH
        return (torch.arange(self.width, device=places.device) <= places[:, None])[:, None, None, :]


class _Layer(DynamicLayer):  # type: ignore[no-untyped-call]
    """The keys and values of one layer; the token that comes is written where `slots` says."""

    keys: Any
    values: Any

    def __init__(self, slots: _Slots, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.slots = slots
        # Zeros, as what is masked still is multiplied, and what memory holds may be no number.
        self.keys = keys.new_zeros((slots.size, keys.shape[0], 0, keys.shape[2]))
        self.values = values.new_zeros((slots.size, values.shape[0], 0, values.shape[2]))
        self.is_initialized = True

    def grow(self, length: int) -> None:
        """Make room for so many tokens."""
        have = self.keys.shape[2]
        if length > have:
            more = max(-(-length // _WIDTH) * _WIDTH - have, have // 4 // _WIDTH * _WIDTH)
            self.keys = torch.nn.functional.pad(self.keys, (0, 0, 0, more))
            self.values = torch.nn.functional.pad(self.values, (0, 0, 0, more))

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write a token of each row; return the columns that there are."""
        slots, rows = self.slots, len(self.slots.places)
        self.grow(slots.width)
        at = torch.arange(rows, device=key_states.device)
        self.keys[at, :, slots.places] = key_states[:, :, 0]
        self.values[at, :, slots.places] = value_states[:, :, 0]
        return self.keys[:rows, :, : slots.width], self.values[:rows, :, : slots.width]

    def get_seq_length(self) -> int:
        return self.slots.width

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.slots.width, 0


# Drawing


def draw(logits: torch.Tensor, sampling: Sampling, chances: Sequence[float]) -> list[int]:
    """Return a token for each row of `logits`; `chances`, one of each row from 0 to 1, decide which."""
    if sampling.temperature == 0:
        return list(logits.argmax(-1).tolist())
    probabilities = torch.softmax(logits / sampling.temperature, -1)
    chance = torch.tensor(chances, dtype=torch.float64, device=logits.device)
    if sampling.top_p == 1 and not sampling.min_p and not sampling.top_k:
        return list(_picked(probabilities, chance).tolist())
    size = probabilities.shape[1]
    top, ids = probabilities.topk(min(sampling.top_k or _LIKELY, size))
    found = ids.gather(1, _picked(_kept(top, sampling), chance)[:, None])[:, 0]
    if not sampling.top_k and top.shape[1] < size:
        enough = top.sum(-1) >= sampling.top_p if sampling.top_p < 1 else torch.zeros_like(found, dtype=torch.bool)
        enough |= top[:, -1] < sampling.min_p * top[:, 0]
        if len(rest := (~enough).nonzero()[:, 0]):
            top, ids = probabilities[rest].sort(-1, descending=True)
            found[rest] = ids.gather(1, _picked(_kept(top, sampling), chance[rest])[:, None])[:, 0]
    return list(found.tolist())


def _kept(top: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Return probabilities, the largest first, with those at zero that are not to be drawn."""
    if sampling.top_k:
        top = top / top.sum(-1, keepdim=True)
    keep = top >= sampling.min_p * top[:, :1]
    keep &= top.cumsum(-1) - top < sampling.top_p  # the one that reaches it is kept
    return top * keep


def _picked(weights: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Return for each row the place at which its share `chance` of all weight is reached."""
    reached = weights.cumsum(-1, dtype=torch.float64)
    wanted = (chance * reached[:, -1])[:, None]
    return torch.searchsorted(reached, wanted, right=True)[:, 0].clamp(max=weights.shape[1] - 1)


# What a model is


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    said = getattr(model.generation_config, "eos_token_id", None)
    found = said if isinstance(said, list) else [said]
    return frozenset(one for one in [*found, tokenizer.eos_token_id] if one is not None)


def _one_token(tokenizer: Any, text: str) -> int | None:
    """Return the token that `text` is, or None if it is several."""
    ids = tokenizer(text, add_special_tokens=False).input_ids
    return ids[0] if len(ids) == 1 else None


def _check_can_be_run(model: Any, config: Any) -> None:
    """Raise `ConfigError` unless the model keeps keys and values of tokens, each of which attends to all before."""
    kinds = set(getattr(config, "layer_types", None) or ()) - {"full_attention", "sliding_attention"}
    if getattr(model, "_is_stateful", False) or getattr(config, "is_encoder_decoder", False) or kinds:
        raise ConfigError(
            f"models like {config.model_type} are none that lintseq draws from; serve it and use --backend openai"
        )


def _context(config: Any) -> int | None:
    """Return how many tokens a row may have; where attention slides, it is full up to its window."""
    limits = [getattr(config, "max_position_embeddings", None)]
    if getattr(config, "use_sliding_window", True):
        limits.append(getattr(config, "sliding_window", None))
    return min((limit for limit in limits if isinstance(limit, int)), default=None)


def fingerprint(path: str) -> str:
    """Return a hash of a model's weights and configuration: of some places in them, as reading all takes long."""
    hashed = hashlib.sha256()
    folder = Path(path)
    if not folder.is_dir():
        return ""
    for file in sorted([*folder.glob("*.safetensors"), *folder.glob("config.json"), *folder.glob("tokenizer.json")]):
        size = file.stat().st_size
        hashed.update(f"{file.name} {size}\n".encode())
        with file.open("rb") as opened:
            for place in range(64):
                opened.seek(size * place // 64, os.SEEK_SET)
                hashed.update(opened.read(1 << 14))
    return hashed.hexdigest()[:16]
