"""Pretraining: a recipe becomes a model that is trained from nothing.

Owns what comes before and after the training loop: the model from its configuration, the corpus and its rows, the
bytes that validation loss is measured by, and the folder in which everything lies that training needs elsewhere.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lintseq.dataset.workers import default_workers
from lintseq.errors import ConfigError
from lintseq.lm import tokenizers
from lintseq.lm.cards import README, model_card
from lintseq.lm.corpus import IGNORED, Corpus, Progress, Rows, ValidationRows, build_corpus
from lintseq.lm.folders import check_free, new_folder
from lintseq.lm.recipes import Architecture, PretrainRecipe, as_toml, read_recipe
from lintseq.lm.runs import RECIPE, RunFolder, is_first_process, versions
from lintseq.storage.workplace import MANIFEST, write_durably

if TYPE_CHECKING:
    from lintseq.lm.training import Step

CORPUS, TOKENIZER = "corpus", "tokenizer"
"""What a folder that `prepare` made holds, beside the recipe."""

_INITIALIZER = 0.02
"""Standard deviation of fresh weights, as in GPT-2 and OLMo."""


def configuration(shape: Architecture, tokenizer: Any) -> Any:
    """Return the configuration of a model, as transformers has it, for a tokenizer's vocabulary."""
    from transformers import Olmo2Config, OlmoConfig

    kinds: dict[str, Any] = {"olmo": OlmoConfig, "olmo2": Olmo2Config}
    return kinds[shape.family](
        vocab_size=-(-len(tokenizer) // shape.multiple) * shape.multiple,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads or shape.heads,
        max_position_embeddings=shape.context,
        tie_word_embeddings=shape.tied,
        attention_bias=False,
        attention_dropout=0.0,
        initializer_range=_INITIALIZER,
        # The defaults of these are those of OLMo's own tokenizer.
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def new_model(shape: Architecture, tokenizer: Any, *, seed: int, attention: str = "auto") -> Any:
    """Return a model with fresh weights, the same for the same seed."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    make: Any = AutoModelForCausalLM.from_config
    more = {} if attention == "auto" else {"attn_implementation": attention}
    return make(configuration(shape, tokenizer), dtype=torch.float32, **more)


# Everything in one folder


def prepare(
    recipe: PretrainRecipe,
    output: str,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> dict[str, Any]:
    """Write recipe, tokenizer and corpus to the folder `output`, for training where there is no network; return what
    is in it.

    What was tokenized before an earlier run was ended is in `OUTPUT.corpus`, and is gone on with.
    """
    check_free(output, overwrite=overwrite)
    tokenizer = tokenizers.load_tokenizer(recipe.tokenizer)
    growing = f"{output.rstrip('/')}.{CORPUS}"
    corpus = build_corpus(
        recipe.data, tokenizer, growing, workers=workers or default_workers(), on_progress=on_progress
    )
    told = {"versions": versions(), **counts(corpus)}
    with new_folder(output, overwrite=overwrite) as folder:
        tokenizer.save_pretrained(os.path.join(folder, TOKENIZER))
        write_durably(os.path.join(folder, RECIPE), as_toml(recipe).encode())
        write_durably(os.path.join(folder, MANIFEST), json.dumps({"prepared": True, **told}, indent=1).encode())
        os.rename(growing, os.path.join(folder, CORPUS))
    return told


def counts(corpus: Corpus) -> dict[str, Any]:
    """Return what a corpus holds, in numbers."""
    return {
        "tokens": {part: corpus.tokens(part) for part in ("train", "validation")},
        "documents": sum(sum(tally.documents.values()) for tally in corpus.tallies),
        "bytes": sum(sum(tally.bytes.values()) for tally in corpus.tallies),
        "skipped": {
            reason: sum(tally.skipped[reason] for tally in corpus.tallies)
            for reason in sorted({reason for tally in corpus.tallies for reason in tally.skipped})
        },
        "sources": corpus.manifest["sources"],
        "fingerprints": corpus.manifest["fingerprints"],
    }


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe, and where what it needs lies."""

    recipe: PretrainRecipe
    prepared: str | None = None
    """A folder that `prepare` made; without, all is made of what the recipe names."""


def read_plan(path: str, *, prepared: str | None = None, settings: tuple[str, ...] = ()) -> Plan:
    """Return the plan in a recipe, or in a folder that `prepare` made."""
    if os.path.isdir(path):
        if prepared is not None:
            raise ConfigError(f"{path} is a folder that was prepared itself; leave out --prepared, or name a recipe")
        path, prepared = os.path.join(path, RECIPE), path
    if prepared is not None and not os.path.isdir(os.path.join(prepared, CORPUS)):
        raise ConfigError(f"{prepared} is no folder that `lintseq pretrain --prepare` made: it has no {CORPUS}")
    return Plan(read_recipe(path, PretrainRecipe, settings=settings), prepared)


# Training


def pretrain(
    plan: Plan,
    output: str,
    *,
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
    tell: "Callable[[Step], None]" = lambda step: None,
) -> dict[str, Any]:
    """Train the model of a recipe and write it to the folder `output`; return the manifest.

    Ended in whatever way, it goes on from the last checkpoint with `resume`, and on one device gives the weights and
    the log of a run that was left alone, bit for bit.
    """
    tokenizers.need("torch", "pretraining")
    tokenizers.need("accelerate", "pretraining")
    recipe = plan.recipe
    where = recipe.tokenizer if plan.prepared is None else os.path.join(plan.prepared, TOKENIZER)
    tokenizer = tokenizers.load_tokenizer(where)
    data = {"tokenizer": tokenizers.digest(tokenizer)}
    with RunFolder(output, recipe, data, resume=resume, overwrite=overwrite) as run:
        if run.manifest is not None:
            return run.manifest
        corpus = _corpus(plan, tokenizer, f"{output}.partial", workers, on_progress)
        return _train(recipe, tokenizer, corpus, run, tell)


def _corpus(
    plan: Plan, tokenizer: Any, folder: str, workers: int | None, on_progress: Callable[[Progress], None]
) -> Corpus:
    """Return the corpus: the prepared one, or that in the run's unfinished folder, made by one process."""
    place = os.path.join(folder if plan.prepared is None else plan.prepared, CORPUS)
    if not is_first_process():
        _wait_for(os.path.join(place, MANIFEST))
    return build_corpus(
        plan.recipe.data, tokenizer, place, workers=workers or default_workers(), on_progress=on_progress
    )


def _wait_for(path: str) -> None:
    """Return when a file is there. If the process that writes it fails, the launcher ends this one."""
    import time

    while not os.path.exists(path):
        time.sleep(0.5)


def _train(
    recipe: PretrainRecipe, tokenizer: Any, corpus: Corpus, run: RunFolder, tell: "Callable[[Step], None]"
) -> dict[str, Any]:
    from lintseq.lm.training import Loop, Validation, save_model, train

    length = recipe.data.row_tokens or recipe.model.context
    count = recipe.steps * recipe.run.batch
    rows = Rows(corpus, recipe.data, length=length, rows=count, seed=recipe.run.seed)
    held_out = ValidationRows(corpus, recipe.data, length=length)
    model = new_model(recipe.model, tokenizer, seed=recipe.run.seed, attention=recipe.attention)
    outcome = train(
        model,
        rows,
        range(count),
        stacked,
        loop=Loop(run.path, recipe.optim, recipe.run),
        validation=Validation(held_out, size_of(held_out, corpus)) if len(held_out) else None,
        tell=tell,
    )
    told = {
        "parameters": sum(one.numel() for one in model.parameters()),
        "outcome": {one.name: getattr(outcome, one.name) for one in fields(outcome) if one.name != "weights"},
        "rows": {"trained": count, "epochs": rows.order.epochs(count), "validation": len(held_out)},
        "corpus": counts(corpus),
        "seed": recipe.run.seed,
    }
    if is_first_process():
        save_model(model, tokenizer, run.path, weights=outcome.weights)
        name = os.path.basename(os.path.abspath(run.output))
        card = model_card(recipe, {**told, "versions": versions()}, name=name)
        Path(run.file(README)).write_text(card, encoding="utf-8")
    return run.finish(told)


def stacked(rows: list[Any]) -> dict[str, Any]:
    """Return rows of one length as a batch."""
    import numpy as np
    import torch

    return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}


def size_of(held_out: ValidationRows, corpus: Corpus) -> int:
    """Return the bytes of text that the labels of the validation rows stand for.

    That is their number by the bytes a token of all that is held out; ends of documents are tokens too.
    """
    labels = sum(int((held_out[place]["labels"][1:] != IGNORED).sum()) for place in range(len(held_out)))
    return round(labels / corpus.tokens_per_byte("validation")) if labels else 0


def read_log(path: str) -> list[dict[str, Any]]:
    """Return the lines of a run's log."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
