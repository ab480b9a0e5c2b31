"""`lintseq pretrain`: a recipe becomes a language model."""

from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lintseq.cli.console import Meter, plural, table
from lintseq.cli.options import Json, Overwrite, Quiet, Resume, Workers
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from lintseq.lm.corpus import Progress
    from lintseq.lm.training import Step


def pretrain(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A recipe in TOML, or a folder that --prepare made.")
    ],
    *,
    output: Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="The folder that the model goes to.")],
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Goes over what the recipe says; may be given several times."),
    ] = None,
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="Do not train: write all that training needs to DIR, to be taken elsewhere."),
    ] = False,
    prepared: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Take tokenizer and corpus from here, where --prepare wrote them."),
    ] = None,
    workers: Workers = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a language model from nothing.

    Texts are tokenized once, then cut into rows of the context's length, in which documents do not see each other.
    DIR appears when the model is finished: AutoModelForCausalLM opens it, and recipe.toml, log.jsonl, loss.png and
    manifest.json say how it was made. A run that was ended goes on with --resume, and on one device gives the same
    weights, bit for bit. On several GPUs: torchrun --nproc-per-node 4 -m lintseq pretrain ...

    Example: lintseq pretrain recipes/nano/pretrain.toml --output nano --set steps=100
    """
    from lintseq.lm import pretraining
    from lintseq.lm.runs import is_first_process

    first = is_first_process()
    plan = pretraining.read_plan(recipe, prepared=prepared, settings=tuple(set or ()))
    if prepare and (resume or plan.prepared is not None):
        raise ConfigError("--prepare starts from a recipe, and goes on by itself with what an earlier one left")
    try:
        with Meter(shown=first and not quiet) as meter:
            if prepare:
                made = pretraining.prepare(
                    plan.recipe, output, workers=workers, overwrite=overwrite, on_progress=telling(meter)
                )
            else:
                made = pretraining.pretrain(
                    plan,
                    output,
                    workers=workers,
                    resume=resume,
                    overwrite=overwrite,
                    on_progress=telling(meter),
                    tell=telling_steps(meter),
                )
    except KeyboardInterrupt:
        again = "run it again" if prepare else "go on with --resume"
        typer.echo(f"lintseq: interrupted; {again}, what is done is kept", err=True)
        raise typer.Exit(130) from None
    if not first:
        return
    if not prepare:
        draw(output)
    if json:
        typer.echo(dumps(made))
    elif not quiet:
        typer.echo(shown_corpus(made, output) if prepare else shown(made, output))


def telling(meter: Meter) -> "Callable[[Progress], None]":
    """Return what shows how far tokenizing is."""
    from time import monotonic

    started = monotonic()

    def tell(at: "Progress") -> None:
        rate = at.new_tokens / max(monotonic() - started, 1e-3)
        meter(
            at.done,
            at.total,
            f"tokenizing: {plural(at.documents, 'document')}, {rate:,.0f} tokens a second",
            left=True,
        )

    return tell


def telling_steps(meter: Meter) -> "Callable[[Step], None]":
    """Return what shows how far training is."""

    def tell(at: "Step") -> None:
        text = f"step {at.step:,}, loss {at.loss:.3f}, {at.tokens_per_second:,.0f} tokens a second, {at.mfu:.0%} MFU"
        if at.validation_loss is not None:
            text += f", validation {at.validation_loss:.3f}"
        meter(at.step, at.steps, text, left=True)

    return tell


def draw(output: str) -> None:
    """Draw the losses, where matplotlib is."""
    from lintseq.lm.pretraining import read_log
    from lintseq.lm.runs import LOG
    from lintseq.reporting import pictures

    path = Path(output, "loss.png")
    if pictures.available() and not path.exists():
        pictures.draw_losses(read_log(str(Path(output, LOG))), path, title=Path(output).name)


def shown(made: dict[str, Any], output: str) -> str:
    """Return what became of a run, as a table for people."""
    outcome = made["outcome"]
    rate = outcome["tokens"] / max(outcome["seconds"], 1e-3)
    rows = [
        ("parameters", f"{made['parameters']:,}"),
        ("steps", f"{outcome['steps']:,}"),
        ("tokens", f"{outcome['tokens']:,}, {_times(made['rows']['epochs'])} the corpus"),
        ("loss", f"{outcome['loss']:.3f} nats a token"),
    ]
    if outcome["validation_loss"] is not None:
        told = f"{outcome['validation_loss']:.3f} nats a token"
        if outcome["bits_per_byte"] is not None:
            told += f", {outcome['bits_per_byte']:.3f} bits a byte"
        rows.append(("validation loss", told))
    rows += [
        ("time", f"{outcome['seconds']:,.0f} s, {rate:,.0f} tokens a second"),
        ("operations", f"{outcome['flops']:.3g}"),
        ("output", output),
    ]
    return table(rows)


def _times(epochs: list[float]) -> str:
    shown = sorted({f"{times:.2f}" for times in epochs})
    return f"{shown[0]} times" if len(shown) == 1 else f"{shown[0]} to {shown[-1]} times the sources of"


def shown_corpus(made: dict[str, Any], output: str) -> str:
    """Return what was prepared, as a table for people."""
    rows = [
        ("documents", f"{made['documents']:,}"),
        ("tokens to train on", f"{made['tokens']['train']:,}"),
        ("tokens held out", f"{made['tokens']['validation']:,}"),
        ("bytes a token", f"{made['bytes'] / max(sum(made['tokens'].values()), 1):.2f}"),
    ]
    rows += [(f"rows left out: {reason}", f"{count:,}") for reason, count in made["skipped"].items()]
    return table([*rows, ("output", output)])
