"""Recipes: a training run written down whole, in TOML.

Owns what may stand in a recipe, reading it, settings given besides (`optim.lr=3e-4`) and writing it down beside an
output. Everything is checked before anything loads: a key that does not exist is an error with the nearest one that
does. Paths are as on a command line: relative to where the command runs.
"""

import dataclasses
import difflib
import json
import math
import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lintseq.errors import ConfigError

R = TypeVar("R")

# What may stand in a recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Optim:
    """AdamW, and how its learning rate goes."""

    lr: float
    schedule: Literal["constant", "linear", "cosine", "wsd"] = "linear"
    """After the warm-up: stay; fall in a line; fall as half a cosine; stay, and fall in a line at the end (WSD)."""
    warmup: float = 0.0
    """Steps in which the learning rate rises from 0; below 1, the share of all steps."""
    decay: float = 0.2
    """Of `wsd`: steps in which it falls at the end; below 1, the share of all steps."""
    final_lr: float = 0.0
    """What it falls to, as a share of `lr`."""
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-8
    clip: float = 1.0
    """Norm that gradients are cut to; 0 leaves them as they are."""

    def __post_init__(self) -> None:
        _check(self.lr > 0, "optim.lr", self.lr, "above 0")
        _check(self.warmup >= 0, "optim.warmup", self.warmup, "0 or more")
        _check(self.decay > 0, "optim.decay", self.decay, "above 0")
        _check(0 <= self.final_lr <= 1, "optim.final_lr", self.final_lr, "from 0 to 1")
        _check(all(0 <= beta < 1 for beta in self.betas), "optim.betas", self.betas, "from 0 to below 1")
        _check(self.clip >= 0, "optim.clip", self.clip, "0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How the work is cut and kept."""

    batch: int
    """Rows of an optimizer step, on all devices together."""
    micro_batch: int
    """Rows that a device takes at once; the rest of a batch is accumulated."""
    seed: int = 42
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of the arithmetic; weights and optimizer are fp32. `auto` is bf16 where a GPU does it, else fp32."""
    save_every: int = 0
    """Steps between checkpoints; 0 keeps none but the end."""
    keep: int = 2
    """Checkpoints that are kept, the last ones."""
    evaluate_every: int = 0
    """Steps between looks at the validation rows; 0 looks at the end alone."""
    log_every: int = 1
    """Steps between lines of the log."""
    activation_checkpointing: bool = False
    """Work activations out again in the backward pass: less memory, a third more time."""
    compile: bool = False
    """Compile the model with torch.compile."""

    def __post_init__(self) -> None:
        for name in ("batch", "micro_batch", "log_every", "keep"):
            _check(getattr(self, name) >= 1, f"run.{name}", getattr(self, name), "1 or more")
        for name in ("save_every", "evaluate_every", "seed"):
            _check(getattr(self, name) >= 0, f"run.{name}", getattr(self, name), "0 or more")
        whole = self.batch % self.micro_batch == 0
        _check(whole, "run.batch", self.batch, f"a multiple of run.micro_batch, {self.micro_batch}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A decoder as OLMo has it: RoPE, SwiGLU, no biases."""

    family: Literal["olmo", "olmo2"] = "olmo2"
    """`olmo` has norms without parameters before each part, `olmo2` RMS norms behind, and of queries and keys."""
    layers: int
    width: int
    heads: int
    kv_heads: int = 0
    """Heads of keys and values; 0 means as many as `heads`."""
    inner: int
    """Width of the feed-forward layer, of each of its two halves."""
    context: int = 1024
    """Tokens that it can attend to."""
    tied: bool = True
    """One matrix for the embedding and the head."""
    multiple: int = 64
    """The vocabulary is padded to a multiple of this."""

    def __post_init__(self) -> None:
        for name in ("layers", "width", "heads", "inner", "context", "multiple"):
            _check(getattr(self, name) >= 1, f"model.{name}", getattr(self, name), "1 or more")
        _check(self.width % self.heads == 0, "model.width", self.width, f"a multiple of model.heads, {self.heads}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Text to pretrain on: anything that `lintseq build` reads."""

    path: str
    """Files, a folder or a pattern of them, `hf:NAME`, a URL."""
    field: str = ""
    """The column that holds the text; found by its usual names if none is given."""
    read: Literal["text", "edits", "plain", "files"] = "text"
    """`text`: a column of each row. `edits`: prompt and edit text of records of `lintseq build`. `plain`: their prompt
    and program. `files`: files of any kind, each a document."""
    weight: float = 0.0
    """How much of the mixture it is, beside the others; if none has a weight, each is in proportion to its size."""

    def __post_init__(self) -> None:
        _check(self.weight >= 0, "data.train.weight", self.weight, "0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusData:
    """What a model is pretrained on."""

    train: tuple[Source, ...]
    validation: tuple[Source, ...] = ()
    held_out: float = 0.0
    """Share of the training documents that is kept for validation, besides what `validation` names."""
    validation_rows: int = 500
    """Rows of each source that are looked at, at most."""
    row_tokens: int = 0
    """Tokens of a training row; 0 means as many as the model's context. Shorter rows are quicker to train on."""
    separate: bool = True
    """Whether a document sees itself alone, also where several share a row."""

    def __post_init__(self) -> None:
        _check(bool(self.train), "data.train", "empty", "at least one source")
        _check(0 <= self.held_out < 1, "data.held_out", self.held_out, "from 0 to below 1")
        _check(self.validation_rows >= 1, "data.validation_rows", self.validation_rows, "1 or more")
        _check(self.row_tokens >= 0, "data.row_tokens", self.row_tokens, "0 or more")
        weights = [one.weight for one in self.train]
        _check(
            all(weights) or not any(weights), "data.train.weight", weights, "a weight for each source, or for none,"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainRecipe:
    """What `lintseq pretrain` does."""

    tokenizer: str
    """A folder, a tokenizer.json, or a name at the Hugging Face hub."""
    steps: int
    """Optimizer steps."""
    model: Architecture
    data: CorpusData
    optim: Optim
    run: Run
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2"] = "auto"
    """The implementation; `auto` is what transformers takes for the model."""

    def __post_init__(self) -> None:
        _check(self.steps >= 1, "steps", self.steps, "1 or more")
        context = self.model.context
        _check(
            self.data.row_tokens <= context,
            "data.row_tokens",
            self.data.row_tokens,
            f"model.context, {context}, at most",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairData:
    """What a model is finetuned on: edit sequences, as `lintseq build` writes them."""

    train: str
    """A file or a folder of edit sequences, in any shape."""
    reference: str = ""
    """The file whose rows arms are matched by, where it is another: for edits that were drawn otherwise."""
    validation: str = ""
    """Edit sequences that are not trained on, in the same arm."""
    arm: Literal["edits", "plain"] = "edits"
    """`edits`: the sequences. `plain`: the same rows' programs, each once: the baseline."""
    format: str = "diff"
    """How edits are written, whatever they are written in in the file."""
    layout: Literal["text", "chat"] = "text"
    """`text`: the paper's, instruction and completion. `chat`: the tokenizer's chat template around them."""
    max_tokens: int = 1024
    """Longest row."""
    truncate: Literal["edit", "drop", "anywhere"] = "edit"
    """Rows that are longer: end behind the last edit that fits (a plain program: the last line), are left out, or
    end anywhere (the paper)."""

    def __post_init__(self) -> None:
        _check(self.max_tokens >= 2, "data.max_tokens", self.max_tokens, "2 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What is the same between arms; worked out from the same file for each."""

    by: Literal["steps", "tokens", "rows", "none"] = "steps"
    """Optimizer steps (the paper), trained tokens, how often each distinct row is seen, or nothing."""
    epochs: float = 10.0
    """Passes of the plain arm over its rows, by which all arms are measured; with `none`, of the arm over its own."""

    def __post_init__(self) -> None:
        _check(self.epochs > 0, "match.epochs", self.epochs, "above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """Low-rank adapters instead of all weights; they are merged in at the end."""

    rank: int = 0
    """0 trains all weights."""
    alpha: float = 32.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _check(self.rank >= 0, "lora.rank", self.rank, "0 or more")
        _check(0 <= self.dropout < 1, "lora.dropout", self.dropout, "from 0 to below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneRecipe:
    """What `lintseq finetune` does."""

    model: str
    """The base: a folder, or a name at the Hugging Face hub."""
    tokenizer: str = ""
    """Where the tokenizer is, if not with the model."""
    data: PairData
    optim: Optim
    run: Run
    match: Match = field(default_factory=Match)
    lora: Lora = field(default_factory=Lora)
    loss: Literal["sum", "mean"] = "sum"
    """Over the completions' tokens of a batch (the paper: sum)."""
    batches: Literal["padded", "packed"] = "padded"
    """How rows that a device takes at once lie: side by side, those of a step that are of one length together; or one
    behind the other without padding, which needs attention that knows where rows begin: `flash_attention_2`."""
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2"] = "auto"
    """The implementation; `auto` is what transformers takes for the model."""
    multiple: int = 16
    """New rows for `<|diff|>` fill the embeddings up to a multiple of this."""
    weights: Literal["auto", "fp32", "bf16"] = "auto"
    """What weights are saved in; `auto` is what those of the base are saved in."""

    def __post_init__(self) -> None:
        _check(self.multiple >= 1, "multiple", self.multiple, "1 or more")


# Reading and writing


def read_recipe(path: str, kind: type[R], *, settings: Sequence[str] = ()) -> R:
    """Return the recipe in a TOML file, with `settings` such as `optim.lr=3e-4` over it."""
    try:
        with open(path, "rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot read the recipe {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None
    for other, command in ((PretrainRecipe, "pretrain"), (FinetuneRecipe, "finetune")):
        if table.keys() <= _keys(other) and not table.keys() <= _keys(kind):
            raise ConfigError(f"{path} is a recipe for `lintseq {command}`")
    for setting in settings:
        _set(table, setting)
    return from_table(table, kind, path)


def _keys(kind: type[Any]) -> set[str]:
    return {one.name for one in dataclasses.fields(kind)}


def from_table(table: Mapping[str, Any], kind: type[R], where: str) -> R:
    """Return the value of dataclass `kind` that a table describes; `where` is told in errors."""
    try:
        value: R = _value(table, kind, "")
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return value


def as_table(recipe: Any) -> dict[str, Any]:
    """Return a recipe as plain data, all its fields in it but those that are left open."""
    table: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(recipe, dict_factory=_said)))
    return table


def _said(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in fields if value is not None}


def as_toml(recipe: Any) -> str:
    """Return a recipe as TOML that reads back as the same."""
    import tomli_w

    return tomli_w.dumps(as_table(recipe))


def _set(table: dict[str, Any], setting: str) -> None:
    """Put a setting such as `optim.lr=3e-4` into a table; what is no TOML value is a string.

    Numbers count the sections of a list, from 0: `data.train.0.path=code`.
    """
    name, equals, text = setting.partition("=")
    name, text = name.strip(), text.strip()
    if not equals or not name:
        raise ConfigError(f"cannot make sense of --set {setting}; write it like optim.lr=3e-4")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    at: Any = table
    *sections, last = name.split(".")
    for place, section in enumerate(sections):
        at = at.setdefault(section, {}) if isinstance(at, dict) else at[_index(at, section, setting)]
        if not isinstance(at, dict | list):
            raise ConfigError(f"cannot make sense of --set {setting}: {'.'.join(sections[: place + 1])} has no keys")
    at[last if isinstance(at, dict) else _index(at, last, setting)] = value


def _index(found: list[Any], name: str, setting: str) -> int:
    """Return the place in a list that a part of a setting's name is."""
    if name.isdecimal() and int(name) < len(found):
        return int(name)
    raise ConfigError(
        f"cannot make sense of --set {setting}: {name!r} is no place in a list of {len(found)}, which count from 0"
    )


def _value(value: Any, kind: Any, name: str) -> Any:
    """Return `value` as what `kind` says, or raise `ConfigError` about the key `name`."""
    origin, choices = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _section(value, kind, name)
    if origin is Literal:
        if value not in choices:
            raise ConfigError(f"{name} is {value!r}; use one of {', '.join(map(str, choices))}")
        return value
    if origin in (Union, types.UnionType):
        return _value(value, next(choice for choice in choices if choice is not type(None)), name)
    if origin is tuple and isinstance(value, list):
        kinds = [choices[0]] * len(value) if choices[1:] == (Ellipsis,) else list(choices)
        if len(kinds) != len(value):
            raise ConfigError(f"{name} has {len(value)} values, where {len(kinds)} were expected")
        return tuple(_value(one, kind, f"{name}.{place}") for place, (one, kind) in enumerate(zip(value, kinds)))  # noqa: B905
    if origin is dict and isinstance(value, dict):
        return {key: _value(one, choices[1], f"{name}.{key}") for key, one in value.items()}
    if kind is Any:
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(kind, type) and isinstance(value, kind) and not (kind is not bool and isinstance(value, bool)):
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{name} is {value}, where a number was expected")
        return value
    raise ConfigError(f"{name} is {value!r}, where {_KINDS.get(kind, 'a list')} was expected")


_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}


def _section(value: Any, kind: type[Any], name: str) -> Any:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{name} is {value!r}, where a section was expected")
    hints = get_type_hints(kind)
    before = f"{name}." if name else ""
    fields = {one.name: one for one in dataclasses.fields(kind)}
    for key in value:
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.5)
            way_out = f"did you mean {before}{near[0]}?" if near else f"there are {', '.join(fields)}"
            raise ConfigError(f"unknown key {before}{key}; {way_out}")
    for key, one in fields.items():
        needed = one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING
        if needed and key not in value:
            raise ConfigError(f"{before}{key} is missing")
    return kind(**{key: _value(one, hints[key], before + key) for key, one in value.items()})


def _check(holds: bool, name: str, value: Any, expected: str) -> None:
    if not holds:
        raise ConfigError(f"{name} is {value}, where {expected} was expected")
