"""The unit of work: a row becomes records or one rejection, a batch of rows lines of both.

Total: whatever a row holds, it comes out as its records or as one rejection with a reason. Owns that and
the time limit of a row. What rows are turned into is given; which process does the work, and in which
order, is left to others.
"""

import gc
import signal
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from types import FrameType
from typing import Any, Protocol, Self

from lintseq.dataset.duplicates import KEEP, Seen
from lintseq.dataset.rejections import encode_rejection
from lintseq.dataset.screening import ScreeningOptions
from lintseq.errors import ProgramError, ToolError
from lintseq.mining.modules import FIELDS, Modules
from lintseq.rows import Fields, RawRow, encode_line, parse_row


class RowTurner(Protocol):
    """Turns rows into records."""

    def fill(
        self, outcome: "Outcome", row: Mapping[str, Any], fields: Fields | None, *, source: str, index: int
    ) -> None:
        """Put the records of a row into `outcome`, or raise why there are none."""


class WorkOptions(Protocol):
    """What is to be done with rows; can be pickled."""

    @property
    def shape(self) -> str: ...
    @property
    def screening(self) -> ScreeningOptions: ...
    @property
    def slow(self) -> bool:
        """Whether rows may take seconds each, so that few of them are much work."""

    @property
    def row_timeout(self) -> float: ...
    @property
    def row_memory(self) -> int | None: ...

    def turner(self) -> RowTurner:
        """Return what does it."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive rows of one input."""

    source: str
    fields: Fields | None
    rows: list[RawRow]
    position: int
    """How far its end is in all inputs, in the units of their sizes."""
    modules: Modules | None = None
    """What takes the programs out of the rows, if each holds several that are wanted one by one."""

    def part(self, start: int, end: int) -> "Batch":
        """Return some of the rows as a batch of their own."""
        return Batch(self.source, self.fields, self.rows[start:end], self.position, self.modules)


@dataclass(slots=True)
class Tally:
    """Counts that add."""

    rows: int = 0
    sequences: int = 0
    lines: int = 0
    """Lines inserted by all edits of all sequences."""
    edits: Counter[int] = field(default_factory=Counter)
    """Edits in a sequence -> sequences."""
    rejections: Counter[str] = field(default_factory=Counter)
    """Reason -> rows."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> draws that were left out."""
    licenses: Counter[str] = field(default_factory=Counter)
    """License -> sequences, where the rows name theirs."""

    def add(self, other: Self) -> None:
        self.rows += other.rows
        self.sequences += other.sequences
        self.lines += other.lines
        self.edits.update(other.edits)
        self.rejections.update(other.rejections)
        self.dropped.update(other.dropped)
        self.licenses.update(other.licenses)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {
            "rows": self.rows,
            "sequences": self.sequences,
            "lines": self.lines,
            "edits": sorted(self.edits.items()),
            "rejections": dict(self.rejections),
            "dropped": dict(self.dropped),
            "licenses": dict(self.licenses),
        }

    @classmethod
    def from_dict(cls, counts: dict[str, Any]) -> Self:
        """Return the counts that `as_dict` gave."""
        edits = Counter({int(number): sequences for number, sequences in counts["edits"]})
        rejections, dropped, licenses = (Counter(counts[name]) for name in ("rejections", "dropped", "licenses"))
        return cls(counts["rows"], counts["sequences"], counts["lines"], edits, rejections, dropped, licenses)


@dataclass(frozen=True, slots=True)
class Part:
    """What one row gave, kept apart from its batch until it is known whether an earlier row was the same."""

    result: "Result"
    id: str | int | None
    signature: tuple[int, ...] | None
    """What the row's program is told by; None for a row that was rejected."""
    row: RawRow | None = None
    """The row itself, if it is none of the batch's but was taken out of one."""


@dataclass(slots=True)
class Result:
    """What a batch gave: lines of output, lines of rejections, and the counts."""

    records: bytes
    rejections: bytes
    tally: Tally
    seconds: float = 0.0
    """What it took."""
    parts: tuple[Part, ...] = ()
    """The programs one by one, where duplicates are still to be dropped; then the rest is empty."""


def joined(results: list[Result]) -> Result:
    """Return the results of consecutive batches as one."""
    tally = Tally()
    seconds = 0.0
    for result in results:
        tally.add(result.tally)
        seconds += result.seconds
    return Result(
        b"".join(r.records for r in results),
        b"".join(r.rejections for r in results),
        tally,
        seconds,
        tuple(part for r in results for part in r.parts),
    )


