"""Finetuning: a model learns to write edit sequences, or programs, from instructions.

Owns what comes before and after the training loop: the base model and its `<|diff|>`, the examples of both arms, the
plan that makes them comparable, batches, adapters that are merged in at the end, and the finished folder.
"""

import errno
import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from lintseq.codecs import SEPARATOR
from lintseq.errors import ConfigError, ToolError
from lintseq.lm import tokenizers
from lintseq.lm.cards import README, model_card
from lintseq.lm.examples import (
    Cut,
    Encoder,
    Example,
    Tell,
    TokenFile,
    arm_of,
    common_rows,
    fingerprint_of,
    open_tokens,
    tokenize,
)
from lintseq.lm.folders import loading
from lintseq.lm.matching import Plan, by_length, check_match, make_plan
from lintseq.lm.recipes import FinetuneRecipe
from lintseq.lm.runs import RunFolder, is_first_process, versions
from lintseq.rows import ReadingOptions, find_inputs

if TYPE_CHECKING:
    from lintseq.lm.training import Outcome, Step

PLAN = "plan.json"
_EXAMPLES = "examples"
_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


# Before training


@dataclass(frozen=True, slots=True)
class Base:
    """A model's tokenizer that knows `<|diff|>`, and what that took."""

    tokenizer: Any
    pieces: Sequence[int]
    """What `<|diff|>` was before."""
    extension: tokenizers.Extension
    context: int | None
    """The longest row that the model takes; None where its configuration does not say."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a run sees, before it is seen."""

    plan: Plan
    own: TokenFile
    order: list[int]
    """Numbers of examples in `own`, a batch for each step."""
    tallies: dict[str, dict[str, Any]]
    """What became of records, by file and arm."""
    shared: int | None
    """Rows that all arms have; None where nothing is matched."""
    validation: TokenFile | None = None

    def as_dict(self) -> dict[str, Any]:
        return {**self.plan.as_dict(), "shared_rows": self.shared, "records": self.tallies}


def open_base(recipe: FinetuneRecipe) -> Base:
    """Return the base of a recipe; raises `ConfigError` if it cannot take rows as long as the recipe has them."""
    tokenizer = tokenizers.load_tokenizer(recipe.tokenizer or recipe.model)
    pieces = tokenizer.encode(SEPARATOR, add_special_tokens=False)
    extension = tokenizers.extend_tokenizer(tokenizer)
    context = getattr(_configuration(recipe.model).get_text_config(), "max_position_embeddings", None)
    if context is not None and recipe.data.max_tokens > context:
        raise ConfigError(
            f"data.max_tokens is {recipe.data.max_tokens}, and {recipe.model} takes {context} tokens;"
            f" set it to {context}, or choose another model"
        )
    return Base(tokenizer, pieces, extension, context)


def _configuration(path: str) -> Any:
    from transformers import AutoConfig

    with loading("model", path):
        return AutoConfig.from_pretrained(path)


