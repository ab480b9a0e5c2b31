"""`lintseq convert`: a data set of edit sequences in another shape or format."""

from typing import Annotated

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


def convert(
    data: Annotated[
        list[str],
        typer.Argument(metavar="DATA", help="Edit sequences, in any shape and format, in anything that build reads."),
    ],
    *,
    output: Output,
    rejected: Rejected = None,
    shape: Annotated[ShapeName, typer.Option(help="Shape of the records.")] = "lintseq",
    format: Format = "diff",
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Seed of the choice that next-edit makes. [default: that of the draws]"),
    ] = None,
    shards: Shards = None,
    shard_rows: ShardRows = None,
    shard_kind: KindOfShards = ShardKind.parquet,
    workers: Workers = None,
    row_timeout: RowTimeout = 10.0,
    row_memory: RowMemory = 2.0,
    resume: Resume = False,
    overwrite: Overwrite = False,
    strict: Strict = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write edit sequences in another shape or format, without sampling again.

    Shapes and formats of the data are found out, row by row. What it gives is what build would have written in
    that shape and format. A row that holds no edit sequence, or one that does not give its program, goes to the
    rejected rows with the reason.

    Example: lintseq convert edits.jsonl --format search-replace --shape messages --output messages.jsonl
    """
    from lintseq.dataset.convert import ConvertOptions
    from lintseq.dataset.convert import convert as run
    from lintseq.dataset.outputs import Target

    options = ConvertOptions(
        shape=shape,
        format=format,
        seed=seed,
        row_timeout=row_timeout,
        row_memory=row_memory,
    )
    target = Target(output, rejected, shards, shard_rows, shard_kind.value)
    carry_out(
        lambda progress: run(
            data,
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
