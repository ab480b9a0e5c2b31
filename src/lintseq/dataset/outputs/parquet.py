"""Parquet from lines of JSON; needs the extra `parquet`.

Owns the types of columns. A Parquet file is complete only with its last byte, so records are collected as
lines, which survive a kill, and are turned into Parquet when there are no more of them.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from lintseq.dataset.inputs import parse_row, read_rows
from lintseq.dataset.records import META_COLUMNS
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

Columns = dict[str, str]
"""Names of columns and the words for their types, as `lintseq.dataset.records` has them."""

_ROW_GROUP_ROWS = 4096


def check_parquet() -> None:
    """Raise `ConfigError` where pyarrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415
    except ImportError:
        raise ConfigError("writing Parquet needs pyarrow: pip install 'lintseq[parquet]'") from None


def write_parquet(lines: str, target: str, columns: Columns) -> None:
    """Write the records in the file `lines` to `target`, zstd, in row groups of 4,096; whole, and on the disk."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    schema = pa.schema([(name, _type(word)) for name, word in columns.items()])
    partial = f"{target}.writing"
    with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for rows in _groups(parse_row(row.data) for row in read_rows(lines)):
            writer.write_table(pa.Table.from_pylist([_fitted(row) for row in rows], schema=schema))
    with open(partial, "rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, target)


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(rows)
    while group := list(islice(iterator, _ROW_GROUP_ROWS)):
        yield group


def _fitted(row: dict[str, Any]) -> dict[str, Any]:
    """Return a record as its columns take it: ids are strings, and no string holds a lone surrogate."""
    if isinstance(row.get("id"), int):
        row["id"] = str(row["id"])
    return {name: _encodable(value) for name, value in row.items()}


def _encodable(value: Any) -> Any:
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()
    return value


def _type(word: str) -> "pa.DataType":
    import pyarrow as pa  # noqa: PLC0415

    if word == "meta":
        return pa.struct([(name, _type(kind)) for name, kind in META_COLUMNS.items()])
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    types = {
        "string": pa.string(),
        "int": pa.int64(),
        "strings": pa.list_(pa.string()),
        "messages": pa.list_(message),
    }
    return types[word]
