"""Records in one file or in several, of any kind; they can be cut back to any marked position."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, get_args

from lintseq.dataset.outputs.parquet import ColumnTypes, check_parquet, loadable, write_parquet
from lintseq.storage import AppendFile, OutputStream, suffix_of

ShardKind = Literal["parquet", "jsonl", "jsonl.gz", "jsonl.zst"]
KINDS: tuple[ShardKind, ...] = get_args(ShardKind)


def kind_of(path: str) -> ShardKind | None:
    """Return the kind of file that a path names by its suffix, in any capitals; None if that is none of `KINDS`."""
    suffix = suffix_of(path, [f".{kind}" for kind in KINDS])
    return next((kind for kind in KINDS if f".{kind}" == suffix), None)


class Shards:
    """Files 0, 1, 2, ... of which the last one grows; the others are complete.

    `path_of(shard)` is the path of a complete file. With `rows_each`, a shard is full when it has that many records;
    otherwise the shards that `write` is called with never decrease. Files `for_datasets` hold nothing that
    `datasets.load_dataset` cannot read.
    """

    def __init__(
        self,
        path_of: Callable[[int], str],
        kind: str,
        columns: ColumnTypes,
        *,
        rows_each: int | None = None,
        for_datasets: bool = False,
        mark: dict[str, Any] | None = None,
    ) -> None:
        if kind == "parquet":
            check_parquet()
        self._path_of = path_of
        self._kind = kind
        self._columns = columns
        self._rows_each = rows_each
        self._for_datasets = for_datasets
        self._obsolete: list[str] = []
        self.shard = mark["shard"] if mark else 0
        self._rows = mark["rows"] if mark else 0
        if mark:
            self._drop_later_shards()
        self._file = AppendFile(self._growing(self.shard), mark["file"] if mark else None)

    def write(self, lines: bytes, shard: int = 0) -> None:
        """Write records, whole lines, to a shard."""
        while self.shard < shard:
            self._next()
        if self._for_datasets:
            lines = loadable(lines)
        if self._rows_each is None:
            self._file.write(lines)
            return
        start = 0
        while start < len(lines):
            if self._rows == self._rows_each:
                self._next()
            end, rows = _after_lines(lines, start, self._rows_each - self._rows)
            self._file.write(lines[start:end])
            self._rows += rows
            start = end

    def mark(self) -> dict[str, Any]:
        """Make what was written durable and return the position, as plain values."""
        return {"shard": self.shard, "rows": self._rows, "file": self._file.mark()}

    def prune(self) -> None:
        """Delete what is needed only to continue from before the last mark, which is saved now."""
        for path in self._obsolete:
            with suppress(FileNotFoundError):
                os.remove(path)
        self._obsolete.clear()

    def close(self, shards: int | None = None) -> None:
        """Complete all files; `shards` is their number if it is fixed."""
        while shards is not None and self.shard < shards - 1:
            self._next()
        self._complete()

    def release(self) -> None:
        """Close the files as they are: a later run continues from the last mark."""
        self._file.release()

    def _next(self) -> None:
        self._complete()
        self.shard += 1
        self._rows = 0
        self._file = AppendFile(self._growing(self.shard))

    def _complete(self) -> None:
        self._file.close()
        if self._kind == "parquet":
            write_parquet(self._file.path, self._path_of(self.shard), self._columns)
            self._obsolete.append(self._file.path)

    def _growing(self, shard: int) -> str:
        """Return the path of a shard while it grows."""
        return f"{self._path_of(shard)}.growing.jsonl.zst" if self._kind == "parquet" else self._path_of(shard)

    def _drop_later_shards(self) -> None:
        """Delete what was written after the mark."""
        if self._kind == "parquet":
            with suppress(FileNotFoundError):
                os.remove(self._path_of(self.shard))
        shard = self.shard + 1
        while _removed(self._path_of(shard)) | _removed(self._growing(shard)):
            shard += 1


class RecordStream(OutputStream):
    """Records on standard output, in a pipe or in a device, instead of shards."""

    def write(self, lines: bytes, shard: int = 0) -> None:
        super().write(lines)

    def prune(self) -> None:
        """Do nothing: there are no files."""

    def close(self, shards: int | None = None) -> None:
        super().close()


def _removed(path: str) -> bool:
    try:
        os.remove(path)
    except FileNotFoundError:
        return False
    return True


def _after_lines(data: bytes, start: int, count: int) -> tuple[int, int]:
    """Return the end of up to `count` lines from `start`, and their number."""
    end = start
    for number in range(count):
        newline = data.find(b"\n", end)
        if newline < 0:
            return len(data), number
        end = newline + 1
    return end, count
