"""Batches of rows: read from the inputs, worked on in processes, and turned into lines of output.

A batch holds consecutive rows of one input and one shard. Its result depends on nothing but its rows and the options;
dropping duplicates, which depends on earlier rows, is left to the process that writes.
"""

import gc
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from time import perf_counter
from typing import Any, Self

from lintseq.dataset.duplicates import KEEP, Seen
from lintseq.dataset.rejections import encode_rejection
from lintseq.dataset.screening import ScreeningOptions
from lintseq.dataset.shapes import Column
from lintseq.dataset.transform import RowLimits, RowResult, RowTransform
from lintseq.errors import BrokenInputError
from lintseq.rows import START, Fields, Input, Mark, RawRow, encode_line, encode_row
from lintseq.storage import PartIsolation, batched, map_in_order

BATCH_ROWS = 64
BATCH_BYTES = 1 << 16
_NUMBERS = ("rows", "sequences", "lines", "test", "truncated")
"""The counts of a tally that are a single number."""
_BATCHES_AHEAD = 512
"""Batches per worker that may be in progress or wait: while one row uses up its time, the other workers go on."""


@dataclass(frozen=True, slots=True)
class RowWork:
    """What is done with rows; can be pickled."""

    make_transform: Callable[[], RowTransform]
    columns: Mapping[str, Column]
    """The columns of the records."""
    row_timeout: float
    """Time limit per row in seconds; 0 means no limit."""
    row_memory: float
    """Memory limit per row in GB; 0 means no limit."""
    screening: ScreeningOptions = field(default_factory=ScreeningOptions)


@dataclass(slots=True)
class BuildTally:
    """Counts of rows and sequences; tallies add up."""

    rows: int = 0
    sequences: int = 0
    lines: int = 0
    """Lines inserted by all edits of all sequences."""
    edits: Counter[int] = field(default_factory=Counter)
    """Number of edits -> sequences."""
    rejections: Counter[str] = field(default_factory=Counter)
    """Reason -> rows."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> draws that were left out."""
    licenses: Counter[str] = field(default_factory=Counter)
    """License -> sequences, where the rows have licenses."""
    test: int = 0
    """Sequences in the part for testing."""
    truncated: int = 0
    """Sequences that were cut to fit a limit on tokens."""

    def add(self, other: Self) -> None:
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("edits", "rejections", "dropped", "licenses"):
            if counts := getattr(other, name):
                getattr(self, name).update(counts)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        counters = {name: dict(getattr(self, name)) for name in ("rejections", "dropped", "licenses")}
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        return {**numbers, "edits": sorted(self.edits.items()), **counters}

    @classmethod
    def from_dict(cls, counts: Mapping[str, Any]) -> Self:
        """Return the counts that `as_dict` returned."""
        counters: dict[str, Any] = {name: Counter(counts[name]) for name in ("rejections", "dropped", "licenses")}
        numbers = {name: counts[name] for name in _NUMBERS}
        return cls(edits=Counter(dict(counts["edits"])), **counters, **numbers)


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows of one input, all of one shard."""

    source: str
    """The input's path."""
    fields: Fields | None
    rows: list[RawRow]
    input: int = 0
    """The index of the input."""
    shard: int = 0
    position: int = 0
    """How much of all inputs is read at its end, in the units of their sizes."""

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, start: int, stop: int) -> "Batch":
        """Return some of the rows as a batch."""
        return replace(self, rows=self.rows[start:stop])


@dataclass(frozen=True, slots=True)
class RowOutput:
    """The lines of one row, kept apart until it is known whether an earlier program was the same."""

    records: bytes
    rejections: bytes
    tally: BuildTally
    row: RawRow
    id: str | int | None
    signature: tuple[int, ...] | None
    """What identifies the program; None if the row was rejected."""
    test_records: bytes = b""
    """The records, if they belong to the part for testing; then `records` is empty."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Lines of records and of rejections, with their counts."""

    records: bytes = b""
    rejections: bytes = b""
    tally: BuildTally = field(default_factory=BuildTally)
    seconds: float = 0.0
    """How long the work took."""
    rows: tuple[RowOutput, ...] = ()
    """The lines row by row, if duplicates are still to be dropped; then there are no others."""
    test_records: bytes = b""
    """Lines of records of the part for testing."""


