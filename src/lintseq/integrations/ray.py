"""Edit sequences in Ray Data pipelines: a data set of programs, or of pairs of versions, becomes one of
records.

Each task works on a block of rows and, with Ray's writers, writes its own shards. Rows are worked on in a process of
their own, so that one that crashes or hangs is rejected and costs nothing else.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from lintseq.dataset.batches import BATCH_BYTES, BATCH_ROWS, Batch, RowOutput, join_results, process_batches
from lintseq.dataset.build import check_build, check_license_field
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
GROUPS = 4096
"""Into how many groups rows are shuffled to find duplicates: each has to fit into memory."""


def sample_dataset(
    dataset: Any, options: BuildOptions | None = None, *, rejected: str | os.PathLike[str] | None = None
) -> Any:
    """Return the records of the programs, or of the pairs of versions, in a Ray data set, as a Ray data set.

    Columns are found by their usual names or by `options.names`. Records are those of `lintseq build` with the same
    options, with the columns of its Parquet files; their order is Ray's. Of exact duplicates, the one with the first
    id is kept. Rejected rows are written to files in the folder `rejected`, which all nodes have to share. Raises
    `ConfigError` for options that cannot work.
    """
    options = options or BuildOptions()
    check_build(options)
    check_parquet()
    if options.screening.duplicates == "near":
        raise ConfigError(
            "Ray Data finds exact duplicates only; for near ones, use the steps for datatrove, also on Ray"
        )
    if options.shape == "pylintseq":
        raise ConfigError(
            "shape pylintseq names the file and line of a row, which Ray does not know; use another shape"
        )
    if rejected is not None:
        os.makedirs(rejected, exist_ok=True)
    head = dataset.take(100)
    check_license_field(options.screening.license_field, set().union(*head))
    sample = partial(
        _sample_block, options=options, fields=find_fields("the data set", head, options.names), rejected=rejected
    )
    sampled = dataset.map_batches(sample, batch_size=None, batch_format="pyarrow", max_retries=RETRIES)
    if options.screening.duplicates == KEEP:
        return sampled
    return sampled.groupby("group").map_groups(partial(_without_duplicates, options), batch_format="pyarrow")


def _sample_block(
    block: "pa.Table", *, options: BuildOptions, fields: Fields, rejected: str | os.PathLike[str] | None
) -> "pa.Table":
    """Return the records of a block; if duplicates are to be dropped, those of each row by its signature."""
    # A process that is spawned here would import Ray's own program first, which takes a second, and has no use for it.
    vars(sys.modules["__main__"]).pop("__file__", None)
    rows = (RawRow(index, index + 1, encode_row(row), 0) for index, row in enumerate(block.to_pylist()))
    found = batched(rows, BATCH_ROWS, max_bytes=BATCH_BYTES, size=lambda row: len(row.data))
    batches = (Batch("", fields, batch) for batch in found)
    with closing(process_batches(batches, options.row_work(), workers=1)) as results:
        result = join_results([result for _, result in results])
    rejections = result.rejections + b"".join(output.rejections for output in result.rows)
    if rejected is not None and rejections:
        # Named by its content, so that a task that is repeated replaces its own file.
        name = blake2b(rejections, digest_size=16).hexdigest()
        write_atomically(os.path.join(rejected, f"{name}.jsonl"), rejections)
    return _table(result.records, options) if options.screening.duplicates == KEEP else _by_signature(result.rows)


def _by_signature(outputs: Sequence[RowOutput]) -> "pa.Table":
    """Return the records of each row that has some, with what is needed to find duplicates."""
    import pyarrow as pa

    kept = [(output, output.signature[0]) for output in outputs if output.signature is not None]
    return pa.table(
        {
            "group": pa.array([signature % GROUPS for _, signature in kept], pa.int64()),
            "signature": pa.array([signature for _, signature in kept], pa.int64()),
            "id": pa.array([_sortable(output.id) for output, _ in kept], pa.string()),
            "records": pa.array([output.records for output, _ in kept], pa.large_binary()),
        }
    )


def _without_duplicates(options: BuildOptions, group: "pa.Table") -> "pa.Table":
    """Return the records of a group of rows without duplicates."""
    first: dict[int, tuple[str, bytes]] = {}
    for row in group.to_pylist():
        found = row["id"], row["records"]
        first[row["signature"]] = min(found, first.get(row["signature"], found))
    return _table(b"".join(records for _, records in sorted(first.values())), options)


def _sortable(id: str | int | None) -> str:
    """Return an id as a text; numbers are in order."""
    return f"{id:020}" if isinstance(id, int) else id or ""


def _table(lines: bytes, options: BuildOptions) -> "pa.Table":
    """Return lines of records as a table."""
    records = [parse_row(line) for line in lines.split(b"\n")[:-1]]
    return to_table(records, {name: column.type for name, column in options.columns.items()})