def prepare(recipe: FinetuneRecipe, base: Base, folder: str, *, tell: Tell | None = None) -> Prepared:
    """Return what a run of a recipe sees; tokens are made once, and lie in `folder`.

    Of several processes that train together, the first makes them and the others wait.
    """
    data = recipe.data
    cut = Cut(data.max_tokens, data.truncate)
    encoders = {arm: Encoder(base.tokenizer, arm=arm, layout=data.layout, cut=cut) for arm in ("edits", "plain")}
    reference = data.reference or data.train
    matched = recipe.match.by != "none"

    wanted: dict[str, set[str]] = {data.train: {data.arm}}
    if matched:
        wanted.setdefault(reference, set()).update(encoders)
    files: dict[tuple[str, str], TokenFile] = {}
    for spec, arms in wanted.items():
        made = _tokens(spec, sorted(arms), encoders, os.path.join(folder, f"train-{len(files)}"), data.format, tell)
        files |= {(spec, arm): one for arm, one in made.items()}

    own = files[data.train, data.arm]
    rows, compared = None, None
    if matched:
        rows = common_rows(files[reference, "plain"], files[reference, "edits"], own)
        if not rows:
            raise ConfigError(
                f"{data.train} and {reference} have no row in common that both arms can be trained on: they are no"
                " edit sequences of the same programs (ids, instructions and programs are compared)"
            )
        compared = arm_of(files[reference, "plain"], rows).examples
    arm = arm_of(own, rows)
    plan = make_plan(
        arm.examples,
        compared,
        match=recipe.match.by,
        epochs=recipe.match.epochs,
        batch=recipe.run.batch,
        seed=recipe.run.seed,
    )
    order = [arm.places[one] for one in by_length(plan.order, arm.examples.tokens, plan.batch)]
    held_out = None
    if data.validation:
        place = os.path.join(folder, "validation")
        held_out = _tokens(data.validation, [data.arm], encoders, place, data.format, tell)[data.arm]
    tallies = {f"{spec} {name}": one.about["tally"] for (spec, name), one in files.items()}
    return Prepared(plan, own, order, tallies, None if rows is None else len(rows), held_out)


def _tokens(
    spec: str, arms: Sequence[str], encoders: Mapping[str, Encoder], folder: str, format: str, tell: Tell | None
) -> dict[str, TokenFile]:
    folders = {arm: f"{folder}-{arm}" for arm in arms}
    chosen = {arm: encoders[arm] for arm in arms}
    if is_first_process():
        with _room(folder):
            return tokenize(spec, folders, chosen, format=format, tell=tell)
    # If the process that makes them fails, the launcher ends this one.
    prints = {arm: fingerprint_of(spec, format, encoder) for arm, encoder in chosen.items()}
    while True:
        found = {arm: open_tokens(folders[arm], prints[arm]) for arm in arms}
        whole = {arm: one for arm, one in found.items() if one is not None}
        if len(whole) == len(arms):
            return whole
        time.sleep(0.5)


@contextmanager
def _room(path: str) -> Iterator[None]:
    """Say what a full disk means."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise ToolError(
            f"no room to write to {path}: {error.strerror}; free some and go on with --resume, what was done is kept"
        ) from error


# Batches


def padded(rows: Sequence[Example], *, pad: int) -> dict[str, Any]:
    """Return examples as a batch, side by side."""
    import torch

    from lintseq.lm.training import IGNORED

    width = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), width), pad)
    labels = torch.full((len(rows), width), IGNORED)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for place, row in enumerate(rows):
        tokens = _tensor(row)
        ids[place, : len(tokens)] = tokens
        labels[place, row.prompt : len(tokens)] = tokens[row.prompt :]
        mask[place, : len(tokens)] = 1
    return {"input_ids": ids, "labels": labels, "attention_mask": mask}


def packed(rows: Sequence[Example]) -> dict[str, Any]:
    """Return examples as one row; positions tell where they begin, so that they do not see each other."""
    import torch

    from lintseq.lm.training import IGNORED

    tokens = [_tensor(row) for row in rows]
    labels = [one.clone() for one in tokens]
    for row, one in zip(rows, labels, strict=True):
        one[: row.prompt] = IGNORED
    return {
        "input_ids": torch.cat(tokens)[None],
        "labels": torch.cat(labels)[None],
        "position_ids": torch.cat([torch.arange(len(one)) for one in tokens])[None],
    }


def _tensor(row: Example) -> Any:
    import torch

    return torch.tensor(row.ids.astype("int64"))


# The model


def load_base(recipe: FinetuneRecipe, base: Base) -> tuple[Any, tokenizers.Extension, Any]:
    """Return the model, with a row for `<|diff|>`, what that took, and the type that its weights are saved in."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    saved = getattr(_configuration(recipe.model).get_text_config(), "dtype", None) or torch.float32
    more = {} if recipe.attention == "auto" else {"attn_implementation": recipe.attention}
    with loading("model", recipe.model):
        # Master weights are fp32: steps of 1e-5 are lost in bf16.
        model = transformers.AutoModelForCausalLM.from_pretrained(recipe.model, dtype=torch.float32, **more)
    extension = tokenizers.extend_model(model, base.extension, base.pieces, multiple=recipe.multiple)
    end = base.tokenizer.eos_token_id
    known = model.generation_config.eos_token_id
    # Completions end in this token, so whoever generates has to stop at it.
    ends = list(dict.fromkeys([*([known] if isinstance(known, int) else known or []), end]))
    model.generation_config.eos_token_id = ends if len(ends) > 1 else end
    model.config.eos_token_id = end
    kinds = {"auto": saved, "fp32": torch.float32, "bf16": torch.bfloat16}
    return model, extension, kinds[recipe.weights]


