"""Recipes: the complete configuration of a training run, as option dataclasses and as TOML.

This module defines what a recipe may contain, reads it, applies overrides such as `optim.lr=3e-4`, and writes it next
to the output of a run. All values are checked before any model or data is loaded, and an unknown key is an error that
names the closest known key. Paths are relative to the working directory of the command.
"""

import dataclasses
import difflib
import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from lintseq.bundled import find_recipe
from lintseq.errors import ConfigError
from lintseq.storage import public

R = TypeVar("R")

# Options


def _require(holds: bool, name: str, value: Any, expected: str) -> None:
    if not holds:
        raise ConfigError(f"{name} is {value}; expected {expected}")


def _require_at_least(minimum: int, options: Any, section: str, *names: str) -> None:
    for name in names:
        value = getattr(options, name)
        _require(value >= minimum, f"{section}{name}", value, f"{minimum} or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerOptions:
    """AdamW and its learning-rate schedule."""

    lr: float
    """Peak learning rate."""
    schedule: Literal["constant", "linear", "cosine", "wsd"] = "linear"
    """After warmup: constant, linear or cosine decay, or constant with a linear decay at the end (wsd)."""
    warmup: float = 0.0
    """Warmup steps; a value below 1 is a fraction of all steps."""
    decay: float = 0.2
    """Steps of the final decay of `wsd`; a value below 1 is a fraction of all steps."""
    final_lr: float = 0.0
    """Final learning rate as a fraction of `lr`."""
    weight_decay: float = 0.0
    """Decoupled weight decay of all weights but norms and biases."""
    betas: tuple[float, float] = (0.9, 0.95)
    """Decay rates of the first and second moments."""
    eps: float = 1e-8
    """Added to the root of the second moment."""
    clip: float = 1.0
    """Maximum gradient norm; 0 disables clipping."""

    def __post_init__(self) -> None:
        _require(self.lr > 0, "optim.lr", self.lr, "a number above 0")
        _require(self.decay > 0, "optim.decay", self.decay, "a number above 0")
        _require(0 <= self.final_lr <= 1, "optim.final_lr", self.final_lr, "a number from 0 to 1")
        in_range = all(0 <= beta < 1 for beta in self.betas)
        _require(in_range, "optim.betas", self.betas, "numbers from 0 to below 1")
        _require_at_least(0, self, "optim.", "warmup", "clip")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Batching, devices, checkpoints and logging."""

    batch: int
    """Rows per optimizer step, over all devices."""
    micro_batch: int
    """Rows per device and forward pass; gradients accumulate until a batch is complete."""
    seed: int = 42
    """Seed of the initial weights, of the order of rows and of dropout."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` is `cuda` if torch finds a GPU."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Precision of activations; weights and optimizer state are fp32. `auto` is bf16 on GPUs that support it."""
    save_every: int = 0
    """Steps between checkpoints; 0 saves the final model only."""
    keep_checkpoints: int = 2
    """Number of most recent checkpoints to keep."""
    evaluate_every: int = 0
    """Steps between evaluations on the validation rows; 0 evaluates at the end only."""
    log_every: int = 1
    """Steps between log lines."""
    activation_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third more time."""
    compile: bool = False
    """Compile the model with torch.compile."""

    def __post_init__(self) -> None:
        _require_at_least(1, self, "run.", "batch", "micro_batch", "log_every", "keep_checkpoints")
        _require_at_least(0, self, "run.", "save_every", "evaluate_every", "seed")
        divisible = self.batch % self.micro_batch == 0
        _require(divisible, "run.batch", self.batch, f"a multiple of run.micro_batch ({self.micro_batch})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A decoder-only transformer in the OLMo family: RoPE, SwiGLU, no biases."""

    family: Literal["olmo", "olmo2"] = "olmo2"
    """`olmo`: non-parametric layer norms before each block. `olmo2`: RMS norms after each block, and QK norm."""
    layers: int
    """Number of transformer blocks."""
    width: int
    """Hidden size."""
    heads: int
    """Number of attention heads; the hidden size is a multiple of it."""
    kv_heads: int = 0
    """Key-value heads; 0 uses as many as `heads`."""
    ffn_width: int
    """Intermediate size of the feed-forward layers."""
    context: int = 1024
    """Context length in tokens."""
    tied_embeddings: bool = True
    """Share the embedding matrix with the output layer."""
    vocab_multiple: int = 64
    """Pad the vocabulary size to a multiple of this."""

    def __post_init__(self) -> None:
        _require_at_least(1, self, "model.", "layers", "width", "heads", "ffn_width", "context", "vocab_multiple")
        divisible = self.width % self.heads == 0
        _require(divisible, "model.width", self.width, f"a multiple of model.heads ({self.heads})")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusSource:
    """One source of pretraining text: any input that `lintseq build` reads."""

    path: str
    """A file, folder, glob, URL, or `hf:NAME`."""
    field: str = ""
    """Column that contains the text; detected by its name by default."""
    read: Literal["text", "edits", "plain", "files"] = "text"
    """`text`: one column of each row. `edits`: prompt and edit text of lintseq records. `plain`: prompt and program of
    lintseq records. `files`: each file is a document."""
    weight: float = 0.0
    """Share in the mixture, relative to the other sources; without weights, sources are mixed by size."""

    def __post_init__(self) -> None:
        _require_at_least(0, self, "data.train.", "weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusOptions:
    """The pretraining corpus."""

    train: tuple[CorpusSource, ...]
    """Sources of the training documents."""
    validation: tuple[CorpusSource, ...] = ()
    """Sources used for validation only."""
    held_out: float = 0.0
    """Fraction of the training documents held out for validation."""
    validation_rows: int = 500
    """Maximum number of validation rows per source."""
    row_tokens: int = 0
    """Tokens per training row; 0 uses the context length. Shorter rows train faster."""
    separate_documents: bool = True
    """Restrict attention to the document when several documents share a row."""

    def __post_init__(self) -> None:
        _require(bool(self.train), "data.train", "empty", "at least one source")
        _require(0 <= self.held_out < 1, "data.held_out", self.held_out, "a number from 0 to below 1")
        _require_at_least(1, self, "data.", "validation_rows")
        _require_at_least(0, self, "data.", "row_tokens")
        weights = [source.weight for source in self.train]
        all_or_none = all(weights) or not any(weights)
        _require(all_or_none, "data.train.weight", weights, "a weight for each source, or for none")


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainRecipe:
    """Configuration of `pretrain`."""

    tokenizer: str
    """A folder, or a name on the Hugging Face Hub."""
    steps: int
    """Number of optimizer steps."""
    model: Architecture
    """The model to make."""
    data: CorpusOptions
    """The corpus."""
    optim: OptimizerOptions
    """The optimizer and its schedule."""
    run: RunOptions
    """Batching, devices, checkpoints and logging."""
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2"] = "auto"
    """Attention implementation; `auto` is the default of transformers for the model."""

    def __post_init__(self) -> None:
        _require_at_least(1, self, "", "steps")
        row_tokens, context = self.data.row_tokens, self.model.context
        _require(row_tokens <= context, "data.row_tokens", row_tokens, f"at most model.context ({context})")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOptions:
    """The finetuning data: lintseq records, as written by `lintseq build`."""

    train: str
    """A file or folder of records, in any shape."""
    reference: str = ""
    """File whose rows define the comparison between arms, if not `train`; needed for edits from another walk."""
    validation: str = ""
    """Records to evaluate on, in the same arm."""
    arm: Literal["edits", "plain"] = "edits"
    """`edits`: edit sequences. `plain`: each program once, as the baseline."""
    format: str = ""
    """Format of the edit text; records in other formats are converted. Empty: the format of the first record."""
    layout: Literal["text", "chat"] = "text"
    """`text`: instruction and completion, as in the paper. `chat`: the chat template of the tokenizer."""
    max_tokens: int = 1024
    """Maximum number of tokens per example."""
    truncate: Literal["edit", "drop", "anywhere"] = "edit"
    """How to shorten long examples: after the last edit (in the plain arm, line) that fits, by dropping them, or
    anywhere (the paper)."""

    def __post_init__(self) -> None:
        _require_at_least(2, self, "data.", "max_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchOptions:
    """What is equal between arms; all arms are planned from the same file."""

    by: Literal["steps", "tokens", "rows", "none"] = "steps"
    """Optimizer steps (the paper), trained tokens, how often each row is seen, or nothing."""
    epochs: float = 10.0
    """Passes of the plain arm over its rows, which sets the budget of all arms; with `none`, passes of this arm."""

    def __post_init__(self) -> None:
        _require(self.epochs > 0, "match.epochs", self.epochs, "a number above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraOptions:
    """Low-rank adapters (Hu et al. 2021) instead of full finetuning; merged into the weights at the end."""

    rank: int = 0
    """Adapter rank; 0 trains all weights."""
    alpha: float = 32.0
    """Scale of the adapters: their product is multiplied by `alpha / rank`."""
    dropout: float = 0.0
    """Dropout rate on the inputs of the adapters."""

    def __post_init__(self) -> None:
        _require_at_least(0, self, "lora.", "rank")
        _require(0 <= self.dropout < 1, "lora.dropout", self.dropout, "a number from 0 to below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneRecipe:
    """Configuration of `finetune`."""

    model: str
    """Base model: a folder, or a name on the Hugging Face Hub."""
    tokenizer: str = ""
    """Tokenizer, if it is not stored with the model."""
    data: PairOptions
    """The examples."""
    optim: OptimizerOptions
    """The optimizer and its schedule."""
    run: RunOptions
    """Batching, devices, checkpoints and logging."""
    match: MatchOptions = field(default_factory=MatchOptions)
    """How long to train, so that arms can be compared."""
    lora: LoraOptions = field(default_factory=LoraOptions)
    """Low-rank adapters, if any."""
    loss: Literal["sum", "mean"] = "sum"
    """Reduction of the loss over the completion tokens of a batch (the paper: sum)."""
    batching: Literal["padded", "packed"] = "padded"
    """`padded`: examples of similar length side by side. `packed`: concatenated without padding, which needs an
    attention implementation that supports it, such as `flash_attention_2`."""
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2"] = "auto"
    """Attention implementation; `auto` is the default of transformers for the model."""
    vocab_multiple: int = 16
    """If `<|diff|>` needs a new embedding, pad the number of embeddings to a multiple of this."""
    save_dtype: Literal["auto", "fp32", "bf16"] = "auto"
    """Data type of the saved weights; `auto` is that of the base model."""

    def __post_init__(self) -> None:
        _require_at_least(1, self, "", "vocab_multiple")


# Reading and writing

_COMMANDS: Mapping[type[Any], str] = {PretrainRecipe: "pretrain", FinetuneRecipe: "finetune"}


def read_recipe(path: str, kind: type[R], *, settings: Sequence[str] = ()) -> R:
    """Return the recipe of dataclass `kind` in a TOML file, with `settings` such as `optim.lr=3e-4` applied to it.

    `path` may also be the name of a recipe that comes with lintseq, such as `nano`. Raises `ConfigError` if there is
    no such file, or if it is not a valid recipe of this kind.
    """
    path = find_recipe(path, _COMMANDS.get(kind, "study"))
    try:
        with open(path, "rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot read the recipe {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    for other, command in _COMMANDS.items():
        if table.keys() <= _keys(other) and not table.keys() <= _keys(kind):
            raise ConfigError(f"{path} is a recipe for `lintseq {command}`")
    for setting in settings:
        _apply(setting, table)
    return from_table(table, kind, path)


def _keys(kind: type[Any]) -> set[str]:
    return {option.name for option in dataclasses.fields(kind)}


def from_table(table: Mapping[str, Any], kind: type[R], source: str) -> R:
    """Return the instance of dataclass `kind` described by `table`; `ConfigError` messages start with `source`."""
    try:
        value: R = _section(table, kind, "")
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None
    return value


def as_table(recipe: Any) -> dict[str, Any]:
    """Return a recipe as JSON-compatible data, without fields that are None."""
    fields = dataclasses.asdict(
        recipe, dict_factory=lambda pairs: {name: value for name, value in pairs if value is not None}
    )
    return dict(json.loads(json.dumps(fields)))


def as_toml(recipe: Any, *, shared: bool = False) -> str:
    """Return a recipe as TOML from which `read_recipe` restores it; if `shared`, without local folders."""
    import tomli_w

    return tomli_w.dumps(public(as_table(recipe)) if shared else as_table(recipe))


def _apply(setting: str, table: dict[str, Any]) -> None:
    """Apply a setting such as `optim.lr=3e-4` to a table; a value that is not TOML is a string.

    A number selects an element of a list, from 0: `data.train.0.path=code`.
    """
    name, equals, text = (part.strip() for part in setting.partition("="))
    if not equals or not name:
        raise ConfigError(f"invalid --set {setting}; write it like optim.lr=3e-4")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    parent: Any = table
    *sections, last = name.split(".")
    for depth, section in enumerate(sections, 1):
        parent = (
            parent.setdefault(section, {}) if isinstance(parent, dict) else parent[_index(section, parent, setting)]
        )
        if not isinstance(parent, dict | list):
            raise ConfigError(f"invalid --set {setting}: {'.'.join(sections[:depth])} has no keys")
    parent[last if isinstance(parent, dict) else _index(last, parent, setting)] = value


def _index(name: str, values: list[Any], setting: str) -> int:
    if name.isdecimal() and int(name) < len(values):
        return int(name)
    raise ConfigError(f"invalid --set {setting}: {name!r} is not an index into a list of {len(values)} (from 0)")


def _section(table: Any, kind: type[Any], name: str) -> Any:
    """Return the instance of dataclass `kind` that a table describes."""
    if not isinstance(table, Mapping):
        raise ConfigError(f"{name} is {table!r}; expected a section")
    hints = get_type_hints(kind)
    prefix = f"{name}." if name else ""
    fields = {option.name: option for option in dataclasses.fields(kind)}
    if unknown := next((key for key in table if key not in fields), None):
        close = difflib.get_close_matches(unknown, fields, n=1, cutoff=0.5)
        hint = f"did you mean {prefix}{close[0]}?" if close else f"use one of {', '.join(fields)}"
        raise ConfigError(f"unknown key {prefix}{unknown}; {hint}")
    for key, option in fields.items():
        required = option.default is dataclasses.MISSING and option.default_factory is dataclasses.MISSING
        if required and key not in table:
            raise ConfigError(f"{prefix}{key} is missing")
    return kind(**{key: _value(value, hints[key], prefix + key) for key, value in table.items()})


def _value(value: Any, kind: Any, name: str) -> Any:
    """Return `value` converted to the annotated type `kind`; `ConfigError` about the key `name` if it does not fit."""
    origin, arguments = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _section(value, kind, name)
    if origin is Literal:
        if value not in arguments:
            raise ConfigError(f"{name} is {value!r}; use one of {', '.join(map(str, arguments))}")
        return value
    if type(None) in arguments:
        return _value(value, next(choice for choice in arguments if choice is not type(None)), name)
    if origin is tuple and isinstance(value, list):
        kinds = [arguments[0]] * len(value) if arguments[1:] == (Ellipsis,) else list(arguments)
        if len(kinds) != len(value):
            raise ConfigError(f"{name} has {len(value)} values; expected {len(kinds)}")
        pairs = zip(value, kinds, strict=True)
        return tuple(_value(element, kind, f"{name}.{index}") for index, (element, kind) in enumerate(pairs))
    if origin is dict and isinstance(value, dict):
        return {key: _value(element, arguments[1], f"{name}.{key}") for key, element in value.items()}
    return _scalar(value, kind, name)


_TYPE_NAMES = {str: "a string", int: "an integer", float: "a number", bool: "true or false", dict: "a table"}


def _scalar(value: Any, kind: Any, name: str) -> Any:
    if kind is Any:
        return value
    if not isinstance(value, bool):
        if kind is float and isinstance(value, int):
            value = float(value)
        elif kind is int and isinstance(value, float) and value.is_integer():
            value = int(value)
    fits = isinstance(kind, type) and type(value) is kind
    if not fits or (isinstance(value, float) and not math.isfinite(value)):
        raise ConfigError(f"{name} is {value!r}; expected {_TYPE_NAMES.get(kind, 'a list')}")
    return value
