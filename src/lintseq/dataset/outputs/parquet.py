"""Parquet from JSON lines; needs the extra `parquet`.

Owns the types of columns. A Parquet file can be read only when it is complete, so records are collected as lines,
which survive a kill, and converted when a file is full.
"""

import os
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lintseq.dataset.shapes import META_COLUMNS
from lintseq.errors import ConfigError
from lintseq.rows import encode_line, parse_row, read_rows
from lintseq.storage import batched

if TYPE_CHECKING:
    import pyarrow as pa

ColumnTypes = Mapping[str, str]
"""Names and types of columns; the types are those of `lintseq.dataset.shapes.Column`."""

ROW_GROUP_ROWS = 4096
ROW_GROUP_BYTES = 16 << 20


def check_parquet() -> None:
    """Raise `ConfigError` where pyarrow is not installed."""
    if find_spec("pyarrow") is None:
        raise ConfigError("writing Parquet needs pyarrow: pip install 'lintseq[parquet]'")


def write_parquet(lines: str, target: str, columns: ColumnTypes) -> None:
    """Write the records in the file `lines` to `target`, durably, compressed with zstd in bounded row groups."""
    import pyarrow.parquet as pq

    partial = f"{target}.writing"
    groups = batched(read_rows(lines), ROW_GROUP_ROWS, max_bytes=ROW_GROUP_BYTES, size=lambda row: len(row.data))
    with pq.ParquetWriter(partial, _schema(columns), compression="zstd") as writer:
        for group in groups:
            writer.write_table(to_table([parse_row(row.data) for row in group], columns))
    with open(partial, "rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, target)


def to_table(records: Sequence[dict[str, Any]], columns: ColumnTypes) -> "pa.Table":
    """Return records as a table with all columns: ids are strings, and no string holds a lone surrogate."""
    import pyarrow as pa

    return pa.Table.from_pylist(list(map(_fitted, records)), schema=_schema(columns))


_NUMERIC_ID = re.compile(rb'"id":(-?\d+)(?=[,}])')


def loadable(lines: bytes) -> bytes:
    """Return lines of records as `datasets` reads them: all ids are strings, and no string holds a lone surrogate."""
    lines = _NUMERIC_ID.sub(rb'"id":"\1"', lines)  # within strings, quotes have a backslash before them
    if b"\\ud" not in lines:
        return lines
    return b"".join(encode_line(_encodable(parse_row(line))) for line in lines.splitlines())


def _fitted(row: dict[str, Any]) -> dict[str, Any]:
    """Return a record as its columns take it: ids are strings, and no string holds a lone surrogate."""
    if isinstance(row.get("id"), int):
        row["id"] = str(row["id"])
    return dict(_encodable(row))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return list(map(_encodable, value))
    if isinstance(value, dict):
        return {name: _encodable(inner) for name, inner in value.items()}
    return value


def _schema(columns: ColumnTypes) -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([(name, _type(word)) for name, word in columns.items()])


def _type(word: str) -> "pa.DataType":
    import pyarrow as pa

    if word == "meta":
        return pa.struct([(name, _type(kind)) for name, kind in META_COLUMNS.items()])
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    types = {"string": pa.string(), "int": pa.int64(), "bool": pa.bool_(), "strings": pa.list_(pa.string())}
    return pa.list_(message) if word == "messages" else types[word]
