"""Finetuning: teach a model to write edit sequences, or programs, from instructions.

This module prepares what the training loop needs (the base model with `<|diff|>`, the examples of both arms, the plan
that makes them comparable) and writes the finished model, with adapters merged.
"""

import json
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError
from lintseq.lm import tokenizers
from lintseq.lm.batches import packed, padded
from lintseq.lm.examples import ARMS, ExampleEncoder
from lintseq.lm.loading import load_config, load_model, load_tokenizer, require_package
from lintseq.lm.matching import TrainingPlan, by_length, make_plan
from lintseq.lm.recipes import FinetuneRecipe
from lintseq.lm.runs import TrainingProgress, TrainingReport, TrainingRun, check_trackers, is_first_process, wait_for
from lintseq.lm.threads import use_threads
from lintseq.lm.token_files import OnRecords, TokenFile, common_rows, format_of, open_tokens, tokenize
from lintseq.rows import find_inputs
from lintseq.storage import public

if TYPE_CHECKING:
    import torch

PLAN = "plan.json"
_EXAMPLES = "examples"


@dataclass(frozen=True, slots=True)
class FinetunePlan:
    """What a run will see, and what the plain arm would."""

    arm: TrainingPlan
    """The examples of the run in order."""
    shared_rows: int | None
    """Rows that all arms have; None if nothing is matched."""
    records: Mapping[str, Mapping[str, Any]]
    """An `ExampleTally` as a dict for each file and arm."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**self.arm.as_dict(), "shared_rows": self.shared_rows, "records": dict(self.records)}


def finetune(
    recipe: FinetuneRecipe,
    output: str,
    *,
    threads: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_records: OnRecords = lambda count: None,
    on_plan: Callable[[FinetunePlan], None] = lambda plan: None,
    on_step: Callable[[TrainingProgress], None] = lambda progress: None,
    on_notice: Callable[[str], None] = lambda text: None,
) -> TrainingReport:
    """Finetune the base model of a recipe and write it to the folder `output` (paper, section 3.2).

    An interrupted run continues with `resume` from its last checkpoint; on one device the result is bit-identical to
    an uninterrupted run. `threads` is the number of CPU threads, by default that of `use_threads`. The callbacks
    receive the number of tokenized records, the plan before training, the progress at each log line, and a message if
    the processors are busy.

    Raises `ConfigError` before training for anything that cannot work, `ToolError` if training fails (a loss that is
    not finite, no memory, no disk space), and `KeyboardInterrupt` after SIGINT or SIGTERM, with a checkpoint.
    """
    check_recipe(recipe)
    use_threads(threads)
    recipe = _with_format(recipe)
    base = open_base(recipe)
    if recipe.lora.rank and base.extension.added and os.environ.get("ACCELERATE_USE_FSDP") == "true":
        raise ConfigError(
            f"adapters train the new embedding of {SEPARATOR} separately, which FSDP cannot shard: leave"
            " out --use_fsdp so that each device has the whole model, or train all weights (lora.rank = 0)"
        )
    with TrainingRun(output, recipe, _fingerprints(recipe, base), resume=resume, overwrite=overwrite) as run:
        if run.manifest is None:
            examples = prepare(recipe, base, run.path(_EXAMPLES), fingerprint=run.fingerprint, on_records=on_records)
            if is_first_process():
                plan = json.dumps(public(examples.plan.as_dict()), indent=1)
                Path(run.file(PLAN)).write_text(plan + "\n", encoding="utf-8")
            on_plan(examples.plan)
            _train(recipe, base, examples, run, on_step, on_notice)
        return run.report()


def plan_finetuning(recipe: FinetuneRecipe, *, on_records: OnRecords = lambda count: None) -> FinetunePlan:
    """Return what a run of a recipe would see, without training; raises `ConfigError` as `finetune` does."""
    check_recipe(recipe)
    with TemporaryDirectory(prefix="lintseq-plan-") as folder:
        return prepare(recipe, open_base(recipe), folder, on_records=on_records).plan


def check_recipe(recipe: FinetuneRecipe) -> None:
    """Raise `ConfigError` for a recipe that cannot work, before anything is read."""
    for package in ("torch", "accelerate", *(["peft"] if recipe.lora.rank else [])):
        require_package(package, "finetuning")
    check_trackers(recipe.run)


def _with_format(recipe: FinetuneRecipe) -> FinetuneRecipe:
    """Return the recipe with a format for the edit text: its own, or that of the records."""
    data = recipe.data
    return recipe if data.format else replace(recipe, data=replace(data, format=format_of(data.train)))


def _fingerprints(recipe: FinetuneRecipe, base: "BaseTokenizer") -> dict[str, Any]:
    """Return what identifies the data of a run."""
    found: dict[str, Any] = {"tokenizer": tokenizers.digest(base.tokenizer)}
    for name in ("train", "reference", "validation"):
        if path := getattr(recipe.data, name):
            found[name] = [source.fingerprint for source in find_inputs(path)]
    return found


# Data


@dataclass(frozen=True, slots=True)
class BaseTokenizer:
    """The tokenizer of the base model with `<|diff|>` as one token."""

    tokenizer: Any
    extension: tokenizers.TokenizerExtension


def open_base(recipe: FinetuneRecipe) -> BaseTokenizer:
    """Return the tokenizer of a recipe; raises `ConfigError` if `data.max_tokens` exceeds the context of the model."""
    tokenizer = load_tokenizer(recipe.tokenizer or recipe.model)
    extension = tokenizers.add_separator(tokenizer)
    context = getattr(load_config(recipe.model), "max_position_embeddings", None)
    if context is not None and recipe.data.max_tokens > context:
        raise ConfigError(
            f"data.max_tokens is {recipe.data.max_tokens}, but {recipe.model} has a context of {context} tokens; set"
            f" it to {context}, or choose another model"
        )
    return BaseTokenizer(tokenizer, extension)


@dataclass(frozen=True, slots=True)
class PreparedExamples:
    """The examples of a run and their order."""

    plan: FinetunePlan
    train: TokenFile
    order: list[int]
    """Indices into `train`, `run.batch` per optimizer step."""
    validation: TokenFile | None = None


def prepare(
    recipe: FinetuneRecipe,
    base: BaseTokenizer,
    folder: str,
    *,
    fingerprint: str = "",
    on_records: OnRecords = lambda count: None,
) -> PreparedExamples:
    """Return the examples of a run, tokenized into `folder` once; `fingerprint` identifies the recipe and its data.

    Of several processes that train together, the first one tokenizes and the others wait.
    """
    data, matched = _with_format(recipe).data, recipe.match.by != "none"
    encoder = partial(
        ExampleEncoder, base.tokenizer, layout=data.layout, max_tokens=data.max_tokens, truncate=data.truncate
    )
    encoders = {arm: encoder(arm=arm) for arm in ARMS}
    files: dict[tuple[str, str], TokenFile] = {}

    def read(path: str, *arms: str) -> None:
        folders = {os.path.join(folder, f"{len(files)}-{arm}"): encoders[arm] for arm in arms}
        found = _tokens(path, folders, data.format, fingerprint, on_records)
        files.update({(path, arm): file for arm, file in found.items()})

    reference = data.reference or data.train
    read(data.train, *(ARMS if matched and reference == data.train else [data.arm]))
    if matched and reference != data.train:
        read(reference, *ARMS)
    own = files[data.train, data.arm]
    rows, plain = None, None
    if matched:
        rows = common_rows(files[reference, "plain"], files[reference, "edits"], own)
        if not rows:
            raise ConfigError(
                f"{data.train} and {reference} have no row in common that both arms can be trained on; they must be"
                " edit sequences of the same programs (ids, instructions and programs are compared)"
            )
        _, plain = files[reference, "plain"].select(rows)
    indices, sizes = own.select(rows)
    match, run = recipe.match, recipe.run
    plan = make_plan(sizes, plain, match=match.by, epochs=match.epochs, batch=run.batch, seed=run.seed)
    order = [indices[index] for index in by_length(plan.order, sizes.tokens, plan.batch)]
    records = {f"{path} {arm}": file.tally for (path, arm), file in files.items()}
    validation = None
    if data.validation:
        held_out = {os.path.join(folder, "validation"): encoders[data.arm]}
        validation = _tokens(data.validation, held_out, data.format, fingerprint, on_records)[data.arm]
    summary = FinetunePlan(plan, None if rows is None else len(rows), records)
    return PreparedExamples(summary, own, order, validation)


def _tokens(
    path: str, folders: Mapping[str, ExampleEncoder], format: str, fingerprint: str, on_records: OnRecords
) -> dict[str, TokenFile]:
    if is_first_process():
        return tokenize(path, folders, format=format, fingerprint=fingerprint, on_records=on_records)
    return {encoder.arm: wait_for(partial(open_tokens, folder, fingerprint)) for folder, encoder in folders.items()}


# Model


def load_base(recipe: FinetuneRecipe, base: BaseTokenizer) -> "tuple[Any, tokenizers.TokenizerExtension, torch.dtype]":
    """Return the base model with an embedding for `<|diff|>`, how that was added, and the dtype to save in."""
    import torch

    attention = {} if recipe.attention == "auto" else {"attn_implementation": recipe.attention}
    # fp32 master weights: in bf16, updates of 1e-5 would be lost.
    model = load_model(recipe.model, dtype=torch.float32, **attention)
    extension = tokenizers.add_embedding(model, base.extension, multiple=recipe.vocab_multiple)
    end = base.tokenizer.eos_token_id
    ends = model.generation_config.eos_token_id
    ends = [ends] if isinstance(ends, int) else ends or []
    ends = list(dict.fromkeys([*ends, end]))  # completions end in this token, so generation has to stop at it
    model.generation_config.eos_token_id = ends if len(ends) > 1 else end
    model.config.eos_token_id = end
    saved = getattr(load_config(recipe.model), "dtype", None) or torch.float32
    dtypes = {"auto": saved, "fp32": torch.float32, "bf16": torch.bfloat16}
    return model, extension, dtypes[recipe.save_dtype]


def with_adapters(model: Any, recipe: FinetuneRecipe, extension: tokenizers.TokenizerExtension) -> Any:
    """Return the model with LoRA adapters on all linear layers but the head, and a trainable new `<|diff|>` row."""
    require_package("peft", "lora")
    from peft import LoraConfig, get_peft_model

    embeddings = tokenizers.embeddings_of(model)
    names = [
        name.rpartition(".")[2]
        for name, module in model.named_modules()
        if any(module is embedding for embedding in embeddings)
    ]
    alpha: Any = recipe.lora.alpha  # annotated as int in peft, but only divided by the rank
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora.rank,
        lora_alpha=alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules="all-linear",
        trainable_token_indices={name: [extension.id] for name in names} if extension.added else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft uses names that transformers deprecates
        return get_peft_model(model, config)


def _train(
    recipe: FinetuneRecipe,
    base: BaseTokenizer,
    examples: PreparedExamples,
    run: TrainingRun,
    on_step: Callable[[TrainingProgress], None],
    on_notice: Callable[[str], None],
) -> None:
    import torch

    from lintseq.lm.training import train

    torch.manual_seed(recipe.run.seed)
    model, extension, dtype = load_base(recipe, base)
    total = sum(parameter.numel() for parameter in model.parameters())
    if recipe.lora.rank:
        model = with_adapters(model, recipe, extension)
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    pad = base.tokenizer.pad_token_id
    pad = base.tokenizer.eos_token_id if pad is None else pad
    progress, weights = train(
        model,
        examples.train,
        examples.order,
        packed if recipe.batching == "packed" else partial(padded, pad=pad),
        run=run,
        reduction=recipe.loss,
        validation=examples.validation or (),
        on_step=on_step,
        on_notice=on_notice,
    )
    manifest = {
        "parameters": total,
        "trained_parameters": trained,
        "diff": asdict(extension),
        "plan": examples.plan.as_dict(),
        "sha256": {"train": examples.train.sha256},
    }
    if is_first_process():
        _save(model, weights, dtype, recipe, base, run)
    run.finish(progress, manifest)


def _save(
    model: Any,
    weights: "Mapping[str, torch.Tensor] | None",
    dtype: "torch.dtype",
    recipe: FinetuneRecipe,
    base: BaseTokenizer,
    run: TrainingRun,
) -> None:
    """Save the model; `weights` are all weights if the model is sharded over processes."""
    from lintseq.lm.training import save_model

    if recipe.lora.rank:
        if weights is not None:  # merging needs a whole model
            model, extension, _ = load_base(recipe, base)
            model = with_adapters(model, recipe, extension)
            model.load_state_dict(weights)
        model, weights = model.merge_and_unload(), None
    if weights is None:
        model = model.to(dtype)
    else:
        weights = {name: tensor.to(dtype) for name, tensor in weights.items()}
    model.config.dtype = dtype
    save_model(model, base.tokenizer, run.folder, weights=weights)
