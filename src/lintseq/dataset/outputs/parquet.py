"""Parquet from lines of JSON; needs the extra `parquet`.

Owns the types of columns. A Parquet file is complete only with its last byte, so records are collected as
lines, which survive a kill, and are turned into Parquet when there are no more of them.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lintseq.dataset.shapes import META_COLUMNS
from lintseq.errors import ConfigError
from lintseq.rows import RawRow, encode_line, parse_row, read_rows

if TYPE_CHECKING:
    import pyarrow as pa

Columns = Mapping[str, str]
"""Names and types of columns; the types are those of `lintseq.dataset.shapes.Column`."""

ROW_GROUP_ROWS = 4096
ROW_GROUP_BYTES = 16 << 20


def check_parquet() -> None:
    """Raise `ConfigError` where pyarrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise ConfigError("writing Parquet needs pyarrow: pip install 'lintseq[parquet]'") from None


def write_parquet(lines: str, target: str, columns: Columns) -> None:
    """Write the records in the file `lines` to `target`, zstd, in row groups; whole, and on the disk."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, _type(word)) for name, word in columns.items()])
    partial = f"{target}.writing"
    with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for rows in _groups(read_rows(lines)):
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    with open(partial, "rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, target)


def _groups(rows: Iterable[RawRow]) -> Iterator[list[dict[str, Any]]]:
    """Yield the records of each row group, which has a limit in bytes too: it is held in memory."""
    group: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        group.append(_fitted(parse_row(row.data)))
        size += len(row.data)
        if len(group) == ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


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
    fit: dict[str, Any] = _encodable(row)
    return fit


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return list(map(_encodable, value))
    if isinstance(value, dict):
        return {name: _encodable(inner) for name, inner in value.items()}
    return value


def _type(word: str) -> "pa.DataType":
    import pyarrow as pa

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
