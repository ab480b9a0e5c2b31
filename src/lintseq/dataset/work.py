"""The unit of work: a row becomes records or one rejection, a batch of rows lines of both.

Total: whatever a row holds, it comes out as its records or as one rejection with a reason. Owns the
reasons and the time limit of a row; which process does the work, and in which order, is left to others.
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
from typing import Any, Self

from lintseq.codecs import get_codec
from lintseq.dataset.duplicates import KEEP, Seen
from lintseq.dataset.inputs import FieldNames, Fields, RawRow, find_fields, parse_row
from lintseq.dataset.records import SHAPES, Item, chance, content_id, encode_line, encode_rejection, meta_of
from lintseq.dataset.screening import Screen, ScreeningOptions, licences_of
from lintseq.edits import EditSequence
from lintseq.errors import ConfigError, ProgramError, ToolError
from lintseq.program import code_from_markdown
from lintseq.sampling import ProgramSampler, SamplingOptions

_TRIES = 10
"""Draws made for each one that is wanted, at most, where equal ones do not count."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Everything that the bytes of an output depend on, beside the inputs."""

    samples: int = 1
    """Draws of each program."""
    seed: int = 0
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    names: FieldNames = field(default_factory=FieldNames)
    shape: str = "lintseq"
    format: str = "diff"
    """The text format of edits."""
    min_edits: int = 1
    """Draws of fewer edits are left out."""
    max_edits: int | None = None
    """Draws of more edits are left out."""
    max_lines: int | None = None
    """Programs of more lines are rejected."""
    distinct: bool = False
    """No two draws of a program are equal: one that was there before is drawn again."""
    sub_sequences: int = 0
    """For each draw, so many records more that start from a state in the middle."""
    screening: ScreeningOptions = field(default_factory=ScreeningOptions)
    row_timeout: float = 10.0
    """Seconds for all draws of a row; 0 is for no limit. Holds in a main thread on POSIX systems."""
    row_memory: int | None = 2_000_000_000
    """Bytes that a row may take beside what its process has anyway; holds in worker processes."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive rows of one input."""

    source: str
    fields: Fields | None
    rows: list[RawRow]
    position: int
    """How far its end is in all inputs, in the units of their sizes."""

    def part(self, start: int, end: int) -> "Batch":
        """Return some of the rows as a batch of their own."""
        return Batch(self.source, self.fields, self.rows[start:end], self.position)


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
    licences: Counter[str] = field(default_factory=Counter)
    """Licence -> sequences, where the rows name theirs."""

    def add(self, other: Self) -> None:
        self.rows += other.rows
        self.sequences += other.sequences
        self.lines += other.lines
        self.edits.update(other.edits)
        self.rejections.update(other.rejections)
        self.dropped.update(other.dropped)
        self.licences.update(other.licences)

    def as_dict(self) -> dict[str, Any]:
        """Return the counts as plain values."""
        return {
            "rows": self.rows,
            "sequences": self.sequences,
            "lines": self.lines,
            "edits": sorted(self.edits.items()),
            "rejections": dict(self.rejections),
            "dropped": dict(self.dropped),
            "licences": dict(self.licences),
        }

    @classmethod
    def from_dict(cls, counts: dict[str, Any]) -> Self:
        """Return the counts that `as_dict` gave."""
        edits = Counter({int(number): sequences for number, sequences in counts["edits"]})
        rejections, dropped, licences = (Counter(counts[name]) for name in ("rejections", "dropped", "licences"))
        return cls(counts["rows"], counts["sequences"], counts["lines"], edits, rejections, dropped, licences)


@dataclass(frozen=True, slots=True)
class Part:
    """What one row gave, kept apart from its batch until it is known whether an earlier row was the same."""

    result: "Result"
    id: str | int | None
    signature: tuple[int, ...] | None
    """What the row's program is told by; None for a row that was rejected."""


