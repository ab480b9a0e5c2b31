"""`lintseq finetune`: teach a language model to write edit sequences, or whole programs."""

from functools import partial
from typing import Annotated

import typer

from lintseq.cli.console import print_summary, resumable_meter, table
from lintseq.cli.options import Json, Overwrite, Quiet, Resume, Threads, with_options
from lintseq.cli.pretrain import Recipe, Settings, path_exists, report_table, show_training
from lintseq.errors import ConfigError
from lintseq.lm import finetuning
from lintseq.lm.matching import ArmBudget
from lintseq.lm.recipes import FinetuneRecipe, read_recipe
from lintseq.lm.runs import is_first_process
from lintseq.reporting.numbers import plural


@with_options()
def finetune(
    recipe: Recipe,
    *,
    output: Annotated[str | None, "DIR", "Folder for the model."] = None,
    set: Settings = None,
    plan: Annotated[bool, "Do not train: print what each arm would see."] = False,
    threads: Threads = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Finetune a language model on edit sequences, or on the same programs without edits.

    Both arms are made from one file of records, and the recipe says what is equal between them: optimizer steps,
    trained tokens, or how often each row is seen. The plan is printed before training. DIR appears when the model is
    complete: AutoModelForCausalLM opens it, and README.md, recipe.toml, plan.json, log.jsonl and manifest.json
    describe the run. An interrupted run continues with --resume. On several GPUs: accelerate launch -m lintseq
    finetune ...

    Example: lintseq finetune nano --output nano-edits --set data.arm=edits
    """
    if output is None and not plan:
        raise ConfigError("name the folder for the model with --output, or use --plan to print the plan only")
    visible = is_first_process() and not quiet
    options = read_recipe(recipe, FinetuneRecipe, settings=set or (), exists=None if resume else path_exists)
    with resumable_meter(visible=visible, resumable=not (output is None or plan)) as meter:

        def on_records(count: int) -> None:
            meter(count, None, f"tokenizing: {plural(count, 'record')}")

        if output is None or plan:
            planned = finetuning.plan_finetuning(options, on_records=on_records)
            if is_first_process():
                print_summary(planned.as_dict(), plan_table(planned), json=json, quiet=quiet)
            return
        report = finetuning.finetune(
            options,
            output,
            threads=threads,
            resume=resume,
            overwrite=overwrite,
            on_records=on_records,
            on_plan=lambda planned: typer.echo(plan_table(planned), err=True) if visible else None,
            on_step=partial(show_training, meter),
            on_notice=meter.note,
        )
    if is_first_process():
        text = report_table(report)
        print_summary(report.manifest, text, json=json, quiet=quiet, warnings=report.warnings)


def plan_table(plan: finetuning.FinetunePlan) -> str:
    """Return what a run sees next to the plain arm, and which records were lost, as text."""
    own, reference = plan.arm.own, plan.arm.reference
    columns = [("this run", _budget_rows(own)), *([("plain arm", _budget_rows(reference))] if reference else [])]
    rows = [(f"matched by {plan.arm.match}" if reference else "not matched", [title for title, _ in columns])]
    rows += [(name, [budget[name] for _, budget in columns]) for name in columns[0][1]]
    return "\n".join(
        [table([(name, "".join(f"{cell:>18}" for cell in cells)) for name, cells in rows]), *_losses(plan)]
    )


def _budget_rows(budget: ArmBudget) -> dict[str, str]:
    low, mean, high = budget.row_seen
    counts = {
        "steps": budget.steps,
        "examples seen": budget.examples,
        "distinct rows": budget.rows,
        "trained tokens": budget.trained,
        "tokens, with prompts": budget.tokens,
    }
    times = f"{low}" if low == high else f"{mean:.2f} ({low} to {high})"
    passes = {"passes": f"{budget.passes:.2f}", "times a row is seen": times}
    return {name: f"{count:,}" for name, count in counts.items()} | passes


def _losses(plan: finetuning.FinetunePlan) -> list[str]:
    """Return a line for each file and arm from which records or tokens were lost."""
    lines = []
    for name, tally in plan.records.items():
        notes = [f"{count:,} dropped ({reason})" for reason, count in tally["dropped"].items()]
        if tally["cut"]:
            notes.append(f"{tally['cut']:,} cut to fit, {tally['lost']:,} tokens lost")
        if notes:
            lines.append(f"{name}: {', '.join(notes)}; {plural(tally['examples'], 'example')} left")
    most = max(tally["rows"] for tally in plan.records.values())
    if plan.shared_rows is not None and most > plan.shared_rows:
        lines.append(f"only the {plan.shared_rows:,} of {plural(most, 'row')} that all arms have are used")
    return lines
