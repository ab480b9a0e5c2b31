"""Rows of tables: CSV, and Parquet (extra `parquet`)."""

import csv
import io
import zlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import zstandard

from lintseq.dataset.inputs.rows import MAX_ROW_BYTES, BrokenInputError, Input, Mark, RawRow, encode_row
from lintseq.dataset.inputs.streams import decompressed, filesystem, fingerprint, input_size, is_remote, opened
from lintseq.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_BATCH_ROWS = 256


def csv_input(path: str) -> Input:
    """Return the input of a CSV file with a header, separated by commas, or by tabs if its name ends in .tsv."""
    return Input(path, input_size(path), fingerprint(path), partial(_read_csv, path), jumps=False)


def _read_csv(path: str, after: Mark) -> Iterator[RawRow]:
    csv.field_size_limit(MAX_ROW_BYTES)
    delimiter = "\t" if ".tsv" in path else ","
    index = 0
    with opened(path) as raw:
        position = raw.tell if raw.seekable() else lambda: 0
        try:
            text = io.TextIOWrapper(decompressed(raw), "utf-8-sig", errors="surrogateescape", newline="")
            reader = csv.reader(text, delimiter=delimiter)
            header = next(reader, [])
            for cells in reader:
                if not cells:
                    continue
                if index >= after.rows:
                    # A row with other cells than the header is passed on as the list that it is, and rejected.
                    row = dict(zip(header, cells, strict=True)) if len(cells) == len(header) else cells
                    yield RawRow(index, reader.line_num, encode_row(row), position())
                index += 1
            text.detach()
        except EOFError:
            raise BrokenInputError(f"{path}: the compressed data is cut off after row {index}") from None
        except (csv.Error, OSError, zlib.error, zstandard.ZstdError) as error:
            raise BrokenInputError(f"{path}: cannot be read beyond row {index}: {error}") from None


def parquet_input(path: str) -> Input:
    """Return the input of a Parquet file; its size is in rows."""
    with _opened_parquet(path) as file:
        rows = file.metadata.num_rows
    return Input(path, rows, fingerprint(path), partial(_read_parquet, path), by_rows=True)


def _opened_parquet(path: str) -> "pq.ParquetFile":
    try:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError:
        raise ConfigError(f"reading {path} needs pyarrow: pip install 'lintseq[parquet]'") from None
    try:
        if is_remote(path):
            system, inner = filesystem(path)
            return pq.ParquetFile(system.open(inner, "rb"))
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None


def _read_parquet(path: str, after: Mark) -> Iterator[RawRow]:
    index = 0
    with _opened_parquet(path) as file:
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        for group, size in enumerate(sizes):
            if index + size <= after.rows:
                index += size
                continue
            try:
                for row in _rows_of_group(file, group, after.rows - index):
                    index = max(index, after.rows)
                    yield RawRow(index, index + 1, encode_row(row), index + 1)
                    index += 1
            except (OSError, ValueError) as error:  # pyarrow's errors are these
                raise BrokenInputError(f"{path}: cannot be read beyond row {index}: {error}") from None


def _rows_of_group(file: "pq.ParquetFile", group: int, skipped: int) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], use_threads=False):
        if skipped < len(batch):
            yield from batch.slice(max(skipped, 0)).to_pylist()
        skipped -= len(batch)
