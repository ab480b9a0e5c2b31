"""Pretraining: train a language model from scratch.

This module creates the model, the corpus and its rows for the training loop, measures bits per byte, and writes the
finished model; or it prepares a folder with everything that training needs on a machine without network.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lintseq.errors import ConfigError
from lintseq.lm import tokenizers
from lintseq.lm.batches import IGNORED, stacked
from lintseq.lm.corpus import Corpus, CorpusProgress, build_corpus
from lintseq.lm.loading import load_tokenizer, require_package
from lintseq.lm.mixture import TrainingRows, ValidationRows
from lintseq.lm.recipes import Architecture, PretrainRecipe, as_table, as_toml
from lintseq.lm.runs import (
    CORPUS,
    RECIPE,
    TrainingProgress,
    TrainingReport,
    TrainingRun,
    check_trackers,
    is_first_process,
    versions,
    wait_for,
)
from lintseq.lm.threads import use_threads
from lintseq.storage import MANIFEST, WorkDirectory, write_atomically

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

TOKENIZER = "tokenizer"
_INITIALIZER_RANGE = 0.02
"""Standard deviation of initial weights, as in GPT-2 and OLMo."""


def pretrain(
    recipe: PretrainRecipe,
    output: str,
    *,
    prepared: str | None = None,
    workers: int | None = None,
    threads: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[CorpusProgress], None] = lambda progress: None,
    on_step: Callable[[TrainingProgress], None] = lambda progress: None,
    on_notice: Callable[[str], None] = lambda text: None,
) -> TrainingReport:
    """Train the model of a recipe from scratch and write it to the folder `output`.

    Tokenizer and corpus come from the folder `prepared` if it is given, else from the recipe, and the corpus is
    tokenized by `workers` processes (by default, one per processor). An interrupted run continues with `resume`; on
    one device, weights and log are bit-identical to an uninterrupted run. `threads` is the number of CPU threads of
    training, by default that of `use_threads`. The callbacks receive the progress of tokenizing and of training, and
    a message if the processors are busy.

    Raises `ConfigError` for anything that cannot work, `ToolError` if training fails (a loss that is not finite, no
    memory, no disk space), and `KeyboardInterrupt` after SIGINT or SIGTERM, with a checkpoint.
    """
    require_package("torch", "pretraining")
    require_package("accelerate", "pretraining")
    check_trackers(recipe.run)
    use_threads(threads)
    if prepared is not None and not os.path.isdir(os.path.join(prepared, CORPUS)):
        raise ConfigError(f"{prepared} was not made by `lintseq pretrain --prepare`: it has no {CORPUS}")
    tokenizer = load_tokenizer(recipe.tokenizer if prepared is None else os.path.join(prepared, TOKENIZER))
    data = {"tokenizer": tokenizers.digest(tokenizer)}
    with TrainingRun(output, recipe, data, resume=resume, overwrite=overwrite) as run:
        if run.manifest is None:
            folder = run.path(CORPUS) if prepared is None else os.path.join(prepared, CORPUS)
            if not is_first_process():
                wait_for(lambda: os.path.exists(os.path.join(folder, MANIFEST)) or None)
            corpus = build_corpus(recipe.data, tokenizer, folder, workers=workers, on_progress=on_progress)
            _train(recipe, tokenizer, corpus, run, on_step, on_notice)
        return run.report()


def prepare_pretraining(
    recipe: PretrainRecipe,
    output: str,
    *,
    workers: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[CorpusProgress], None] = lambda progress: None,
) -> dict[str, Any]:
    """Write recipe, tokenizer and tokenized corpus to the folder `output`, for training elsewhere.

    Returns the manifest, with the counts of the corpus. Raises `ConfigError` for a recipe or an input that cannot be
    used, and `ToolError` if an input is damaged or the disk is full.
    """
    tokenizer = load_tokenizer(recipe.tokenizer)
    settings = {"recipe": as_table(recipe), "tokenizer": tokenizers.digest(tokenizer)}
    with WorkDirectory(output, settings, resume=resume, overwrite=overwrite) as work:
        if work.manifest is None:
            work.save({})
            folder = work.file("prepared")
            tokenizer.save_pretrained(os.path.join(folder, TOKENIZER))
            write_atomically(os.path.join(folder, RECIPE), as_toml(recipe).encode())
            try:
                target = os.path.join(folder, CORPUS)
                corpus = build_corpus(recipe.data, tokenizer, target, workers=workers, on_progress=on_progress)
            except ConfigError:
                work.discard()
                raise
            work.finish([(folder, work.target)], {"prepared": True, "versions": versions(), **corpus.counts()})
        assert work.manifest is not None
        return work.manifest


# Model


def model_config(shape: Architecture, tokenizer: Any) -> "PretrainedConfig":
    """Return the configuration of a model in transformers, for the vocabulary of a tokenizer."""
    from transformers import Olmo2Config, OlmoConfig

    families: dict[str, Any] = {"olmo": OlmoConfig, "olmo2": Olmo2Config}
    config: PretrainedConfig = families[shape.family](
        vocab_size=-(-len(tokenizer) // shape.vocab_multiple) * shape.vocab_multiple,
        hidden_size=shape.width,
        intermediate_size=shape.ffn_width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads or shape.heads,
        max_position_embeddings=shape.context,
        tie_word_embeddings=shape.tied_embeddings,
        attention_bias=False,
        attention_dropout=0.0,
        initializer_range=_INITIALIZER_RANGE,
        # The defaults of these are the ids of OLMo's tokenizer.
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return config


def new_model(shape: Architecture, tokenizer: Any, *, seed: int, attention: str = "auto") -> "PreTrainedModel":
    """Return an fp32 model with random weights, which depend on the seed only."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    make: Any = AutoModelForCausalLM.from_config
    options = {} if attention == "auto" else {"attn_implementation": attention}
    model: PreTrainedModel = make(model_config(shape, tokenizer), dtype=torch.float32, **options)
    return model


def _train(
    recipe: PretrainRecipe,
    tokenizer: Any,
    corpus: Corpus,
    run: TrainingRun,
    on_step: Callable[[TrainingProgress], None],
    on_notice: Callable[[str], None],
) -> None:
    from lintseq.lm.training import save_model, train

    length = recipe.data.row_tokens or recipe.model.context
    count = recipe.steps * recipe.run.batch
    rows = TrainingRows(corpus, recipe.data, length=length, rows=count, seed=recipe.run.seed)
    held_out = ValidationRows(corpus, recipe.data, length=length)
    model = new_model(recipe.model, tokenizer, seed=recipe.run.seed, attention=recipe.attention)
    progress, weights = train(
        model,
        rows,
        range(count),
        stacked,
        run=run,
        validation=held_out,
        text_bytes=text_bytes(held_out, corpus),
        on_step=on_step,
        on_notice=on_notice,
    )
    manifest = {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "rows": {"trained": count, "epochs": rows.order.epochs(count), "validation": len(held_out)},
        "corpus": corpus.counts(),
    }
    if is_first_process():
        save_model(model, tokenizer, run.folder, weights=weights)
    run.finish(progress, manifest)


def text_bytes(held_out: ValidationRows, corpus: Corpus) -> int:
    """Return the bytes of text that the labels of the validation rows represent.

    That is their number divided by the tokens per byte of everything held out, end-of-text tokens included.
    """
    labels = sum(int((row["labels"][1:] != IGNORED).sum()) for row in held_out)
    return round(labels / corpus.tokens_per_byte("validation")) if labels else 0
