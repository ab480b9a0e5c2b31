"""`lintseq build`: programs become a data set of edit sequences."""

from dataclasses import replace
from enum import StrEnum
from json import dumps
from typing import TYPE_CHECKING, Annotated

import typer

from lintseq.cli.console import BuildProgress, percent, plural, table
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from lintseq.dataset.build import BuildReport


class ShapeName(StrEnum):
    """The shapes of `lintseq.dataset.records`, named here too so that `--help` need not load them."""

    lintseq = "lintseq"
    pylintseq = "pylintseq"
    prompt_completion = "prompt-completion"
    messages = "messages"
    messages_by_edit = "messages-by-edit"
    next_edit = "next-edit"


class EngineName(StrEnum):
    """Those of `lintseq.dataset.engines`."""

    local = "local"
    datatrove = "datatrove"
    ray = "ray"


class ShardKind(StrEnum):
    """The kinds of `lintseq.dataset.outputs`."""

    parquet = "parquet"
    jsonl = "jsonl"
    jsonl_gz = "jsonl.gz"
    jsonl_zst = "jsonl.zst"


def build(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="JSONL, JSON, Parquet, CSV; a folder or glob of such or of source files; hf:NAME; a URL; -.",
        ),
    ],
    *,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Where records go: .jsonl, .jsonl.gz, .jsonl.zst, .parquet; - prints.",
        ),
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
    shape: Annotated[ShapeName, typer.Option(help="Shape of the records.")] = ShapeName.lintseq,
    format: Annotated[
        str, typer.Option(metavar="FORMAT", help="How edits are written down: diff, udiff, search-replace, ...")
    ] = "diff",
    instruction_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the instruction; '' if there is none. [default: found]")
    ] = None,
    code_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the program, bare or in Markdown. [default: found]")
    ] = None,
    id_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the row's id. [default: found, else a hash]")
    ] = None,
    functions: Annotated[
        bool, typer.Option("--functions", help="Of source files, take each documented function and class.")
    ] = False,
    shards: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Write a folder of N files for datasets.load_dataset.")
    ] = None,
    shard_rows: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Write a folder of files of N records each.")
    ] = None,
    shard_kind: Annotated[ShardKind, typer.Option(help="What the files in the folder are.")] = ShardKind.parquet,
    min_edits: Annotated[int, typer.Option(min=1, metavar="N", help="Leave out draws of fewer edits.")] = 1,
    max_edits: Annotated[int | None, typer.Option(min=1, metavar="N", help="Leave out draws of more edits.")] = None,
    max_lines: Annotated[int | None, typer.Option(min=1, metavar="N", help="Reject programs of more lines.")] = None,
    distinct: Annotated[bool, typer.Option("--distinct", help="No two equal draws of one program.")] = False,
    sub_sequences: Annotated[
        int, typer.Option(min=0, metavar="N", help="For each draw, N records more that start in the middle.")
    ] = 0,
    duplicates: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="What of programs that are there already: keep, or drop exact or near ones."
        ),
    ] = "keep",
    similarity: Annotated[
        float | None, typer.Option(min=0, max=1, metavar="SHARE", help="What makes programs near duplicates.")
    ] = None,
    decontaminate: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Reject what overlaps with this benchmark; may be given several times."),
    ] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Keep only rows under this licence; may be given several times."),
    ] = None,
    licence_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the licence, which records then repeat.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Processes that do the work. [default: one for each processor]"),
    ] = None,
    engine: Annotated[
        EngineName, typer.Option(help="What hands out the work: this process, or an engine that is installed.")
    ] = EngineName.local,
    row_timeout: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Time for all draws of a row; 0 is for no limit.")
    ] = 10.0,
    row_memory: Annotated[
        float, typer.Option(min=0, metavar="GB", help="Memory that a row may take; 0 is for no limit.")
    ] = 2.0,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on where an earlier run of the same build was ended, if there was one."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 if any row was rejected.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
) -> None:
    """Turn programs into a data set of edit sequences.

    Each row of the inputs gives as many records as there are samples, or one line in the file of rejected
    rows that says why not. Records come in the order of the rows and do not depend on the number of
    workers. The output appears when it is whole, with a manifest of what it was made of; a build that was
    ended, in whatever way, goes on with --resume. Exit status 1 says that an input could not be read to
    its end.

    Columns are found by their usual names: instruction, query, prompt, ...; program, code, solution,
    response, ...; id, task_id, ...

    Example: lintseq build pairs.jsonl.gz --output edits.jsonl --samples 5
    """
    from lintseq.dataset.build import BuildInterrupted  # noqa: PLC0415
    from lintseq.dataset.build import build as run  # noqa: PLC0415
    from lintseq.dataset.inputs import FieldNames, ReadingOptions  # noqa: PLC0415
    from lintseq.dataset.outputs import Target  # noqa: PLC0415
    from lintseq.dataset.screening import ScreeningOptions  # noqa: PLC0415
    from lintseq.dataset.work import BuildOptions  # noqa: PLC0415
    from lintseq.sampling import SamplingOptions  # noqa: PLC0415

    if json and output == "-":
        raise ConfigError("--json and --output - would both print on standard output; choose one")
    screening = ScreeningOptions(
        licences=tuple(licence or ()),
        licence_field=licence_field,
        decontaminate=tuple(decontaminate or ()),
        duplicates=duplicates,
    )
    options = BuildOptions(
        samples=samples,
        seed=seed,
        sampling=SamplingOptions(linter=linter, weights=weights, comments=comments, certify=certify),
        names=FieldNames(instruction=instruction_field, code=code_field, id=id_field),
        shape=shape.value,
        format=format,
        min_edits=min_edits,
        max_edits=max_edits,
        max_lines=max_lines,
        distinct=distinct,
        sub_sequences=sub_sequences,
        screening=screening if similarity is None else replace(screening, similarity=similarity),
        row_timeout=row_timeout,
        row_memory=round(row_memory * 10**9) or None,
    )
    target = Target(output, rejected, shards, shard_rows, shard_kind.value)
    try:
        with BuildProgress(shown=not quiet) as progress:
            report = run(
                inputs,
                target,
                options=options,
                reading=ReadingOptions(functions=functions),
                workers=workers,
                engine=engine.value,
                overwrite=overwrite,
                resume=resume,
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
    rows += [(f"draws left out: {reason}", f"{count:,}") for reason, count in numbers["dropped_draws"].items()]
    if report.nothing_to_do:
        rows.append(("", "done by an earlier run; nothing was left to do"))
    else:
        rows.append(("rows a second", f"{numbers['rows_per_second']:,.0f} ({numbers['seconds']:.1f} s)"))
    if report.rows_before and not report.nothing_to_do:
        rows.append(("rows of earlier runs", f"{report.rows_before:,}"))
    rows.append(("output", report.output))
    if report.rejections:
        rows.append(("rejected rows in", report.rejected))
    return table(rows)


def _left(report: "BuildReport") -> str:
    if report.output == "-":
        return "the records printed are whole"
    return f"go on with --resume; what is done is in {report.partial}"