def join_results(results: Sequence[BatchResult]) -> BatchResult:
    """Return the results of consecutive batches as one."""
    rows = tuple(row for result in results for row in result.rows)
    return _joined(results, sum(result.seconds for result in results), rows)


def without_duplicates(batch: Batch, outputs: Sequence[RowOutput], seen: Seen, number: int) -> BatchResult:
    """Return the result of a batch without programs that were seen before; `number` is that of its first program.

    Has to be called in the order of the rows, because it adds the other programs to `seen`.
    """
    kept = []
    for index, output in enumerate(outputs):
        match = None
        if output.signature is not None:
            name = f"{batch.source}:{output.row.number}" + (f" (id {output.id})" if output.id != "" else "")
            match = seen.add(number + index, name, output.signature)
        if match is None:
            kept.append(output)
        else:
            rejected = RowResult(id=output.id, reason=match.reason, detail=match.detail)
            kept.append(_output(rejected, output.row, batch.source))
    return _joined(kept)


def _joined(
    parts: Sequence[BatchResult] | Sequence[RowOutput], seconds: float = 0.0, rows: tuple[RowOutput, ...] = ()
) -> BatchResult:
    tally = BuildTally()
    for part in parts:
        tally.add(part.tally)
    rejections = b"".join(part.rejections for part in parts)
    tests = b"".join(part.test_records for part in parts)
    return BatchResult(b"".join(part.records for part in parts), rejections, tally, seconds, rows, tests)


# Work


class RowWorker:
    """Works on batches, row by row."""

    def __init__(self, work: RowWork) -> None:
        self.limits = RowLimits(work.make_transform(), work.row_timeout)
        self._separate = work.screening.duplicates != KEEP

    def __call__(self, batch: Batch, begin: Callable[[int], None] = lambda index: None) -> BatchResult:
        """Return the result of a batch; `begin` is called with the index of each row before it is worked on."""
        # Syntax trees have many objects and no cycles, so garbage collection would traverse them in vain.
        collecting = gc.isenabled()
        gc.disable()
        started = perf_counter()
        outputs = []
        try:
            for index, row in enumerate(batch.rows):
                begin(index)
                result = self.limits.apply(row.data, batch.fields, source=batch.source, index=row.index)
                outputs.append(_output(result, row, batch.source))
        finally:
            if collecting:
                gc.enable()
        seconds = perf_counter() - started
        return BatchResult(seconds=seconds, rows=tuple(outputs)) if self._separate else _joined(outputs, seconds)


def _output(result: RowResult, row: RawRow, source: str) -> RowOutput:
    """Return the lines of a row with its counts."""
    if result.reason:
        line = encode_rejection(row.data, result.reason, result.detail, line=row.number, id=result.id, source=source)
        return RowOutput(b"", line, BuildTally(1, rejections=Counter([result.reason])), row, result.id, None)
    reasons = Counter([rejection.reason for rejection in result.rejections])
    tally = BuildTally(1, len(result.records), result.lines, Counter(result.edits), reasons, Counter(result.dropped))
    if result.license:
        tally.licenses[result.license] += len(result.records)
    lines = b"".join(map(encode_line, result.records))
    records, tests = (b"", lines) if result.test else (lines, b"")
    tally.test = len(result.records) if result.test else 0
    tally.truncated = result.truncated
    rejections = b"".join(
        encode_rejection(
            encode_row(rejection.part),
            rejection.reason,
            rejection.detail,
            line=rejection.line or row.number,
            id=rejection.id,
            source=source,
        )
        for rejection in result.rejections
    )
    return RowOutput(records, rejections, tally, row, result.id, result.signature, tests)


