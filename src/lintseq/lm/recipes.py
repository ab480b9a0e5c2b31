"""Recipes: the complete configuration of a training run, as option dataclasses and as TOML.

This module defines what a recipe may contain, reads it, applies overrides such as `optim.lr=3e-4`, and writes it next
to the output of a run. All values are checked before any model or data is loaded, and all mistakes are reported at
once. Paths are relative to the working directory of the command.
"""

import dataclasses
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from lintseq.bundled import find_recipe
from lintseq.codecs import get_codec
from lintseq.errors import ConfigError
from lintseq.lm.loading import require_package
from lintseq.lm.settings import InputKind, Range, Settings, SettingsReader, hints_of, mistakes_error
from lintseq.storage import public

R = TypeVar("R")

# Options


Count = Annotated[int, Range(least=0)]
PositiveCount = Annotated[int, Range(least=1)]
Positive = Annotated[float, Range(above=0)]
NotNegative = Annotated[float, Range(least=0)]
BelowOne = Annotated[float, Range(least=0, below=1)]
Data = Annotated[str, InputKind("data")]
Model = Annotated[str, InputKind("model")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerOptions(Settings):
    """AdamW and its learning-rate schedule."""

    lr: Positive
    """Peak learning rate."""
    schedule: Literal["constant", "linear", "cosine", "wsd"] = "linear"
    """After warmup: constant, linear or cosine decay, or constant with a linear decay at the end (wsd)."""
    warmup: NotNegative = 0.0
    """Warmup steps; a value below 1 is a fraction of all steps."""
    decay: Positive = 0.2
    """Steps of the final decay of `wsd`; a value below 1 is a fraction of all steps."""
    final_lr: Annotated[float, Range(least=0, most=1)] = 0.0
    """Final learning rate as a fraction of `lr`."""
    weight_decay: NotNegative = 0.0
    """Decoupled weight decay of all weights but norms and biases."""
    betas: tuple[BelowOne, BelowOne] = (0.9, 0.95)
    """Decay rates of the first and second moments."""
    eps: Positive = 1e-8
    """Added to the root of the second moment."""
    clip: NotNegative = 1.0
    """Maximum gradient norm; 0 disables clipping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(Settings):
    """Batching, devices, checkpoints and logging."""

    batch: PositiveCount
    """Rows per optimizer step, over all devices."""
    micro_batch: PositiveCount
    """Rows per device and forward pass; gradients accumulate until a batch is complete."""
    seed: Count = 42
    """Seed of the initial weights, of the order of rows and of dropout."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` is `cuda` if torch finds a GPU."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Precision of activations; weights and optimizer state are fp32. `auto` is bf16 on GPUs that support it."""
    save_every: Count = 0
    """Steps between checkpoints, in addition to those of `save_minutes`; 0 for none."""
    save_minutes: NotNegative = 3.0
    """Minutes between checkpoints; more if writing one takes over a twentieth of that. 0 for none."""
    keep_checkpoints: PositiveCount = 2
    """Number of most recent checkpoints to keep."""
    evaluate_every: Count = 0
    """Steps between evaluations on the validation rows; 0 evaluates at the end only."""
    log_every: PositiveCount = 1
    """Steps between log lines."""
    activation_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third more time."""
    compile: bool = False
    """Compile the model with torch.compile."""
    report_to: tuple[Literal["tensorboard", "wandb", "trackio"], ...] = ()
    """Experiment trackers that also get the log; each needs the package of its name."""

    def _check_batch(self, at: str) -> Iterator[str]:
        if self.batch % self.micro_batch:
            yield f"{at}batch is {self.batch}; expected a multiple of {at}micro_batch ({self.micro_batch})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture(Settings):
    """A decoder-only transformer in the OLMo family: RoPE, SwiGLU, no biases."""

    family: Literal["olmo", "olmo2"] = "olmo2"
    """`olmo`: non-parametric layer norms before each block. `olmo2`: RMS norms after each block, and QK norm."""
    layers: PositiveCount
    """Number of transformer blocks."""
    width: PositiveCount
    """Hidden size."""
    heads: PositiveCount
    """Number of attention heads; the hidden size is a multiple of it."""
    kv_heads: Count = 0
    """Key-value heads; 0 uses as many as `heads`."""
    ffn_width: PositiveCount
    """Intermediate size of the feed-forward layers."""
    context: PositiveCount = 1024
    """Context length in tokens."""
    tied_embeddings: bool = True
    """Share the embedding matrix with the output layer."""
    vocab_multiple: PositiveCount = 64
    """Pad the vocabulary size to a multiple of this."""

    def _check_heads(self, at: str) -> Iterator[str]:
        if self.width % self.heads:
            yield f"{at}width is {self.width}; expected a multiple of {at}heads ({self.heads})"
        if self.kv_heads and self.heads % self.kv_heads:
            yield f"{at}heads is {self.heads}; expected a multiple of {at}kv_heads ({self.kv_heads})"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusSource(Settings):
    """One source of pretraining text: any input that `lintseq build` reads."""

    path: Data
    """A file, folder, glob, URL, or `hf:NAME`."""
    field: str = ""
    """Column that contains the text; detected by its name by default."""
    read: Literal["text", "edits", "plain", "files"] = "text"
    """`text`: one column of each row. `edits`: prompt and edit text of lintseq records. `plain`: prompt and program of
    lintseq records. `files`: each file is a document."""
    weight: NotNegative = 0.0
    """Share in the mixture, relative to the other sources; without weights, sources are mixed by size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusOptions(Settings):
    """The pretraining corpus."""

    train: tuple[CorpusSource, ...]
    """Sources of the training documents."""
    validation: tuple[CorpusSource, ...] = ()
    """Sources used for validation only."""
    held_out: BelowOne = 0.0
    """Fraction of the training documents held out for validation."""
    validation_rows: PositiveCount = 500
    """Maximum number of validation rows per source."""
    row_tokens: Count = 0
    """Tokens per training row; 0 uses the context length. Shorter rows train faster."""
    separate_documents: bool = True
    """Restrict attention to the document when several documents share a row."""

    def _check_sources(self, at: str) -> Iterator[str]:
        weights = [source.weight for source in self.train]
        if not self.train:
            yield f"{at}train is empty; expected at least one source"
        elif any(weights) and not all(weights):
            yield f"{at}train.weight is {weights}; expected a weight above 0 for each source, or for none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainRecipe(Settings):
    """Configuration of `pretrain`."""

    tokenizer: Model
    """A folder, or a name on the Hugging Face Hub."""
    steps: PositiveCount
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

    def _check_length(self, at: str) -> Iterator[str]:
        row_tokens, context = self.data.row_tokens, self.model.context
        if row_tokens > context:
            yield f"{at}data.row_tokens is {row_tokens}; expected at most {at}model.context ({context})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOptions(Settings):
    """The finetuning data: lintseq records, as written by `lintseq build`."""

    train: Data
    """A file or folder of records, in any shape."""
    reference: Data = ""
    """File whose rows define the comparison between arms, if not `train`; needed for edits from another walk."""
    validation: Data = ""
    """Records to evaluate on, in the same arm."""
    arm: Literal["edits", "plain"] = "edits"
    """`edits`: edit sequences. `plain`: each program once, as the baseline."""
    format: str = ""
    """Format of the edit text; records in other formats are converted. Empty: the format of the first record."""
    layout: Literal["text", "chat"] = "text"
    """`text`: instruction and completion, as in the paper. `chat`: the chat template of the tokenizer."""
    max_tokens: Annotated[int, Range(least=2)] = 1024
    """Maximum number of tokens per example."""
    truncate: Literal["edit", "drop", "anywhere"] = "edit"
    """How to shorten long examples: after the last edit (in the plain arm, line) that fits, by dropping them, or
    anywhere (the paper)."""

    def _check_format(self, at: str) -> Iterator[str]:
        yield from format_mistakes(f"{at}format", self.format or "diff")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchOptions(Settings):
    """What is equal between arms; all arms are planned from the same file."""

    by: Literal["tokens", "steps", "rows", "none"] = "tokens"
    """Trained tokens, optimizer steps (the paper), how often each row is seen, or nothing."""
    epochs: Positive = 10.0
    """Passes of the plain arm over its rows, which sets the budget of all arms; with `none`, passes of this arm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraOptions(Settings):
    """Low-rank adapters (Hu et al. 2021) instead of full finetuning; merged into the weights at the end."""

    rank: Count = 0
    """Adapter rank; 0 trains all weights."""
    alpha: float = 32.0
    """Scale of the adapters: their product is multiplied by `alpha / rank`."""
    dropout: BelowOne = 0.0
    """Dropout rate on the inputs of the adapters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneRecipe(Settings):
    """Configuration of `finetune`."""

    model: Model
    """Base model: a folder, or a name on the Hugging Face Hub."""
    tokenizer: Model = ""
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
    loss: Literal["mean", "sum"] = "mean"
    """Reduction of the loss over the completion tokens of a batch (the paper: sum, which needs `optim.clip = 0`)."""
    batching: Literal["padded", "packed"] = "padded"
    """`padded`: examples of similar length side by side. `packed`: concatenated without padding, which needs an
    attention implementation that supports it, such as `flash_attention_2`."""
    attention: Literal["auto", "sdpa", "eager", "flash_attention_2"] = "auto"
    """Attention implementation; `auto` is the default of transformers for the model."""
    vocab_multiple: PositiveCount = 16
    """If `<|diff|>` needs a new embedding, pad the number of embeddings to a multiple of this."""
    save_dtype: Literal["auto", "fp32", "bf16"] = "auto"
    """Data type of the saved weights; `auto` is that of the base model."""

    def _check_batching(self, at: str) -> Iterator[str]:
        if self.batching == "packed" and self.attention == "eager":
            yield f"{at}attention is eager, which is too slow for packed batches; set {at}batching to padded"


def format_mistakes(key: str, name: str) -> Iterator[str]:
    """Yield a message if there is no text format of this name."""
    try:
        get_codec(name)
    except ConfigError as error:
        yield f"{key}: {error}"


# Reading and writing

_COMMANDS: Mapping[type[Any], str] = {PretrainRecipe: "pretrain", FinetuneRecipe: "finetune"}


def read_recipe(
    path: str,
    kind: type[R],
    *,
    settings: Sequence[str] | Mapping[str, Any] = (),
    exists: Callable[[str, str], bool] | None = None,
) -> R:
    """Return the recipe of dataclass `kind` in a TOML file, with `settings` applied to it.

    A setting is a key and its value, `{"optim.lr": 3e-4}`, or both in TOML, `["optim.lr=3e-4"]`.

    `path` may also be the name of a recipe that comes with lintseq, such as `nano`. Raises `ConfigError` if there is
    no such file, or with all mistakes in it; if `exists` is set, data, models and recipes of which it is false are
    mistakes: it takes the path and `data`, `model`, `pretrain` or `finetune`.
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
        if table.keys() <= hints_of(other).keys() and not table.keys() <= hints_of(kind).keys():
            raise ConfigError(f"{path} is a recipe for `lintseq {command}`")
    reader = SettingsReader(kind, exists=exists)
    for setting in settings.items() if isinstance(settings, Mapping) else settings:
        try:
            _apply(setting, table)
        except ConfigError as error:
            reader.mistakes.append(str(error))
    recipe: R = reader.section(table, kind, "")
    if reader.mistakes:
        raise mistakes_error(path, reader.mistakes)
    return recipe


def as_table(recipe: Any) -> dict[str, Any]:
    """Return a recipe as JSON-compatible data, without fields that are None."""
    fields = dataclasses.asdict(
        recipe, dict_factory=lambda pairs: {name: value for name, value in pairs if value is not None}
    )
    return dict(json.loads(json.dumps(fields)))


def as_toml(recipe: Any, *, shared: bool = False) -> str:
    """Return a recipe as TOML from which `read_recipe` restores it; if `shared`, without local folders."""
    require_package("tomli_w", "writing a recipe")
    import tomli_w

    return tomli_w.dumps(public(as_table(recipe)) if shared else as_table(recipe))


def _apply(setting: str | tuple[str, Any], table: dict[str, Any]) -> None:
    """Apply a setting to a table. A number selects an element of a list, from 0: `data.train.0.path=code`."""
    name, value = _parsed(setting) if isinstance(setting, str) else setting
    parent: Any = table
    *sections, last = name.split(".")
    for depth, section in enumerate(sections, 1):
        parent = parent.setdefault(section, {}) if isinstance(parent, dict) else parent[_index(section, parent, name)]
        if not isinstance(parent, dict | list):
            raise ConfigError(f"invalid --set {name}: {'.'.join(sections[:depth])} has no keys")
    parent[last if isinstance(parent, dict) else _index(last, parent, name)] = value


def _parsed(setting: str) -> tuple[str, Any]:
    """Return the key and the value of a setting such as `optim.lr=3e-4`; a value that is not TOML is a string."""
    name, equals, text = (part.strip() for part in setting.partition("="))
    if not equals or not name:
        raise ConfigError(f"invalid --set {setting}; write it like optim.lr=3e-4")
    try:
        return name, tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return name, text


def _index(key: str, values: list[Any], name: str) -> int:
    if key.isdecimal() and int(key) < len(values):
        return int(key)
    raise ConfigError(f"invalid --set {name}: {key!r} is not an index into a list of {len(values)} (from 0)")