def rejected(batch: Batch, reason: str, detail: str, options: WorkOptions) -> Result:
    """Return the rejection of all rows of `batch` for a reason that lies outside them."""
    results = [reject(row, reason, detail, id=None, source=batch.source) for row in batch.rows]
    if options.screening.duplicates == KEEP:
        return joined(results)
    return Result(b"", b"", Tally(), 0.0, tuple(Part(result, None, None) for result in results))


def reject(row: RawRow, reason: str, detail: str, *, id: str | int | None, source: str) -> Result:
    """Return the rejection of one row."""
    line = encode_rejection(row.data, reason, detail, line=row.number, id=id, source=source)
    return Result(b"", line, Tally(rows=1, rejections=Counter({reason: 1})))


def without_duplicates(batch: Batch, parts: Sequence[Part], seen: Seen, number: int) -> Result:
    """Return what a batch gives without the programs that were there before; `number` is that of its first program.

    `seen` is asked, and told, in the order of the rows.
    """
    results = []
    for place, part in enumerate(parts):
        result = part.result
        if part.signature is not None:
            row = part.row or batch.rows[place]
            name = f"{batch.source}:{row.number}" + (f" (id {part.id})" if part.id != "" else "")
            if (match := seen.add(number + place, name, part.signature)) is not None:
                result = reject(row, match.reason, match.detail, id=part.id, source=batch.source)
        results.append(result)
    return joined(results)


@dataclass(slots=True)
class Outcome:
    """What became of one row: its records, or why there are none."""

    records: list[dict[str, Any]] = field(default_factory=list)
    id: str | int | None = None
    """The row's own id, or a hash; None if the row was rejected before that was known."""
    reason: str = ""
    """Why the row was rejected, in a word; empty if it was not."""
    detail: str = ""
    """Why, for people."""
    edits: list[int] = field(default_factory=list)
    """The number of edits of each sequence."""
    lines: int = 0
    """Lines inserted by all edits of all sequences."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> draws that were left out."""
    license: str = ""
    signature: tuple[int, ...] | None = None

    def as_row(self) -> dict[str, Any]:
        """Return records and rejection as plain values, for engines that want a row for a row."""
        rejection = {"id": self.id, "reason": self.reason, "detail": self.detail} if self.reason else None
        return {"records": self.records, "rejection": rejection}


class Guard:
    """Makes a turner total: whatever is in a row, something comes of it, in limited time."""

    def __init__(self, turner: RowTurner, row_timeout: float) -> None:
        self._turner = turner
        self._seconds = row_timeout
        self._limit = _TimeLimit(row_timeout)

    @contextmanager
    def limiting_rows(self) -> Iterator[None]:
        """Let each row have its time limit while the context lasts, where the system and the thread can do that."""
        with self._limit.installed():
            yield

    def outcome(
        self, row: Mapping[str, Any] | bytes, fields: Fields | None, *, source: str = "", index: int = 0
    ) -> Outcome:
        """Return what becomes of a row, given as columns or as the JSON object that they are written in."""

        def fill(outcome: Outcome) -> None:
            columns = parse_row(row) if isinstance(row, bytes) else row
            self._turner.fill(outcome, columns, fields, source=source, index=index)

        return self._guarded(fill)

    def definitions(self, row: RawRow, modules: Modules) -> list[RawRow] | Outcome:
        """Return the rows of the definitions in a row that holds a module, or why there are none."""
        found: list[RawRow] = []

        def look(outcome: Outcome) -> None:
            columns = parse_row(row.data)
            outcome.id = modules.name_of(columns)
            found.extend(modules.definitions(row, columns))

        outcome = self._guarded(look)
        return outcome if outcome.reason else found

    def _guarded(self, work: Callable[[Outcome], None]) -> Outcome:
        """Return the outcome that some work has filled, or the reason that it could not."""
        outcome = Outcome()
        try:
            with self._limit:
                work(outcome)
        except _TimeUp:
            self._limit.cancel()
            reason, detail = "timeout", ""
        except ProgramError as error:
            reason, detail = error.reason, error.detail
        except ToolError as error:
            reason, detail = "tool-error", str(error)
        except RecursionError:
            reason, detail = "nesting", "nested too deeply"
        except MemoryError:
            reason, detail = "memory", "takes more memory than it may"
        except (Exception, SystemExit) as error:  # a bug of ours, or a linter's, must not end a run of a million rows
            reason, detail = "internal-error", _where(error)
        else:
            return outcome
        if self._limit.rung:  # inside C code, the alarm may come out as another error
            reason, detail = "timeout", f"not done after {self._seconds:g} seconds"
        return Outcome(id=outcome.id, reason=reason, detail=detail)