def process_batches(batches: Iterator[Batch], work: RowWork, *, workers: int) -> Generator[tuple[Batch, BatchResult]]:
    """Yield each batch with its result, in order; the work is done in `workers` processes.

    A row that crashes its process, hangs or exhausts memory is rejected, and no other row is affected.
    """
    memory = round(work.row_memory * 10**9) or None
    isolation = PartIsolation(Batch.part, join_results, partial(_rejected, work), work.row_timeout, memory)
    return map_in_order(
        partial(_make_worker, work), batches, workers=workers, isolation=isolation, ahead=_BATCHES_AHEAD
    )


def _make_worker(work: RowWork) -> RowWorker:
    worker = RowWorker(work)
    worker.limits.install()
    return worker


def _rejected(work: RowWork, batch: Batch, reason: str, detail: str) -> BatchResult:
    """Return the rejection of all rows of a batch for a reason outside them."""
    rejected = RowResult(reason=reason, detail=detail)
    outputs = tuple(_output(rejected, row, batch.source) for row in batch.rows)
    return _joined(outputs) if work.screening.duplicates == KEEP else BatchResult(rows=outputs)


# Reading


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Progress through the inputs: the number of completed inputs, and a mark in the next one."""

    input: int = 0
    mark: Mark = START


def read_batches(
    sources: Sequence[Input],
    *,
    shards: int = 1,
    start: Checkpoint = Checkpoint(),
    rows: Callable[[], int] = lambda: BATCH_ROWS,
    on_broken: Callable[[BrokenInputError], None],
) -> Iterator[Batch]:
    """Yield the rows of all inputs after a checkpoint in batches of up to `rows()`.

    `on_broken` is called for inputs that cannot be read to their end. The rows before that are in batches.
    """
    total = sum(source.size or 0 for source in sources)
    before = sum(source.size or 0 for source in sources[: start.input])
    for number, source in enumerate(sources[start.input :], start.input):
        mark = start.mark if number == start.input else START
        pairs: Iterator[tuple[int, RawRow]] = ((0, row) for row in source.read(mark))
        if shards > 1:
            pairs = _with_shards(source, mark, before, total, shards)
        try:
            for batch in batched(
                pairs, rows, max_bytes=BATCH_BYTES, size=lambda pair: len(pair[1].data), key=itemgetter(0)
            ):
                found = [row for _, row in batch]
                position = before + found[-1].end
                yield Batch(source.path, source.fields, found, number, batch[0][0], position)
        except BrokenInputError as error:
            on_broken(error)
        before += source.size or 0


def _with_shards(source: Input, mark: Mark, before: int, total: int, shards: int) -> Iterator[tuple[int, RawRow]]:
    """Yield the rows of an input after a mark, each with its shard, which depends on where it starts."""
    position = before + mark.end
    for row in source.read(mark):
        yield shard_at(position, total, shards), row
        position = before + row.end


def rows_of_shard(sources: Sequence[Input], source: Input, shard: int, shards: int) -> Iterator[RawRow]:
    """Yield those rows of one of the inputs that are in one of the shards of all of them."""
    before = sum(other.size or 0 for other in sources[: sources.index(source)])
    size, total = source.size or 0, sum(other.size or 0 for other in sources)
    if not shard_at(before, total, shards) <= shard <= shard_at(before + size, total, shards):
        return
    start = START
    if source.by_rows:
        first = bisect_left(range(before, before + size), shard, key=lambda at: shard_at(at, total, shards))
        start = Mark(first, first, first)
    for own_shard, row in _with_shards(source, start, before, total, shards):
        if own_shard > shard:
            return
        if own_shard == shard:
            yield row


def shard_at(position: int, total: int, shards: int) -> int:
    """Return the shard of a row that starts at a position in all inputs together, in the units of their sizes."""
    return min(position * shards // total, shards - 1) if total else 0
