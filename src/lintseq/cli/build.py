"""`lintseq build`: a file of programs becomes a file of edit sequences."""

from enum import StrEnum
from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.cli.console import BuildProgress, percent, plural, table
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from lintseq.dataset.build import BuildReport


class SchemaName(StrEnum):
    """The schemas of `lintseq.dataset.records`, named here too so that `--help` need not load them."""

    lintseq = "lintseq"
    pylintseq = "pylintseq"
    prompt_completion = "prompt-completion"
    messages = "messages"


def build(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="JSONL, plain, .gz or .zst; - is standard input.")
    ],
    *,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PATH", help="Where records go; .gz and .zst compress, - prints.")
    ],
    rejected: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Where rejected rows go, with their reasons. [default: beside the output]"),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, metavar="N", help="Edit sequences for each program.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the draws.")] = 0,
    linter: Annotated[str, typer.Option(metavar="LINTER", help="What keeps the states clean.")] = "native",
    certify: Annotated[
        str | None, typer.Option(metavar="LINTER", help="A second linter that has to find every state clean.")
    ] = None,
    weights: Annotated[str, typer.Option(metavar="NAME", help="How lines are chosen: uniform or indent.")] = "uniform",
    comments: Annotated[
        str, typer.Option(metavar="NAME", help="Comments come with their code (attach) or before all else (first).")
    ] = "attach",
    instruction_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the instruction; '' if there is none. [default: found]")
    ] = None,
    code_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the program, bare or in Markdown. [default: found]")
    ] = None,
    id_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the row's id. [default: found, else a hash]")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes that do the work. [default: one for each processor]"),
    ] = None,
    schema: Annotated[SchemaName, typer.Option(help="Shape of the records.")] = SchemaName.lintseq,
    row_timeout: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Time for all draws of a row; 0 is for no limit.")
    ] = 10.0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 if any row was rejected.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
) -> None:
    """Turn a file of programs into a file of edit sequences.

    Each row of the input gives as many records as there are samples, or one line in the file of rejected
    rows that says why not. Records come in the order of the rows and do not depend on the number of
    workers. The output appears when it is whole. Exit status 1 says that an input could not be read to
    its end.

    Columns are found by their usual names: instruction, query, prompt, ...; program, code, solution,
    response, ...; id, task_id, ...

    Example: lintseq build pairs.jsonl.gz --output edits.jsonl --samples 5
    """
    from lintseq.dataset.build import BuildInterrupted  # noqa: PLC0415
    from lintseq.dataset.build import build as run  # noqa: PLC0415
    from lintseq.dataset.rows import FieldNames  # noqa: PLC0415
    from lintseq.dataset.work import BuildOptions  # noqa: PLC0415
    from lintseq.sampling import SamplingOptions  # noqa: PLC0415

    if json and output == "-":
        raise ConfigError("--json and --output - would both print on standard output; choose one")
    options = BuildOptions(
        samples=samples,
        seed=seed,
        sampling=SamplingOptions(linter=linter, weights=weights, comments=comments, certify=certify),
        names=FieldNames(instruction=instruction_field, code=code_field, id=id_field),
        schema=schema.value,
        row_timeout=row_timeout,
    )
    try:
        with BuildProgress(shown=not quiet) as progress:
            report = run(
                inputs,
                output,
                options=options,
                rejected=rejected,
                workers=workers,
                overwrite=overwrite,
                on_progress=progress,
            )
    except BuildInterrupted as interruption:
        report = interruption.report
        typer.echo(f"lintseq: interrupted after {plural(report.tally.rows, 'row')}; {_left(report)}", err=True)
        raise typer.Exit(130) from None
    if json:
        typer.echo(dumps(report.as_dict()))
    elif not quiet:
        typer.echo(summary(report), err=output == "-")
    for problem in report.broken_inputs:
        typer.echo(f"lintseq: {problem}; the rows before that are done", err=True)
    if report.broken_inputs or (strict and report.rejections):
        raise typer.Exit(1)


def summary(report: "BuildReport") -> str:
    """Return the report as a table for people."""
    numbers = report.as_dict()
    edits = numbers["edits_per_sequence"]
    rows = [
        ("rows", f"{numbers['rows']:,}"),
        ("sequences", f"{numbers['sequences']:,}"),
        ("edits a sequence", f"{edits['mean']:.2f}, median {edits['median']}, at most {edits['max']}"),
        ("lines an edit", f"{numbers['lines_per_edit']:.2f}"),
        ("single-edit sequences", percent(numbers["single_edit_share"])),
        ("rejected rows", f"{report.rejections:,}"),
    ]
    rows += [(f"  {reason}", f"{count:,}") for reason, count in numbers["rejections"].items()]
    rows += [
        ("rows a second", f"{numbers['rows_per_second']:,.0f} ({numbers['seconds']:.1f} s)"),
        ("output", report.output),
    ]
    if report.rejections:
        rows.append(("rejected rows in", report.rejected))
    return table(rows)


def _left(report: "BuildReport") -> str:
    if report.output == "-":
        return "the records printed are whole"
    return f"whole records of them are in {report.partial}, and {report.output} is not written"
