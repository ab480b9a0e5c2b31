"""Inputs cut into pieces that any engine can work on, and their results put together again in order.

A piece is a range of rows of one input. Its results are files in a folder that all processes see, written
whole or not at all, the counts last: a piece whose counts are there is done.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from lintseq.dataset.inputs import START, BrokenInputError, Mark, RawRow, Source
from lintseq.dataset.work import Batch, Tally, WorkOptions
from lintseq.dataset.workers import run_in_processes

_BATCH_ROWS = 64
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows of an input between two marks."""

    number: int
    """Among all pieces, from 0."""
    input: int
    """Which of the inputs, from 0."""
    source: Source
    start: Mark
    end: Mark
    position: int
    """How far its end is in all inputs, in the units of their sizes."""
    shard: int

    def rows(self) -> Iterator[RawRow]:
        return islice(self.source.read(self.start), self.end.rows - self.start.rows)


def cut(sources: Sequence[Source], *, rows_each: int, shard_of: Callable[[int], int]) -> list[Piece]:
    """Return the pieces of all inputs, of at most so many rows each, none of them in two shards.

    Inputs are read once for this, unless they know how many rows they have. An input that cannot be read to
    its end is cut up to there, and its last piece finds out again.
    """
    pieces: list[Piece] = []
    before = 0

    def add(start: Mark, end: Mark, shard: int) -> None:
        pieces.append(Piece(len(pieces), number, source, start, end, before + end.end, shard))

    for number, source in enumerate(sources):  # noqa: B007  `add` uses it
        start = last = START
        shard = shard_of(before)
        try:
            for mark in _marks(source):
                last = mark
                next_shard = shard_of(before + mark.end)
                if mark.rows - start.rows == rows_each or next_shard != shard:
                    add(start, mark, shard)
                    start, shard = mark, next_shard
        except BrokenInputError:
            last = Mark(last.rows + 1, last.number, last.end)
        if last.rows > start.rows:
            add(start, last, shard)
        before += source.size or 0
    return pieces


def _marks(source: Source) -> Iterator[Mark]:
    """Yield the place after each row of an input."""
    if source.by_rows and source.size is not None:
        yield from (Mark(rows, rows, rows) for rows in range(1, source.size + 1))
    else:
        yield from (row.mark for row in source.read(START))


@dataclass(slots=True)
class PieceResult:
    """What a piece gave, in files."""

    records: Path
    rejections: Path
    tally: Tally = field(default_factory=Tally)
    broken: str = ""
    """What kept its input from being read on."""


class PieceWorker:
    """Works on pieces in any process, whatever the engine; can be pickled.

    The rows are worked on in a process of its own, so that one that crashes or hangs costs only itself.
    """

    def __init__(self, options: WorkOptions, folder: str) -> None:
        self.options = options
        self.folder = folder

    def __call__(self, piece: Piece) -> int:
        """Work on a piece, unless that is done, and return its number."""
        if result_of(self.folder, piece.number) is None:
            write_piece(self.folder, piece, self.options)
        return piece.number


def write_piece(folder: str, piece: Piece, options: WorkOptions) -> None:
    """Write the results of a piece to files in `folder`."""
    result = _paths(folder, piece.number)
    broken: list[str] = []
    with (
        open(f"{result.records}.writing", "wb") as records,
        open(f"{result.rejections}.writing", "wb") as rejections,
        closing(run_in_processes(_batches(piece, broken), options, workers=1)) as run,
    ):
        for _, one in run:
            records.write(one.records)
            rejections.write(one.rejections)
            result.tally.add(one.tally)
        for file in (records, rejections):
            file.flush()
            os.fsync(file.fileno())
    for path in (result.records, result.rejections):
        os.replace(f"{path}.writing", path)
    counts = {"tally": result.tally.as_dict(), "broken": "".join(broken)}
    path = _counts_path(folder, piece.number)
    path.with_suffix(".writing").write_text(json.dumps(counts))
    os.replace(path.with_suffix(".writing"), path)


def _batches(piece: Piece, broken: list[str]) -> Iterator[Batch]:
    rows = piece.rows()
    while True:
        batch: list[RawRow] = []
        try:
            for row in islice(rows, _BATCH_ROWS):
                batch.append(row)
        except BrokenInputError as error:
            broken.append(str(error))
        if batch:
            yield Batch(piece.source.path, piece.source.fields, batch, 0)
        if broken or len(batch) < _BATCH_ROWS:
            return


def result_of(folder: str, number: int) -> PieceResult | None:
    """Return what a piece gave, or None if it is not done."""
    try:
        counts = json.loads(_counts_path(folder, number).read_text())
    except FileNotFoundError:
        return None
    result = _paths(folder, number)
    result.tally, result.broken = Tally.from_dict(counts["tally"]), counts["broken"]
    return result


def lines_in(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, many at a time."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk + file.readline()


def done(folder: str) -> int:
    """Return how many pieces are done."""
    return sum(name.endswith(".json") for name in os.listdir(folder))


def _paths(folder: str, number: int) -> PieceResult:
    stem = f"{number:07}"
    return PieceResult(Path(folder, f"{stem}.records"), Path(folder, f"{stem}.rejections"))


def _counts_path(folder: str, number: int) -> Path:
    return Path(folder, f"{number:07}.json")
