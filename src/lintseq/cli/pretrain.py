"""`lintseq pretrain`: train a language model from scratch."""

import os
from functools import partial
from typing import Annotated, Any

from lintseq.cli.console import Meter, print_summary, resumable_meter, table
from lintseq.cli.options import Json, Overwrite, Quiet, Resume, Threads, Workers, with_options
from lintseq.lm import pretraining
from lintseq.lm.corpus import CorpusProgress
from lintseq.lm.recipes import PretrainRecipe, read_recipe
from lintseq.lm.runs import TrainingProgress, TrainingReport, is_first_process
from lintseq.reporting.numbers import plural

Recipe = Annotated[str, "RECIPE", "Recipe in TOML."]
Settings = Annotated[list[str] | None, "KEY=VALUE", "Override a key of the recipe, such as optim.lr=3e-4; repeatable."]


@with_options()
def pretrain(
    recipe: Recipe,
    *,
    output: Annotated[str, "DIR", "Folder for the model."],
    set: Settings = None,
    prepare: Annotated[bool, "Do not train: write recipe, tokenizer and tokenized corpus to DIR."] = False,
    prepared: Annotated[str | None, "DIR", "Folder made by --prepare, with the tokenizer and the corpus."] = None,
    workers: Workers = None,
    threads: Threads = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a language model from scratch.

    Texts are tokenized once and cut into rows of the context length, within which documents do not attend to each
    other. DIR appears when the model is complete: AutoModelForCausalLM opens it, and recipe.toml, log.jsonl, loss.svg
    and manifest.json describe the run. An interrupted run continues with --resume; on one device, the weights are
    bit-identical. On several GPUs: torchrun --nproc-per-node 4 -m lintseq pretrain ...

    Example: lintseq pretrain nano --output nano --set steps=100
    """
    options: dict[str, Any] = {"workers": workers, "resume": resume, "overwrite": overwrite}
    exists = None if prepared or resume else path_exists
    plan = read_recipe(recipe, PretrainRecipe, settings=set or (), exists=exists)
    visible = is_first_process() and not quiet
    with resumable_meter(visible=visible) as meter:
        options["on_progress"] = partial(show_tokenizing, meter)
        if prepare:
            manifest = pretraining.prepare_pretraining(plan, output, **options)
            if is_first_process():
                print_summary(manifest, corpus_table(manifest, output), json=json, quiet=quiet)
            return
        options |= {"threads": threads, "on_step": partial(show_training, meter), "on_notice": meter.note}
        report = pretraining.pretrain(plan, output, prepared=prepared, **options)
    if is_first_process():
        text = report_table(report)
        print_summary(report.manifest, text, json=json, quiet=quiet, warnings=report.warnings)


def path_exists(path: str, kind: str) -> bool:
    """Return whether a path in a recipe exists, whatever it is the path of."""
    return os.path.exists(path)


def show_tokenizing(meter: Meter, progress: CorpusProgress) -> None:
    """Show the progress of tokenizing."""
    text = f"tokenizing: {plural(progress.documents, 'document')}, {plural(progress.tokens, 'token')}"
    meter(progress.done, progress.total, text, left=True)


def show_training(meter: Meter, progress: TrainingProgress) -> None:
    """Show the progress of training."""
    text = (
        f"step {progress.step:,}, loss {progress.loss:.3f}, {progress.tokens_per_second:,.0f} tokens/s,"
        f" {progress.mfu:.0%} MFU"
    )
    if progress.validation_loss is not None:
        text += f", validation loss {progress.validation_loss:.3f}"
    meter(progress.step, progress.steps, text, left=True)


def report_table(report: TrainingReport) -> str:
    """Return the summary of a training run."""
    progress = report.progress
    validation = progress.validation_loss
    bits = "" if progress.bits_per_byte is None else f", {progress.bits_per_byte:.3f} bits per byte"
    rate = progress.tokens / max(progress.seconds, 1e-3)
    rows = [
        ("parameters", f"{report.parameters:,}"),
        ("steps", f"{progress.step:,}"),
        ("tokens", f"{progress.tokens:,}, {progress.trained_tokens:,} trained"),
        ("loss", f"{progress.loss:.3f} nats per token"),
        *([] if validation is None else [("validation loss", f"{validation:.3f} nats per token{bits}")]),
        ("time", f"{progress.seconds:,.0f} s, {rate:,.0f} tokens/s"),
        ("operations", f"{progress.flops:.3g}"),
        ("output", report.output),
    ]
    return table(rows)


def corpus_table(manifest: dict[str, Any], output: str) -> str:
    """Return the summary of a prepared corpus."""
    tokens = manifest["tokens"]
    return table(
        [
            ("documents", f"{manifest['documents']:,}"),
            ("training tokens", f"{tokens['train']:,}"),
            ("held-out tokens", f"{tokens['validation']:,}"),
            ("bytes per token", f"{manifest['bytes'] / max(sum(tokens.values()), 1):.2f}"),
            *((f"skipped rows: {reason}", f"{count:,}") for reason, count in manifest["skipped"].items()),
            ("output", output),
        ]
    )