def with_adapters(model: Any, recipe: FinetuneRecipe, extension: tokenizers.Extension) -> Any:
    """Return the model with low-rank adapters on all layers but the head; a new `<|diff|>` is trained whole."""
    tokenizers.need("peft", "lora")
    from peft import LoraConfig, get_peft_model

    tables = [model.get_input_embeddings()]
    head = model.get_output_embeddings()
    if head is not None and head.weight is not tables[0].weight:
        tables.append(head)
    names = [name.rpartition(".")[2] for name, module in model.named_modules() if any(module is one for one in tables)]
    settings = LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,  # type: ignore[arg-type]  # it divides by the rank, nothing else
        lora_dropout=recipe.lora.dropout,
        target_modules="all-linear",
        trainable_token_indices={name: [extension.id] for name in names} if extension.added else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by names that transformers gives up
        return get_peft_model(model, settings)


def _merged(model: Any, recipe: FinetuneRecipe, base: Base, weights: Mapping[str, Any] | None) -> Any:
    """Return the model with its adapters merged in; where processes had a share of it each, made anew."""
    if weights is not None:
        fresh, extension, _ = load_base(recipe, base)
        model = with_adapters(fresh, recipe, extension)
        model.load_state_dict(weights)
    return model.merge_and_unload()


# The whole


def finetune(
    recipe: FinetuneRecipe,
    output: str,
    *,
    resume: bool = False,
    overwrite: bool = False,
    on_rows: Tell | None = None,
    on_plan: Callable[[Prepared], None] = lambda prepared: None,
    tell: "Callable[[Step], None]" = lambda step: None,
) -> dict[str, Any]:
    """Finetune the base of a recipe and write it to the folder `output`; return the manifest.

    Ended in whatever way, it goes on from the last checkpoint with `resume`.
    """
    check(recipe)
    base = open_base(recipe)
    if recipe.lora.rank and base.extension.added and os.environ.get("ACCELERATE_USE_FSDP") == "true":
        raise ConfigError(
            f"adapters train the new row of {base.extension.token} apart, and FSDP cannot share that out: leave out"
            " --use_fsdp so that each device has the whole model, or train all weights (lora.rank = 0)"
        )
    with RunFolder(output, recipe, data_of(recipe, base), resume=resume, overwrite=overwrite) as run:
        if run.manifest is not None:
            return run.manifest
        try:
            prepared = prepare(recipe, base, run.file(_EXAMPLES), tell=on_rows)
        except ConfigError:  # another recipe will need other tokens
            if is_first_process():
                shutil.rmtree(run.file(_EXAMPLES), ignore_errors=True)
            raise
        if is_first_process():
            Path(run.file(PLAN)).write_text(json.dumps(prepared.as_dict(), indent=1) + "\n", encoding="utf-8")
        on_plan(prepared)
        return _train(recipe, base, prepared, run, tell)


def plan(recipe: FinetuneRecipe, *, on_rows: Tell | None = None) -> dict[str, Any]:
    """Return what a run of a recipe would see, and what the plain arm would."""
    check(recipe)
    with TemporaryDirectory(prefix="lintseq-plan-") as folder:
        return prepare(recipe, open_base(recipe), folder, tell=on_rows).as_dict()


