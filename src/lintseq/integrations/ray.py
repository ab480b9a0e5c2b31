"""Edit sequences in Ray Data pipelines: a data set of programs becomes one of records.

Each task works on a block of rows and, with Ray's writers, writes its own shards. Rows are worked on in a process of
their own, so that one that crashes or hangs is rejected and costs nothing else.
"""

import os
import sys
from contextlib import closing
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from lintseq.dataset.batches import BATCH_BYTES, BATCH_ROWS, Batch, join_results, process_batches
from lintseq.dataset.build import check_build
from lintseq.dataset.duplicates import KEEP
from lintseq.dataset.outputs.parquet import check_parquet, to_table
from lintseq.dataset.sampler import BuildOptions
from lintseq.errors import ConfigError
from lintseq.rows import Fields, RawRow, encode_row, find_fields, parse_row
from lintseq.storage import batched, write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

RETRIES = 3
"""How often Ray repeats a task whose own process died; by default it would repeat it without end."""


def sample_dataset(
    dataset: Any, options: BuildOptions | None = None, *, rejected: str | os.PathLike[str] | None = None
) -> Any:
    """Return the records of the programs in a Ray data set, as a Ray data set.

    Columns are found by their usual names or by `options.names`. Records are those of `lintseq build` with the same
    options, with the columns of its Parquet files; their order is Ray's. Rejected rows are written to files in the
    folder `rejected`, which all nodes have to share. Raises `ConfigError` for options that cannot work.
    """
    options = options or BuildOptions()
    check_build(options)
    check_parquet()
    if options.screening.duplicates != KEEP:
        raise ConfigError("a task does not see the programs of others, so duplicates cannot be dropped here")
    if rejected is not None:
        os.makedirs(rejected, exist_ok=True)
    fields = find_fields("the data set", dataset.take(100), options.names)
    return dataset.map_batches(
        partial(_sample_block, options=options, fields=fields, rejected=rejected),
        batch_size=None,
        batch_format="pyarrow",
        max_retries=RETRIES,
    )


def _sample_block(
    block: "pa.Table", *, options: BuildOptions, fields: Fields, rejected: str | os.PathLike[str] | None
) -> "pa.Table":
    """Return the records of a block."""
    # A process that is spawned here would import Ray's own program first, which takes a second, and has no use for it.
    vars(sys.modules["__main__"]).pop("__file__", None)
    rows = (RawRow(index, index + 1, encode_row(row), 0) for index, row in enumerate(block.to_pylist()))
    found = batched(rows, BATCH_ROWS, max_bytes=BATCH_BYTES, size=lambda row: len(row.data))
    batches = (Batch("", fields, batch) for batch in found)
    with closing(process_batches(batches, options.row_work(), workers=1)) as results:
        result = join_results([result for _, result in results])
    if rejected is not None and result.rejections:
        # Named by its content, so that a task that is repeated replaces its own file.
        name = blake2b(result.rejections, digest_size=16).hexdigest()
        write_atomically(os.path.join(rejected, f"{name}.jsonl"), result.rejections)
    records = [parse_row(line) for line in result.records.split(b"\n")[:-1]]
    return to_table(records, {name: column.type for name, column in options.columns.items()})