@dataclass(slots=True)
class Result:
    """What a batch gave: lines of output, lines of rejections, and the counts."""

    records: bytes
    rejections: bytes
    tally: Tally
    seconds: float = 0.0
    """What it took."""
    parts: tuple[Part, ...] = ()
    """The rows one by one, where duplicates are still to be dropped; then the rest is empty."""


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


def rejected(batch: Batch, reason: str, detail: str, options: BuildOptions) -> Result:
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
    """Return what a batch gives without the programs that were there before; `number` is that of its first row.

    `seen` is asked, and told, in the order of the rows.
    """
    results = []
    for place, (row, part) in enumerate(zip(batch.rows, parts, strict=True)):
        result = part.result
        if part.signature is not None:
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
    licence: str = ""
    signature: tuple[int, ...] | None = None

    def as_row(self) -> dict[str, Any]:
        """Return records and rejection as plain values, for engines that want a row for a row."""
        rejection = {"id": self.id, "reason": self.reason, "detail": self.detail} if self.reason else None
        return {"records": self.records, "rejection": rejection}


class EditSampler:
    """Turns rows into edit sequences: what runs inside any engine.

    Can be pickled; what is heavy is made where it is used. A call takes a row, as columns or as the JSON
    object they are written in, and always returns an `Outcome`: it never raises for what a row holds. The
    same row gives the same records in any process, whatever came before.
    """

    def __init__(self, options: BuildOptions | None = None, fields: Fields | None = None) -> None:
        """`fields` are the columns that matter; if not given, they are found in each row by `options.names`."""
        self.options = options or BuildOptions()
        self.fields = fields
        self._limit = _TimeLimit(self.options.row_timeout)
        self._record = SHAPES[self.options.shape]
        self._codec = get_codec(self.options.format)
        self._meta = meta_of(self.options.sampling, self.options.seed)
        self._screen: Screen | None = None

    def __getstate__(self) -> tuple[BuildOptions, Fields | None]:
        return self.options, self.fields

    def __setstate__(self, state: tuple[BuildOptions, Fields | None]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __call__(self, row: Mapping[str, Any] | bytes, *, source: str = "", index: int = 0) -> Outcome:
        """Return what becomes of a row; `source` and `index` tell its place to shapes that repeat it."""
        with self.limiting_rows():
            return self.sample(row, self.fields, source=source, index=index)

    @contextmanager
    def limiting_rows(self) -> Iterator[None]:
        """Let each row have its time limit while the context lasts, where the system and the thread can do that."""
        with self._limit.installed():
            yield

    def sample(self, row: Mapping[str, Any] | bytes, fields: Fields | None, *, source: str, index: int) -> Outcome:
        """Return what becomes of a row, under limits that `limiting_rows` has set."""
        outcome = Outcome()
        try:
            with self._limit:
                self._fill(outcome, row, fields, source, index)
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
            reason, detail = "memory", "takes more memory than there is"
        except (Exception, SystemExit) as error:  # a bug of ours, or a linter's, must not end a run of a million rows
            reason, detail = "internal-error", _where(error)
        else:
            return outcome
        if self._limit.rung:  # inside C code, the alarm may come out as another error
            reason, detail = "timeout", f"not done after {self.options.row_timeout:g} seconds"
        return Outcome(id=outcome.id, reason=reason, detail=detail)

    def _fill(
        self, outcome: Outcome, raw: Mapping[str, Any] | bytes, fields: Fields | None, source: str, index: int
    ) -> None:
        """Put the records of a row into `outcome`; the exceptions of `sample` say why there are none."""
        row = parse_row(raw) if isinstance(raw, bytes) else raw
        fields = fields or self.fields or _fields_of(row, self.options.names)
        outcome.id = fields.read_id(row)
        response = fields.read_code(row)
        instruction = fields.read_instruction(row)
        text = code_from_markdown(response)
        if not text.strip():
            raise ProgramError("empty", "there is no code")
        own_id = content_id(instruction, text) if outcome.id is None else outcome.id
        item = Item(own_id, instruction, text, response, source, index)
        if self._screen is None:
            self._screen = Screen(self.options.screening)
        self._screen.check(row, instruction, text)
        sampler = ProgramSampler(text, self.options.sampling)
        size = len(sampler.program.lines)
        if self.options.max_lines is not None and size > self.options.max_lines:
            raise ProgramError("too-many-lines", f"{size} lines, where at most {self.options.max_lines} are wanted")
        if self.options.screening.names_licences:
            outcome.licence = ", ".join(licences_of(row, self.options.screening.licence_field))
        outcome.signature = self._screen.signature(text)
        self._draw(outcome, item, sampler)
        outcome.id = own_id

    def _draw(self, outcome: Outcome, item: Item, sampler: ProgramSampler) -> None:
        """Put the records of one program into `outcome`."""
        options = self.options
        for draw, sequence, lessons in self._draws(outcome.dropped, item, sampler):
            meta = self._meta if options.sampling.certify is None else {**self._meta, "lessons": lessons}
            starts = _starts(options, item.id, draw, len(sequence)) if options.sub_sequences else []
            for start in [0, *starts]:
                one = sequence.after(start) if start else sequence
                record = self._record(item, one, draw, meta, self._codec)
                if outcome.licence:
                    record["licence"] = outcome.licence
                outcome.records.append(record)
                outcome.edits.append(len(one))
                outcome.lines += len(one.program.lines) - len(one.present())
        if not outcome.records:
            reason, _ = outcome.dropped.most_common(1)[0]
            raise ProgramError(reason, f"in all of {outcome.dropped.total()} draws")

    def _draws(
        self, dropped: Counter[str], item: Item, sampler: ProgramSampler
    ) -> Iterator[tuple[int, EditSequence, int]]:
        """Yield (draw, sequence, lessons) of the draws that are wanted; those that are not are counted."""
        options = self.options
        seen: set[tuple[int, ...]] = set()
        wanted = options.samples
        for draw in range(options.samples * (_TRIES if options.distinct else 1)):
            before = sampler.lessons
            sequence = sampler.sample(seed=options.seed, id=item.id, draw=draw)
            if options.distinct and sequence.arrivals in seen:
                dropped["equal"] += 1
            elif len(sequence) < options.min_edits:
                dropped["too-few-edits"] += 1
            elif options.max_edits is not None and len(sequence) > options.max_edits:
                dropped["too-many-edits"] += 1
            else:
                yield draw, sequence, sampler.lessons - before
                wanted -= 1
                if not wanted:
                    return
            if options.distinct:
                seen.add(sequence.arrivals)


def _fields_of(row: Mapping[str, Any], names: FieldNames) -> Fields:
    try:
        return find_fields("the row", [dict(row)], names)
    except ConfigError as error:
        raise ProgramError("no-field", str(error)) from None


def _starts(options: BuildOptions, id: str | int, draw: int, edits: int) -> list[int]:
    """Return how many edits are left out by each of the sub-sequences of a draw."""
    ranked = sorted(range(1, edits), key=lambda start: chance(options.seed, id, draw, "start", start))
    return sorted(ranked[: options.sub_sequences])


class RowWorker:
    """Does the work of a batch, row by row. Under `limiting_rows`, each row has the time limit.

    `on_row` is told the place of each row in the batch before work on it begins.
    """

    def __init__(self, options: BuildOptions, on_row: Callable[[int], None] = lambda row: None) -> None:
        self._sampler = EditSampler(options)
        self._apart = options.screening.duplicates != KEEP
        self._on_row = on_row
        self.limiting_rows = self._sampler.limiting_rows

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
            parts.append(Part(Result(records, rejections, tally), outcome.id, outcome.signature))
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
            yield row, self._sampler.sample(row.data, batch.fields, source=batch.source, index=row.index)


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
    if outcome.licence:
        tally.licences[outcome.licence] += len(outcome.edits)
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
