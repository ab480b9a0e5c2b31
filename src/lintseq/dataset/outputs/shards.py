"""Records in one file or in several, each of a kind; they can be cut back to any place that was marked."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lintseq.dataset.outputs.parquet import Columns, check_parquet, loadable, write_parquet
from lintseq.storage.growing import GrowingFile

KINDS = ("parquet", "jsonl", "jsonl.gz", "jsonl.zst")


def kind_of(path: str) -> str:
    """Return the kind of file that a path asks for by its end; lines of JSON unless it says otherwise."""
    if path.endswith(".parquet"):
        return "parquet"
    return next((f"jsonl{end}" for end in (".gz", ".zst") if path.endswith(end)), "jsonl")


class Shards:
    """Files 0, 1, 2, ... of which the last one grows; the others are whole.

    `name_of(shard)` is the path of a finished file. With `rows_each`, a shard is full when it has so many
    records; otherwise `write` says which shard lines go to, and never an earlier one again. If it is said that
    `datasets` loads them, they hold nothing that it cannot read.
    """

    def __init__(
        self,
        name_of: Callable[[int], str],
        kind: str,
        columns: Columns,
        *,
        rows_each: int | None = None,
        loads: bool = False,
        mark: dict[str, Any] | None = None,
    ) -> None:
        if kind == "parquet":
            check_parquet()
        self._name_of = name_of
        self._kind = kind
        self._columns = columns
        self._rows_each = rows_each
        self._loads = loads
        self._garbage: list[str] = []
        self.shard = mark["shard"] if mark else 0
        self._rows = mark["rows"] if mark else 0
        if mark:
            self._drop_later_shards()
        self._file = GrowingFile(self._growing(self.shard), mark["file"] if mark else None)

    def write(self, lines: bytes, shard: int = 0) -> None:
        """Write records, whole lines, to a shard."""
        while self.shard < shard:
            self._next()
        if self._loads:
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
        """Return where the files stand; they are on the disk up to there."""
        return {"shard": self.shard, "rows": self._rows, "file": self._file.mark()}

    def forget(self) -> None:
        """Delete what is needed only to go back before the last mark, which is safe now."""
        for path in self._garbage:
            with suppress(FileNotFoundError):
                os.remove(path)
        self._garbage.clear()

    def close(self, shards: int | None = None) -> list[str]:
        """Make all files whole, `shards` of them if that is given, and return their paths."""
        while shards is not None and self.shard < shards - 1:
            self._next()
        self._seal()
        return [self._name_of(shard) for shard in range(self.shard + 1)]

    def abandon(self) -> None:
        self._file.abandon()

    def _next(self) -> None:
        self._seal()
        self.shard += 1
        self._rows = 0
        self._file = GrowingFile(self._growing(self.shard))

    def _seal(self) -> None:
        self._file.close()
        if self._kind == "parquet":
            write_parquet(self._file.path, self._name_of(self.shard), self._columns)
            self._garbage.append(self._file.path)

    def _growing(self, shard: int) -> str:
        """Return the path of a shard while it grows."""
        return f"{self._name_of(shard)}.growing.jsonl.zst" if self._kind == "parquet" else self._name_of(shard)

    def _drop_later_shards(self) -> None:
        """Delete what was written after the mark."""
        if self._kind == "parquet":
            with suppress(FileNotFoundError):
                os.remove(self._name_of(self.shard))
        shard = self.shard + 1
        while _removed(self._name_of(shard)) | _removed(self._growing(shard)):
            shard += 1


def _removed(path: str) -> bool:
    try:
        os.remove(path)
    except FileNotFoundError:
        return False
    return True


def _after_lines(data: bytes, start: int, count: int) -> tuple[int, int]:
    """Return where `count` lines from `start` on end, or the data does, and how many lines that are."""
    end = start
    for number in range(count):
        newline = data.find(b"\n", end)
        if newline < 0:
            return len(data), number
        end = newline + 1
    return end, count