class RowWorker:
    """Does the work of a batch, row by row. Under `limiting_rows`, each row has the time limit.

    `on_row` is told the place of each row in the batch before work on it begins.
    """

    def __init__(self, options: WorkOptions, on_row: Callable[[int], None] = lambda row: None) -> None:
        self._guard = Guard(options.turner(), options.row_timeout)
        self._apart = options.screening.duplicates != KEEP
        self._on_row = on_row
        self.limiting_rows = self._guard.limiting_rows

    def __call__(self, batch: Batch) -> Result:
        # Syntax trees are many objects and no cycles: the collector would walk them in vain, again and again.
        collecting = gc.isenabled()
        gc.disable()
        started = perf_counter()
        try:
            result = self._parts(batch) if self._apart else self._work(batch)
        finally:
            if collecting:
                gc.enable()
        result.seconds = perf_counter() - started
        return result

    def _parts(self, batch: Batch) -> Result:
        parts = []
        for row, outcome in self._outcomes(batch):
            tally = Tally()
            records, rejections = _lines_of(outcome, row, batch.source, tally)
            taken_out = None if batch.modules is None else row
            parts.append(Part(Result(records, rejections, tally), outcome.id, outcome.signature, taken_out))
        return Result(b"", b"", Tally(), parts=tuple(parts))

    def _work(self, batch: Batch) -> Result:
        records: list[bytes] = []
        rejections: list[bytes] = []
        tally = Tally()
        for row, outcome in self._outcomes(batch):
            written, rejected = _lines_of(outcome, row, batch.source, tally)
            records.append(written)
            rejections.append(rejected)
        return Result(b"".join(records), b"".join(rejections), tally)

    def _outcomes(self, batch: Batch) -> Iterator[tuple[RawRow, Outcome]]:
        for place, row in enumerate(batch.rows):
            self._on_row(place)
            if batch.modules is None:
                yield row, self._guard.outcome(row.data, batch.fields, source=batch.source, index=row.index)
                continue
            found = self._guard.definitions(row, batch.modules)
            if isinstance(found, Outcome):
                yield row, found
                continue
            for one in found:
                self._on_row(place)  # each has the time of a row
                yield one, self._guard.outcome(one.data, FIELDS, source=batch.source, index=one.index)


def _lines_of(outcome: Outcome, row: RawRow, source: str, tally: Tally) -> tuple[bytes, bytes]:
    """Return the lines of records and of rejections that a row gives, and count it."""
    tally.rows += 1
    if outcome.reason:
        tally.rejections[outcome.reason] += 1
        line = encode_rejection(
            row.data, outcome.reason, outcome.detail, line=row.number, id=outcome.id, source=source
        )
        return b"", line
    tally.sequences += len(outcome.edits)
    tally.edits.update(outcome.edits)
    tally.lines += outcome.lines
    tally.dropped.update(outcome.dropped)
    if outcome.license:
        tally.licenses[outcome.license] += len(outcome.edits)
    return b"".join(map(encode_line, outcome.records)), b""


def _where(error: BaseException) -> str:
    """Return what went wrong and in which line."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({frame.filename}:{frame.lineno}, in {frame.name})"


class _TimeUp(BaseException):
    """A row has used up its time; no `Exception`, so that no tool's `except Exception` can swallow it."""


class _TimeLimit:
    """A context that `_TimeUp` interrupts; it costs two system calls."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._active = False
        self.rung = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        possible = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        if not possible or not self._seconds:
            yield
            return
        handler = signal.signal(signal.SIGALRM, self._ring)
        timer = signal.setitimer(signal.ITIMER_REAL, 0)
        self._active = True
        try:
            yield
        finally:
            self._active = False
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, *timer)

    def __enter__(self) -> None:
        self.rung = False
        if self._active:
            # Rings again each second: should a tool swallow the first one, another follows.
            signal.setitimer(signal.ITIMER_REAL, self._seconds, 1.0)

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def cancel(self) -> None:
        if self._active:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        self.rung = True
        raise _TimeUp
