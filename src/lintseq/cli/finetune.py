"""`lintseq finetune`: a language model learns to write edit sequences, or programs; `lintseq card` describes it."""

from collections.abc import Callable
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lintseq.cli.console import Meter, plural, table
from lintseq.cli.options import Json, Overwrite, Quiet, Resume
from lintseq.cli.pretrain import draw, telling_steps
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from lintseq.lm.finetuning import Prepared


def finetune(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe in TOML.")],
    *,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="The folder that the model goes to.")
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Instead of what the recipe says; may be given several times."
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Train nothing: print what each arm would see, and write nothing.")
    ] = False,
    resume: Resume = False,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Finetune a language model on edit sequences, or on the same programs without edits.

    Both arms are made of one file of edit sequences, and the recipe's match says what is the same between them:
    optimizer steps, trained tokens, or how often each row is seen. What that comes to is printed before training.
    DIR appears when the model is finished: AutoModelForCausalLM opens it, and README.md, recipe.toml, plan.json,
    log.jsonl and manifest.json say how it was made. A run that was ended goes on with --resume. On several GPUs:
    accelerate launch -m lintseq finetune ...

    Example: lintseq finetune recipes/nano/finetune.toml --output nano-edits --set data.arm=edits
    """
    from lintseq.lm import finetuning
    from lintseq.lm.recipes import FinetuneRecipe, read_recipe
    from lintseq.lm.runs import is_first_process

    first = is_first_process()
    if output is None and not plan:
        raise ConfigError(
            "name the folder that the model goes to with --output, or ask for the plan alone with --plan"
        )
    read = read_recipe(recipe, FinetuneRecipe, settings=tuple(set or ()))
    try:
        with Meter(shown=first and not quiet) as meter:
            if output is None or plan:
                told = finetuning.plan(read, on_rows=telling_rows(meter))
            else:
                told = finetuning.finetune(
                    read,
                    output,
                    resume=resume,
                    overwrite=overwrite,
                    on_rows=telling_rows(meter),
                    on_plan=telling_plan(shown=first and not quiet),
                    tell=telling_steps(meter),
                )
    except KeyboardInterrupt:
        typer.echo("lintseq: interrupted; go on with --resume, what is done is kept", err=True)
        raise typer.Exit(130) from None
    if not first:
        return
    if output is not None and not plan:
        draw(output)
    if json:
        typer.echo(dumps(told))
    elif output is None or plan:
        typer.echo(shown_plan(told))
    elif not quiet:
        typer.echo(shown(told, output))


def card(
    model: Annotated[str, typer.Argument(metavar="DIR", help="A model that finetune or pretrain made.")],
    results: Annotated[
        list[str] | None, typer.Argument(metavar="RESULTS", help="Files that `evaluate --output` wrote.")
    ] = None,
) -> None:
    """Write the card of a trained model anew, with the scores of evaluations in it.

    Example: lintseq card nano-edits humaneval.jsonl
    """
    from lintseq.lm.cards import write_card

    typer.echo(write_card(model, results or []))


def telling_rows(meter: Meter) -> "Callable[[int, int | None], None]":
    """Return what shows how far tokenizing is."""
    return lambda rows, _: meter(rows, None, f"tokenizing: {plural(rows, 'record')}")


def telling_plan(*, shown: bool) -> "Callable[[Prepared], None]":
    """Return what prints the plan before training begins."""

    def tell(prepared: "Prepared") -> None:
        if shown:
            typer.echo(shown_plan(prepared.as_dict()), err=True)

    return tell


def shown_plan(plan: dict[str, Any]) -> str:
    """Return what a run sees, beside what the plain arm does, as a table for people."""
    own, reference = plan["own"], plan["reference"]
    arms = [("this run", own), *([] if reference is None else [("plain arm", reference)])]
    named = f"matched by {plan['match']}" if reference else "not matched"
    columns = [[named, *_PLAN], *([name, *_told(budget)] for name, budget in arms)]
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for name, *numbers in zip(*columns, strict=True):
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *cells]))
    return "\n".join([*lines, *_lost(plan)])


_PLAN = (
    "steps",
    "examples seen",
    "passes over them",
    "distinct rows",
    "a row is seen",
    "trained tokens",
    "tokens, with prompts",
)


def _told(budget: dict[str, Any]) -> list[str]:
    """Return what an arm sees, in the order of `_PLAN`."""
    return [
        f"{budget['steps']:,}",
        f"{budget['examples']:,}",
        f"{budget['passes']:.2f}",
        f"{budget['rows']:,}",
        _often(budget["row_seen"]),
        f"{budget['trained']:,}",
        f"{budget['tokens']:,}",
    ]


def _often(seen: list[float]) -> str:
    least, mean, most = seen
    return f"{least}" if least == most else f"{mean:.2f} ({least} to {most})"


def _lost(plan: dict[str, Any]) -> list[str]:
    """Return a line for each file and arm of which something did not come through whole."""
    lines = []
    for name, tally in plan["records"].items():
        told = [f"{count:,} dropped ({reason})" for reason, count in tally["dropped"].items()]
        if tally["cut"]:
            told.append(f"{tally['cut']:,} cut to fit, {tally['lost']:,} tokens lost")
        if tally["seams"]:
            told.append(f"{tally['seams']:,} encoded apart from their prompts")
        if told:
            lines.append(f"{name}: {', '.join(told)}; {plural(tally['examples'], 'example')} left")
    if plan["shared_rows"] is not None:
        most = max(tally["rows"] for tally in plan["records"].values())
        if most > plan["shared_rows"]:
            lines.append(
                f"{plan['shared_rows']:,} of {plural(most, 'row')} came through in all arms; only they are seen"
            )
    return lines


def shown(made: dict[str, Any], output: str) -> str:
    """Return what became of a run, as a table for people."""
    outcome, own = made["outcome"], made["plan"]["own"]
    rows = [
        ("parameters", f"{made['parameters']:,}, {made['trained_parameters']:,} trained"),
        ("steps", f"{outcome['steps']:,} of {made['plan']['batch']:,} examples"),
        ("trained tokens", f"{own['trained']:,} of {own['tokens']:,}"),
        ("loss", f"{outcome['loss']:.3f} nats a trained token"),
    ]
    if outcome["validation_loss"] is not None:
        rows.append(("validation loss", f"{outcome['validation_loss']:.3f} nats a trained token"))
    seconds = max(outcome["seconds"], 1e-3)
    rows += [
        ("time", f"{seconds:,.0f} s, {outcome['tokens'] / seconds:,.0f} tokens a second"),
        ("operations", f"{outcome['flops']:.3g}"),
        ("output", output),
    ]
    return table(rows)
