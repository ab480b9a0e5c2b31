"""`lintseq build`: programs become a data set of edit sequences."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lintseq.cli.options import (
    Format,
    Json,
    KindOfShards,
    Output,
    Overwrite,
    Quiet,
    Rejected,
    Resume,
    RowMemory,
    RowTimeout,
    ShardKind,
    ShardRows,
    Shards,
    Strict,
    Workers,
)
from lintseq.cli.running import carry_out, summary
from lintseq.dataset.shapes import ShapeName
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    from lintseq.dataset.sampler import BuildOptions


def build(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="JSONL, JSON, Parquet, CSV; a folder or glob of such or of source files; hf:NAME; a URL; -.",
        ),
    ],
    *,
    output: Output,
    rejected: Rejected = None,
    samples: Annotated[int, typer.Option(min=1, metavar="N", help="Edit sequences for each program.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the draws.")] = 0,
    linter: Annotated[str, typer.Option(metavar="LINTER", help="What keeps the states clean.")] = "native",
    certify: Annotated[
        str | None, typer.Option(metavar="LINTER", help="A second linter that has to find every state clean.")
    ] = None,
    order: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Which line comes next: any (uniform), sooner the shallow (indent), from the top (forward).",
        ),
    ] = "uniform",
    comments: Annotated[
        str, typer.Option(metavar="NAME", help="Comments come with their code (attach) or before all else (first).")
    ] = "attach",
    shape: Annotated[ShapeName, typer.Option(help="Shape of the records.")] = "lintseq",
    format: Format = "diff",
    instruction_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the instruction; '' if there is none. [default: found]")
    ] = None,
    code_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the program, bare or in Markdown. [default: found]")
    ] = None,
    id_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the row's id. [default: found, else a hash]")
    ] = None,
    shards: Shards = None,
    shard_rows: ShardRows = None,
    shard_kind: KindOfShards = ShardKind.parquet,
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
    license: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Keep only rows under this license; may be given several times."),
    ] = None,
    license_field: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Holds the license, which records then repeat.")
    ] = None,
    workers: Workers = None,
    row_timeout: RowTimeout = 10.0,
    row_memory: RowMemory = 2.0,
    resume: Resume = False,
    overwrite: Overwrite = False,
    strict: Strict = False,
    json: Json = False,
    quiet: Quiet = False,
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
    from lintseq.dataset.build import build as run
    from lintseq.dataset.outputs import Target

    options = options_of(locals())
    target = Target(output, rejected, shards, shard_rows, shard_kind.value)
    carry_out(
        lambda progress: run(
            inputs,
            target,
            options=options,
            workers=workers,
            overwrite=overwrite,
            resume=resume,
            on_progress=progress,
        ),
        output,
        summary,
        json=json,
        quiet=quiet,
        strict=strict,
    )


def options_of(given: Mapping[str, Any]) -> "BuildOptions":
    """Return what the command's parameters, by their names, say; raises `ConfigError` if that cannot be."""
    from lintseq.dataset.sampler import BuildOptions
    from lintseq.dataset.screening import ScreeningOptions
    from lintseq.rows import FieldNames
    from lintseq.walks import SamplingOptions

    if given["similarity"] is not None and given["duplicates"] != "near":
        raise ConfigError("--similarity says what near duplicates are; drop them with --duplicates near")
    similar = {} if given["similarity"] is None else {"similarity": given["similarity"]}
    same = (
        "samples",
        "seed",
        "format",
        "min_edits",
        "max_edits",
        "max_lines",
        "distinct",
        "sub_sequences",
        "row_timeout",
    )
    return BuildOptions(
        sampling=SamplingOptions(**{name: given[name] for name in ("linter", "order", "comments", "certify")}),
        names=FieldNames(given["instruction_field"], given["code_field"], given["id_field"]),
        shape=given["shape"],
        screening=ScreeningOptions(
            license=tuple(given["license"] or ()),
            license_field=given["license_field"],
            decontaminate=tuple(given["decontaminate"] or ()),
            duplicates=given["duplicates"],
            **similar,
        ),
        row_memory=given["row_memory"],
        **{name: given[name] for name in same},
    )