def check(recipe: FinetuneRecipe) -> None:
    """Raise `ConfigError` for what cannot work, before anything is read."""
    for package in ("torch", "accelerate", *(["peft"] if recipe.lora.rank else [])):
        tokenizers.need(package, "finetuning")
    check_match(recipe.match.by, epochs=recipe.match.epochs, batch=recipe.run.batch)
    if recipe.batches == "packed" and recipe.attention == "eager":
        raise ConfigError("batches is packed, and eager attention is as slow as can be at that; set it to padded")


def data_of(recipe: FinetuneRecipe, base: Base) -> dict[str, Any]:
    """Return what tells whether a run that is gone on with still has the data that it began with."""
    found: dict[str, Any] = {"tokenizer": tokenizers.digest(base.tokenizer)}
    for name in ("train", "reference", "validation"):
        if spec := getattr(recipe.data, name):
            found[name] = [one.fingerprint for one in find_inputs(spec, ReadingOptions())]
    return found


def _train(
    recipe: FinetuneRecipe, base: Base, prepared: Prepared, run: RunFolder, tell: "Callable[[Step], None]"
) -> dict[str, Any]:
    import torch

    from lintseq.lm.training import Loop, Validation, save_model, train

    torch.manual_seed(recipe.run.seed)
    model, extension, kind = load_base(recipe, base)
    total = sum(one.numel() for one in model.parameters())
    if recipe.lora.rank:
        model = with_adapters(model, recipe, extension)
    trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
    if is_first_process():
        _check_disk(recipe, run.path, total=total, trained=trained)
    pad = base.tokenizer.pad_token_id
    pad = base.tokenizer.eos_token_id if pad is None else pad
    outcome = train(
        model,
        cast("Sequence[Any]", prepared.own),
        prepared.order,
        packed if recipe.batches == "packed" else lambda rows: padded(rows, pad=pad),
        loop=Loop(run.path, recipe.optim, recipe.run, recipe.loss),
        validation=Validation(cast("Sequence[Any]", prepared.validation)) if prepared.validation is not None else None,
        tell=tell,
    )
    told = {
        "parameters": total,
        "trained_parameters": trained,
        "diff": extension.as_dict(),
        "outcome": {one.name: getattr(outcome, one.name) for one in fields(outcome) if one.name != "weights"},
        "plan": prepared.as_dict(),
        "sha256": {"train": prepared.own.about["sha256"]},
        "seed": recipe.run.seed,
    }
    if is_first_process():
        _save(model, recipe, base, run, outcome, kind, save_model)
        with _room(run.path):
            name = os.path.basename(os.path.abspath(run.output))
            card = model_card(recipe, {**told, "versions": versions()}, name=name)
            Path(run.file(README)).write_text(card, encoding="utf-8")
        shutil.rmtree(run.file(_EXAMPLES), ignore_errors=True)
    return run.finish(told)


def _check_disk(recipe: FinetuneRecipe, path: str, *, total: int, trained: int) -> None:
    """Raise `ConfigError` where the finished model would not fit; it is better to know that before training."""
    each = 12 * trained  # weights, and the optimizer's two moments of each
    needed = 4 * total + (each * (recipe.run.keep + 1) if recipe.run.save_every else 0)
    free = shutil.disk_usage(path).free
    if free < needed:
        raise ConfigError(
            f"{path} has {free / 1e9:.2f} GB free, and the model and its checkpoints take up to {needed / 1e9:.2f} GB;"
            " free some, or lower run.keep"
        )


def _save(
    model: Any,
    recipe: FinetuneRecipe,
    base: Base,
    run: RunFolder,
    outcome: "Outcome",
    kind: Any,
    save: Callable[..., None],
) -> None:
    weights = outcome.weights
    if recipe.lora.rank:
        model, weights = _merged(model, recipe, base, weights), None
    if weights is not None:
        weights = {name: one.to(kind) for name, one in weights.items()}
    model.config.dtype = kind
    save(model if weights is not None else model.to(kind), base.tokenizer, run.path, weights=weights)
