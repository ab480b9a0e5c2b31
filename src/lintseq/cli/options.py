"""Options that several commands have: where records go, what they look like, who does the work."""

from enum import StrEnum
from typing import Annotated

import typer


class ShapeName(StrEnum):
    """The shapes of `lintseq.dataset.records`, named here too so that `--help` need not load them."""

    lintseq = "lintseq"
    pylintseq = "pylintseq"
    prompt_completion = "prompt-completion"
    messages = "messages"
    messages_by_edit = "messages-by-edit"
    next_edit = "next-edit"


class ShardKind(StrEnum):
    """The kinds of `lintseq.dataset.outputs`."""

    parquet = "parquet"
    jsonl = "jsonl"
    jsonl_gz = "jsonl.gz"
    jsonl_zst = "jsonl.zst"


class EngineName(StrEnum):
    """Those of `lintseq.dataset.engines`."""

    local = "local"
    datatrove = "datatrove"
    ray = "ray"


Output = Annotated[
    str,
    typer.Option(
        "--output", "-o", metavar="PATH", help="Where records go: .jsonl, .jsonl.gz, .jsonl.zst, .parquet; - prints."
    ),
]
Rejected = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="Where rejected rows go, with their reasons. [default: beside the output]"),
]
Shape = Annotated[ShapeName, typer.Option(help="Shape of the records.")]
Format = Annotated[
    str, typer.Option(metavar="FORMAT", help="How edits are written down: diff, udiff, search-replace, ...")
]
Shards = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Write a folder of N files for datasets.load_dataset.")
]
ShardRows = Annotated[int | None, typer.Option(min=1, metavar="N", help="Write a folder of files of N records each.")]
KindOfShards = Annotated[ShardKind, typer.Option(help="What the files in the folder are.")]
Workers = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Processes that do the work. [default: one for each processor]")
]
Engine = Annotated[EngineName, typer.Option(help="What shares out the work: lintseq, or an engine that is installed.")]
RowTimeout = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="Time for all that a row gives; 0 is for no limit.")
]
RowMemory = Annotated[float, typer.Option(min=0, metavar="GB", help="Memory that a row may take; 0 is for no limit.")]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on where an earlier run of the same was ended, if there was one.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output if it exists.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with status 1 if any row was rejected.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")]
