"""Inputs cut into pieces that any engine can work on, in any order and in any process.

A piece is a range of rows of one input, all of them of one shard. What it gives is a file in a folder that
all processes see, written whole or not at all: a piece whose file is there is done. The file's name says
which rows are in it, so what one run has done is found again by the next, whatever engine either uses.
"""

import contextlib
import io
import os
import pickle
import socket
import sys
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from operator import itemgetter

import zstandard

from lintseq.dataset.work import Batch, Result, WorkOptions
from lintseq.dataset.workers import run_in_processes
from lintseq.rows import START, BrokenInputError, Mark, RawRow, Source

_PIECE_ROWS = 2048
"""A few seconds of work: long against handing it over, short against what a kill may cost."""
_SLOW_PIECE_ROWS = 64
"""The same, where rows take long."""
_MOST_PARTS, _LEAST_PART = 8, 1 << 20
"""What has to be read from its beginning each time is cut into a few large parts."""
_UNKNOWN_PART_ROWS = 1 << 16
_MOST_PIECES_OF_A_TASK = 16
_TASKS_OF_A_WORKER = 4
"""So many or more, where there are enough pieces: no worker is idle for long when the others are at their last."""
_BATCH_ROWS = 64
_BATCH_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive rows of one input."""

    input: int
    """Which of the inputs, from 0."""
    start: Mark
    rows: int | None
    """How many; None is for all to the end."""
    shard: int
    broken: str = ""
    """What keeps the input from being read on after them, as far as that is known."""

    @property
    def name(self) -> str:
        """What its file is called."""
        return f"{self.input:05}-{self.start.rows:012}-{'end' if self.rows is None else self.rows}"


@dataclass(frozen=True, slots=True)
class Given:
    """What a batch of a piece gave."""

    mark: Mark
    """Where it ends."""
    rows: list[RawRow]
    """Its rows, if some may still turn out to be duplicates."""
    result: Result


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a process has to know to work on pieces; it lies beside their files."""

    options: WorkOptions
    sources: Sequence[Source]
    pieces: Sequence[Piece]
    tasks: Sequence[range]
    """Pieces that one process works on one after the other."""
    folder: str
    """What relative paths are relative to."""
    path: Sequence[str]
    """Where modules are found, such as linters of one's own."""


