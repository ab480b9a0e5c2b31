"""The unit of work: a batch of input rows becomes lines of output and of rejections.

Total: whatever a row holds, it comes out as its records or as one rejection with a reason. Owns the
reasons and the time limit of a row; which process does the work, and in which order, is left to others.
"""

import gc
import signal
import threading
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from types import FrameType
from typing import Self

from lintseq.dataset.records import SCHEMAS, Item, content_id, encode_line, encode_rejection, meta_of
from lintseq.dataset.rows import FieldNames, Fields, Line, parse_row
from lintseq.errors import ProgramError, ToolError
from lintseq.program import code_from_markdown
from lintseq.sampling import ProgramSampler, SamplingOptions


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Everything that the bytes of an output depend on, beside the inputs."""

    samples: int = 1
    """Draws of each program."""
    seed: int = 0
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    names: FieldNames = field(default_factory=FieldNames)
    schema: str = "lintseq"
    row_timeout: float = 10.0
    """Seconds for all draws of a row; 0 is for no limit. Holds in a main thread on POSIX systems."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some consecutive rows of one input."""

    source: str
    fields: Fields | None
    first: int
    """The place of the first of them among the rows of the input, from 0."""
    lines: list[Line]
    position: int
    """Bytes of all inputs up to its end."""

    def split(self) -> "Iterator[Batch]":
        """Yield each row as a batch of its own."""
        for offset, line in enumerate(self.lines):
            yield Batch(self.source, self.fields, self.first + offset, [line], self.position)


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

    def add(self, other: Self) -> None:
        self.rows += other.rows
        self.sequences += other.sequences
        self.lines += other.lines
        self.edits.update(other.edits)
        self.rejections.update(other.rejections)


@dataclass(frozen=True, slots=True)
class Result:
    """What a batch gave: lines of output, lines of rejections, and the counts."""

    records: bytes
    rejections: bytes
    tally: Tally
    seconds: float = 0.0
    """What it took."""


def joined(results: list[Result]) -> Result:
    """Return the results of consecutive batches as one."""
    tally = Tally()
    seconds = 0.0
    for result in results:
        tally.add(result.tally)
        seconds += result.seconds
    return Result(b"".join(r.records for r in results), b"".join(r.rejections for r in results), tally, seconds)


def rejected(batch: Batch, reason: str, detail: str) -> Result:
    """Return the rejection of all rows of `batch` for a reason that lies outside them."""
    rejections = [
        encode_rejection(line.data, reason, detail, line=line.number, id=None, source=batch.source)
        for line in batch.lines
    ]
    tally = Tally(rows=len(rejections), rejections=Counter({reason: len(rejections)}))
    return Result(b"", b"".join(rejections), tally)


class RowWorker:
    """Does the work of a batch, row by row. Under `limiting_rows`, each row has the time limit."""

    def __init__(self, options: BuildOptions) -> None:
        self._options = options
        self._record = SCHEMAS[options.schema]
        self._meta = meta_of(options.sampling, options.seed)
        self._limit = _TimeLimit(options.row_timeout)

    @contextmanager
    def limiting_rows(self, *, killing: bool = False) -> Iterator[None]:
        """Let each row have its time limit while the context lasts, where the system and the thread can do that.

        With `killing`, a row that does not heed the limit, for it hangs in a C extension, ends the process.
        """
        with self._limit.installed(killing=killing):
            yield

    def __call__(self, batch: Batch) -> Result:
        # Syntax trees are many objects and no cycles: the collector would walk them in vain, again and again.
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self._work(batch)
        finally:
            if collecting:
                gc.enable()

    def _work(self, batch: Batch) -> Result:
        records: list[bytes] = []
        rejections: list[bytes] = []
        tally = Tally(rows=len(batch.lines))
        started = perf_counter()
        for index, line in enumerate(batch.lines, batch.first):
            own_id: str | int | None = None
            try:
                with self._limit:
                    row = parse_row(line.data)
                    fields = batch.fields
                    if fields is None:
                        raise ProgramError("no-field", "the input's fields are not known")
                    own_id = fields.read_id(row)
                    response = fields.read_code(row)
                    instruction = fields.read_instruction(row)
                    program = code_from_markdown(response)
                    if not program.strip():
                        raise ProgramError("empty", "there is no code")
                    if own_id is None:
                        own_id = content_id(instruction, program)
                    item = Item(own_id, instruction, program, response, batch.source, index)
                    records.append(self._draw(item, tally))
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
            except (
                Exception,
                SystemExit,
            ) as error:  # a bug of ours, or a linter's, must not end a run of a million rows
                reason, detail = "internal-error", _where(error)
            else:
                continue
            if self._limit.rung:  # inside C code, the alarm may come out as another error
                reason, detail = "timeout", f"not done after {self._options.row_timeout:g} seconds"
            tally.rejections[reason] += 1
            rejections.append(
                encode_rejection(line.data, reason, detail, line=line.number, id=own_id, source=batch.source)
            )
        return Result(b"".join(records), b"".join(rejections), tally, perf_counter() - started)

    def _draw(self, item: Item, tally: Tally) -> bytes:
        """Return the records of one program; counts them only when all of them are there."""
        options = self._options
        sampler = ProgramSampler(item.program, options.sampling)
        records = []
        counts = []
        meta = self._meta
        for draw in range(options.samples):
            before = sampler.lessons
            sequence = sampler.sample(seed=options.seed, id=item.id, draw=draw)
            if options.sampling.certify is not None:
                meta = {**self._meta, "lessons": sampler.lessons - before}
            records.append(encode_line(self._record(item, sequence, draw, meta)))
            counts.append(len(sequence))
        encoded = b"".join(records)
        tally.sequences += len(counts)
        tally.edits.update(counts)
        tally.lines += len(counts) * len(sequence.program.lines)
        return encoded


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
        self._killing = False
        self.rung = False

    @contextmanager
    def installed(self, *, killing: bool) -> Iterator[None]:
        possible = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
        if not possible or not self._seconds:
            yield
            return
        handler = signal.signal(signal.SIGALRM, self._ring)
        timer = signal.setitimer(signal.ITIMER_REAL, 0)
        self._active, self._killing = True, killing
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
            if self._killing:
                # Counts processor time, and without a handler ends the process.
                signal.setitimer(signal.ITIMER_PROF, 2 * self._seconds + 1)

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def cancel(self) -> None:
        if self._active:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if self._killing:
                signal.setitimer(signal.ITIMER_PROF, 0)

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        self.rung = True
        raise _TimeUp
