"""Rows of tables: CSV, and Parquet (extra `parquet`)."""

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from lintseq.errors import ConfigError
from lintseq.rows.input import Input, Mark, RawRow
from lintseq.rows.row import MAX_ROW_BYTES, encode_row
from lintseq.rows.streams import BROKEN, CHUNK, broken_input, decompressed, fingerprint, input_size, opened

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_BATCH_ROWS = 64


def csv_input(path: str, *, delimiter: str = ",") -> Input:
    """Return the input of a CSV file with a header."""
    return Input(path, input_size(path), fingerprint(path), partial(_read_csv, path, delimiter))


def _read_csv(path: str, delimiter: str, after: Mark) -> Iterator[RawRow]:
    csv.field_size_limit(MAX_ROW_BYTES)
    index = 0
    with opened(path) as raw:
        position = raw.tell if raw.seekable() else lambda: 0
        try:
            text = _Lines(io.TextIOWrapper(decompressed(raw), "utf-8-sig", errors="surrogateescape", newline=""))
            reader = csv.reader(text, delimiter=delimiter)
            header = next(reader, [])
            while True:
                number = reader.line_num + 1
                cells = next(reader, None)
                if cells is None:
                    return
                if text.ended:  # within a quoted cell
                    raise broken_input(
                        f"{path}: cut off in the row that begins in line {number}: a quote is not closed"
                    )
                if not cells:
                    continue
                if index >= after.rows:
                    # A row whose cells do not match the header stays a list, which is rejected later.
                    row = dict(zip(header, cells, strict=True)) if len(cells) == len(header) else cells
                    yield RawRow(index, number, encode_row(row), position())
                index += 1
        except EOFError:
            raise broken_input(f"{path}: the compressed data is cut off after row {index}") from None
        except (csv.Error, *BROKEN) as error:
            raise broken_input(f"{path}: cannot be read beyond row {index}: {error}") from None


class _Lines:
    """The lines of a text; `ended` is true when all are read."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        yield from self._text
        self.ended = True


def parquet_input(path: str) -> Input:
    """Return the input of a Parquet file; its size is in rows."""
    with _opened_parquet(path) as file:
        rows = file.metadata.num_rows
    return Input(path, rows, fingerprint(path), partial(_read_parquet, path), by_rows=True)


@contextmanager
def _opened_parquet(path: str) -> "Iterator[pq.ParquetFile]":
    """Open a Parquet file for reading a few pages of each column at a time, for row groups of any size."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ConfigError(f"reading {path} needs pyarrow: pip install 'lintseq[parquet]'") from None
    with opened(path) as raw:
        try:
            file = pq.ParquetFile(raw, pre_buffer=False, buffer_size=CHUNK)
        except (OSError, pa.ArrowException):
            raise ConfigError(f"cannot read {path}: it is no Parquet file, or a damaged one; write it again") from None
        with file:
            yield file


def _read_parquet(path: str, after: Mark) -> Iterator[RawRow]:
    with _opened_parquet(path) as file:
        yield from numbered_rows(path, _rows_after(file, after.rows), after.rows)


def _rows_after(file: "pq.ParquetFile", skipped: int) -> Iterator[dict[str, Any]]:
    """Yield the rows after the first `skipped`; row groups that are skipped are not read."""
    for group in range(file.metadata.num_row_groups):
        if skipped >= (size := file.metadata.row_group(group).num_rows):
            skipped -= size
            continue
        for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], use_threads=False):
            if skipped < len(batch):
                yield from batch.slice(skipped).to_pylist()
            skipped = max(skipped - len(batch), 0)


def numbered_rows(path: str, rows: Iterable[Any], index: int) -> Iterator[RawRow]:
    """Yield the rows of a table from `index` on; raise `BrokenInputError` where they cannot be read."""
    try:
        for row in rows:
            yield RawRow(index, index + 1, encode_row(row), index + 1)
            index += 1
    except Exception as error:  # of the network, a server, a malformed file, or of converting values to Python
        raise broken_input(f"{path}: cannot be read beyond row {index}: {error}") from None
