"""`lintseq convert`: a data set of edit sequences in another shape or format."""

from typing import Annotated

from lintseq.cli.options import with_options
from lintseq.cli.running import ExecutionOptions, build_summary, run_command
from lintseq.dataset.convert import ConvertOptions
from lintseq.dataset.outputs import Target


@with_options({
    "Output": "output rejected shape format path seed shards shard_rows shard_kind split split_by",
    "Length": "max_tokens tokenizer",
    "Execution": "workers row_timeout row_memory resume overwrite strict json quiet",
})  # fmt: skip
def convert(
    data: Annotated[list[str], "DATA", "Edit sequences of any shape and format, in anything that build reads."],
    *,
    target: Target,
    options: ConvertOptions,
    run: ExecutionOptions,
) -> None:
    """Write edit sequences in another shape or format, without sampling again.

    The shape and format of each row are detected. The records are those that build would have written in that shape
    and format. A row without an edit sequence, or with one that does not write its program, goes to the rejected
    rows with the reason.

    Example: lintseq convert edits.jsonl --format search-replace --shape messages --output messages.jsonl
    """
    from lintseq.dataset.convert import convert

    run_command(convert, data, target, options, run, build_summary)