def plan_of(options: WorkOptions, sources: Sequence[Source], pieces: Sequence[Piece], *, workers: int) -> Plan:
    """Return the plan for pieces that so many processes are to work on at once."""
    each = min(max(len(pieces) // (_TASKS_OF_A_WORKER * workers), 1), _MOST_PIECES_OF_A_TASK)
    tasks = [range(first, min(first + each, len(pieces))) for first in range(0, len(pieces), each)]
    return Plan(options, sources, pieces, tasks, os.getcwd(), sys.path)


def save_plan(folder: str, plan: Plan) -> None:
    with open(_plan_path(folder), "wb") as file:
        pickle.dump(plan, file)


def load_plan(folder: str) -> Plan:
    """Return the plan in a folder; a process reads it once."""
    path = _plan_path(folder)
    return _loaded(path, os.stat(path).st_mtime_ns)


@lru_cache(maxsize=1)
def _loaded(path: str, _changed: int) -> Plan:
    with open(path, "rb") as file:
        plan: Plan = pickle.load(file)
    return plan


def _plan_path(folder: str) -> str:
    return os.path.join(folder, "plan")


# Cutting


def rows_of_a_piece(options: WorkOptions) -> int:
    """Return how many rows a piece has at most."""
    return _SLOW_PIECE_ROWS if options.slow else _PIECE_ROWS


def cut(
    sources: Sequence[Source],
    *,
    rows_each: int,
    shard_of: Callable[[int], int],
    input: int = 0,
    mark: Mark = START,
) -> Iterator[Piece]:
    """Yield the pieces of all inputs from a place in one of them on.

    They end where they would if all was cut from the beginning. `shard_of` is the shard of a row that starts
    at so much of all inputs together. An input is read for this, unless it knows how many rows it has.
    """
    before = sum(source.size or 0 for source in sources[:input])
    for number, source in enumerate(sources[input:], input):
        start = mark if number == input else START
        if source.by_rows and source.size is not None:
            yield from _counted(number, source.size, start, _step(source, rows_each), before, shard_of)
        else:
            yield from _read(number, source, start, rows_each, before, shard_of)
        before += source.size or 0


def _step(source: Source, rows_each: int) -> int:
    """Return after how many rows a piece ends, of an input whose size is in rows."""
    return rows_each if source.jumps else max(rows_each, -(-(source.size or 0) // _MOST_PARTS))


def _counted(
    number: int, size: int, start: Mark, step: int, before: int, shard_of: Callable[[int], int]
) -> Iterator[Piece]:
    first = start.rows
    while first < size:
        end = min(first - first % step + step, size)
        shard = shard_of(before + first)
        end = first + bisect_right(range(before + first, before + end), shard, key=shard_of)
        # Where a size is only said, as by a server, there may be more rows.
        yield Piece(number, Mark(first, first, first), None if end == size else end - first, shard)
        first = end


def _read(
    number: int, source: Source, start: Mark, rows_each: int, before: int, shard_of: Callable[[int], int]
) -> Iterator[Piece]:
    part_of = _parts(source, rows_each)
    last, shard, broken = start, shard_of(before + start.end), ""
    try:
        for row in source.read(start):
            last = row.mark
            next_shard = shard_of(before + last.end)
            if next_shard != shard or part_of(last) != part_of(start):
                yield Piece(number, start, last.rows - start.rows, shard)
                start, shard = last, next_shard
    except BrokenInputError as error:
        broken = str(error)
    if last.rows > start.rows or broken:
        yield Piece(number, start, last.rows - start.rows, shard, broken)


def _parts(source: Source, rows_each: int) -> Callable[[Mark], int]:
    """Return what tells the part of an input in which the row after a mark is."""
    if source.jumps:
        return lambda mark: mark.rows // rows_each
    if source.size is None:
        return lambda mark: mark.rows // max(rows_each, _UNKNOWN_PART_ROWS)
    size = max(source.size, 1)
    parts = min(_MOST_PARTS, 1 + size // _LEAST_PART)
    return lambda mark: min(mark.end * parts // size, parts - 1)


def rows_of_shard(sources: Sequence[Source], source: Source, shard: int, shards: int) -> Iterator[RawRow]:
    """Yield those rows of one of the inputs that are in one of so many shards of all of them."""
    before = 0
    for one in sources:
        if one is source:
            break
        before += one.size or 0
    size, total = source.size or 0, sum(one.size or 0 for one in sources)
    if not shard_at(before, total, shards) <= shard <= shard_at(before + size, total, shards):
        return
    start = START
    if source.by_rows:
        first = bisect_left(range(before, before + size), shard, key=lambda at: shard_at(at, total, shards))
        start = Mark(first, first, first)
    at = before + start.end
    for row in source.read(start):
        here = shard_at(at, total, shards)
        if here > shard:
            return
        if here == shard:
            yield row
        at = before + row.end


def shard_at(position: int, total: int, shards: int) -> int:
    """Return the shard of a row that starts at `position` of all inputs together."""
    return min(position * shards // total, shards - 1) if total else 0


# Working


def do_task(folder: str, number: int) -> None:
    """Work on those pieces of a task that are not done; can be called in any process that sees the folder.

    The rows are worked on in a process of its own, so one that crashes or hangs costs itself alone.
    """
    plan = load_plan(folder)
    sys.path += [place for place in plan.path if place not in sys.path]
    pieces = [plan.pieces[place] for place in plan.tasks[number]]
    with contextlib.chdir(plan.folder):
        _do(plan, folder, [piece for piece in pieces if not is_done(folder, piece)])


def _do(plan: Plan, folder: str, pieces: Sequence[Piece]) -> None:
    marks: deque[tuple[Piece, Mark]] = deque()
    broken: dict[Piece, str] = {}
    with closing(run_in_processes(_batches(plan, pieces, marks, broken), plan.options, workers=1)) as run:
        done = (_given(*marks.popleft(), batch, result) for batch, result in run)
        for piece, of_piece in groupby(done, key=itemgetter(0)):
            _write(folder, piece, (given for _, given in of_piece), broken)
    for piece in pieces:
        if not is_done(folder, piece):  # there was no row that could be read
            _write(folder, piece, (), broken)


def _given(piece: Piece, mark: Mark, batch: Batch, result: Result) -> tuple[Piece, Given]:
    return piece, Given(mark, batch.rows if result.parts else [], result)


def _batches(
    plan: Plan, pieces: Sequence[Piece], marks: deque[tuple[Piece, Mark]], broken: dict[Piece, str]
) -> Iterator[Batch]:
    """Yield the rows of pieces; `marks` is told where each batch ends, `broken` what cannot be read on."""
    for piece in pieces:
        source = plan.sources[piece.input]
        rows: list[RawRow] = []
        size = 0
        try:
            for row in islice(source.read(piece.start), piece.rows):
                rows.append(row)
                size += len(row.data)
                if len(rows) == _BATCH_ROWS or size > _BATCH_BYTES:
                    marks.append((piece, row.mark))
                    yield Batch(source.path, source.fields, rows, 0, source.modules)
                    rows, size = [], 0
        except BrokenInputError as error:
            broken[piece] = str(error)
        if rows:
            marks.append((piece, rows[-1].mark))
            yield Batch(source.path, source.fields, rows, 0, source.modules)


def _write(folder: str, piece: Piece, given: Iterable[Given], broken: dict[Piece, str]) -> None:
    """Write the file of a piece: what its batches gave, and what keeps its input from being read on."""
    path = path_of(folder, piece)
    growing = f"{path}.{socket.gethostname()}.{os.getpid()}"
    with open(growing, "wb") as file:
        with zstandard.ZstdCompressor(level=1).stream_writer(file, closefd=False) as packed:
            for one in given:
                pickle.dump(one, packed)
            pickle.dump(broken.get(piece, piece.broken), packed)
        file.flush()
        os.fsync(file.fileno())
    os.replace(growing, path)


# Results


def path_of(folder: str, piece: Piece) -> str:
    return os.path.join(folder, piece.name)


def is_done(folder: str, piece: Piece) -> bool:
    return os.path.exists(path_of(folder, piece))


def given_by(folder: str, piece: Piece) -> Iterator[Given | str]:
    """Yield what the batches of a piece gave, at last what keeps its input from being read on."""
    with open(path_of(folder, piece), "rb") as file:
        packed = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file))
        while True:
            one: Given | str = pickle.load(packed)
            yield one
            if isinstance(one, str):
                return
