"""Check the laws of edit sequences on a data set, whoever made it.

    1 exact            the edits resolve, and give the program byte for byte
    2 insertion-only   no edit takes a line away, and each one adds some
    3 clean            every state compiles, and none has a finding that the whole program does not have

Owns how what rows say is judged, and counts that add. Leaves reading to `inputs` and `sequences`, the text of
edits to `codecs`, verdicts on a state to `linting`, and printing to the command line.
"""

import signal
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain, islice
from multiprocessing import get_context
from typing import TypeVar

from lintseq.codecs import DIFF, SEPARATOR
from lintseq.codecs.locate import align
from lintseq.codecs.text import shorten
from lintseq.dataset.shapes import Record, read_record
from lintseq.dataset.workers import default_workers
from lintseq.edits import EditSequence, apply
from lintseq.errors import EditFault, MalformedEditError, ProgramError, ToolError
from lintseq.languages import get_language, get_linter
from lintseq.linting import Diagnostic, findings, new_diagnostics
from lintseq.program import Program
from lintseq.rows import BrokenInputError, RawRow, parse_row, read_rows

T = TypeVar("T")

EXAMPLES = 3
"""How many failures of each kind are kept to be shown."""

_REMEMBERED = 20_000
_BATCH_ROWS = 32
_BATCH_BYTES = 4 << 20


# What is checked


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a law demands; `unit` is what it is demanded of."""

    law: str
    words: str
    unit: str


READ = "read"
RESOLVES = "resolves"
EXACT = "exact"
DELETES = "deletes"
ADDS = "adds"
PROGRAM = "program"
COMPILES = "compiles"
CLEAN = "clean"

CHECKS = {
    READ: Check("", "the row can be read", "rows"),
    RESOLVES: Check("1 exact", "the edits resolve", "rows"),
    EXACT: Check("1 exact", "they give the program", "rows"),
    DELETES: Check("2 insertion-only", "no line is taken away", "edits"),
    ADDS: Check("2 insertion-only", "some line is added", "edits"),
    PROGRAM: Check("3 clean", "the program compiles", "rows"),
    COMPILES: Check("3 clean", "the state compiles", "states"),
    CLEAN: Check("3 clean", "no new finding by {linter}", "states"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that is not as a law demands."""

    check: str
    """A key of `CHECKS`."""
    row: int
    """The line of the file, from 1."""
    id: str
    edit: int | None
    """The edit, from 1, after which or in which it shows; None for the row as a whole."""
    message: str


@dataclass(slots=True)
class Report:
    """What was checked and what failed, in rows that were read one after the other; reports add."""

    shapes: Counter[str] = field(default_factory=Counter)
    """Whose columns -> rows."""
    checked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    """Code of a new finding -> states that have it."""
    bad_rows: int = 0
    """Rows in which anything failed."""
    examples: dict[str, list[Failure]] = field(default_factory=dict)
    """The first failures of each check."""

    @property
    def rows(self) -> int:
        return self.checked[READ]

    @property
    def ok(self) -> bool:
        return not self.failed.total()

    def fail(self, failure: Failure) -> None:
        self.failed[failure.check] += 1
        kept = self.examples.setdefault(failure.check, [])
        if len(kept) < EXAMPLES:
            kept.append(failure)

    def merge(self, later: "Report") -> None:
        """Take in the report on the rows that follow."""
        self.shapes.update(later.shapes)
        self.checked.update(later.checked)
        self.failed.update(later.failed)
        self.findings.update(later.findings)
        self.bad_rows += later.bad_rows
        for check, failures in later.examples.items():
            kept = self.examples.setdefault(check, [])
            kept += failures[: EXAMPLES - len(kept)]


# How it is judged


class Judge:
    """Judges states, and remembers its verdicts: many sequences pass through the same states."""

    def __init__(self, linter: str) -> None:
        self._compile = _remembering(get_language().check_syntax)
        self._findings = _remembering(get_linter(linter).check)

    def fault(self, state: str) -> str | None:
        """Return why a state does not compile, or None if it does."""
        return next((_say(diagnostic) for diagnostic in self._compile(state)), None)

    def findings(self, state: str) -> Sequence[Diagnostic]:
        """Return what the linter finds in a state; raises `ToolError` if the linter breaks."""
        return self._findings(state)


def _remembering(judge: Callable[[str], T]) -> Callable[[str], T]:
    """Return `judge` with a memory for its last verdicts, which holds hashes and no texts."""
    verdicts: dict[bytes, T] = {}

    def remembered(state: str) -> T:
        key = blake2b(state.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if key not in verdicts:
            if len(verdicts) >= _REMEMBERED:
                del verdicts[next(iter(verdicts))]
            verdicts[key] = judge(state)
        return verdicts[key]

    return remembered


@dataclass(frozen=True, slots=True)
class _Row:
    """Where the checks of one row are written down."""

    report: Report
    number: int
    id: str = ""

    def check(self, check: str) -> None:
        self.report.checked[check] += 1

    def fail(self, check: str, message: str, *, edit: int | None = None) -> None:
        self.report.fail(Failure(check, self.number, self.id, edit, message))


def check_rows(lines: Iterable[RawRow], judge: Judge) -> Report:
    """Return the report on some lines of a data set."""
    report = Report()
    for line in lines:
        failed = report.failed.total()
        _check_row(line, judge, report)
        report.bad_rows += report.failed.total() > failed
    return report


def _check_row(line: RawRow, judge: Judge, report: Report) -> None:
    row = _Row(report, line.number)
    row.check(READ)
    try:
        record = read_record(parse_row(line.data))
    except ProgramError as error:
        row.fail(READ, str(error))
        return
    report.shapes[record.shape if record.codec is DIFF else f"{record.shape}/{record.codec.name}"] += 1
    row = _Row(report, line.number, str(record.id))
    sequence, program = _check_exact(record, row)
    _check_insertion_only(record, row)
    _check_clean(sequence, program, judge, row)


def _check_exact(record: Record, row: _Row) -> tuple[EditSequence, str]:
    """Check law 1; return the sequence as far as it resolves, and the text of the program."""
    row.check(RESOLVES)
    program = record.program
    try:
        sequence = record.sequence()
    except MalformedEditError as error:
        good = _good_edits(record)
        message = str(error).removeprefix(f"edit {good + 1}, ")
        row.fail(RESOLVES, message + _read_tolerantly(record), edit=good + 1)
        return record.sequence(good), program
    if record.programs:
        row.check(EXACT)
        for possible in record.programs:
            if sequence.program.lines == Program.from_text(possible).lines:
                return sequence, possible
        row.fail(EXACT, _difference(sequence.program, Program.from_text(program)))
    return sequence, program


def _good_edits(record: Record) -> int:
    """Return how many edits resolve before the first that does not."""
    return bisect_left(range(len(record.edits)), True, key=lambda number: not _resolves(record, number + 1))


def _resolves(record: Record, edits: int) -> bool:
    try:
        record.sequence(edits)
    except MalformedEditError:
        return False
    return True


def _read_tolerantly(record: Record) -> str:
    """Say what a malformed sequence gives if deletions are carried out and faults repaired."""
    if not record.programs:
        return ""
    lines = record.codec.resolve(record.text, record.start).program.lines
    right = any(lines == Program.from_text(program).lines for program in record.programs)
    return f" (read tolerantly, the edits give {'the program' if right else 'another program'})"


def _difference(given: Program, wanted: Program) -> str:
    """Say where two programs part."""
    for lineno, (mine, theirs) in enumerate(zip(given.lines, wanted.lines, strict=False), 1):
        if mine != theirs:
            return f"line {lineno} is {shorten(mine)}, not {shorten(theirs)}"
    return f"the edits give {len(given.lines)} lines, the program has {len(wanted.lines)}"


def _check_insertion_only(record: Record, row: _Row) -> None:
    """Check law 2 on what the edits say in the paper's format, and in any other on what they do."""
    changes = map(_said, record.edits) if record.codec is DIFF else _done(record)
    for number, (edit, (away, added)) in enumerate(zip(record.edits, changes, strict=True), 1):
        row.check(DELETES)
        row.check(ADDS)
        if away is not None:
            row.fail(DELETES, f"takes away {shorten(away)}", edit=number)
        if not added:
            row.fail(ADDS, f"adds nothing: {shorten(edit)}", edit=number)


def _said(edit: str) -> tuple[str | None, bool]:
    """Return the first line that an edit takes away, if it does, and whether it adds any."""
    rows = edit.split("\n")
    return next((text[1:] for text in rows if text.startswith("-")), None), any(text.startswith("+") for text in rows)


def _done(record: Record) -> Iterator[tuple[str | None, bool]]:
    """Yield the same for each edit of what it does to the state; one that is not well formed is read as it comes."""
    state = record.start
    for edit in record.edits:
        try:
            hunks = record.codec.read_edit(edit, state.lines)
        except EditFault:
            before, state = state, record.codec.resolve(f"{SEPARATOR}{edit}\n", state).program
            found = align(before.lines, state.lines)
            gone = found.index(-1) if -1 in found else None
            adds = len(state.lines) > len(before.lines) - found.count(-1)
            yield None if gone is None else before.lines[gone], adds
        else:
            state = Program(tuple(apply(hunks, state.lines)), state.final_newline)
            yield None, bool(hunks.hunks)


def _check_clean(sequence: EditSequence, program: str, judge: Judge, row: _Row) -> None:
    """Check law 3 on every state; the findings of the whole program are its own and count nowhere."""
    row.check(PROGRAM)
    if fault := judge.fault(program):
        row.fail(PROGRAM, fault)
        return
    for number, state in enumerate(sequence.states(), 1):
        row.check(COMPILES)
        if fault := judge.fault(state):
            row.fail(COMPILES, fault, edit=number)
            continue
        row.check(CLEAN)
        try:
            new = new_diagnostics(findings(judge.findings(program)), judge.findings(state))
        except ToolError as error:
            row.fail(CLEAN, str(error), edit=number)
            continue
        if new:
            row.fail(CLEAN, "; ".join(map(_say, new)), edit=number)
            row.report.findings.update({diagnostic.code for diagnostic in new})


def _say(diagnostic: Diagnostic) -> str:
    return f"line {diagnostic.line}: {diagnostic.code} {diagnostic.message}"


# A whole file, by one process or several


def verify(
    path: str,
    *,
    linter: str = get_language().default_linter,
    limit: int | None = None,
    workers: int | None = None,
    progress: Callable[[Report, int], None] | None = None,
) -> Report:
    """Return the report on the first `limit` rows of a data set, or on all.

    The work is shared by `workers` processes, as many as there are processors if not said; a small file is
    not worth starting any. `progress` is called now and then with the report so far and the bytes (or rows) of
    the file that are read.
    """
    report = Report()
    judge = Judge(linter)
    workers = workers or default_workers()
    batches = _batches(islice(_readable_lines(path, report), limit))
    first = list(islice(batches, 2))
    several = workers > 1 and len(first) > 1
    batches = chain(first, batches)
    parts = _check_in_processes(batches, linter, workers) if several else _check_batches(batches, judge)
    for part, place in parts:
        report.merge(part)
        if progress is not None:
            progress(report, place)
    return report


def _readable_lines(path: str, report: Report) -> Iterator[RawRow]:
    """Yield the lines of a file; that it cannot be read to its end is a failure like any other."""
    number = 0
    try:
        for line in read_rows(path):
            number = line.number
            yield line
    except BrokenInputError as error:
        row = _Row(report, number + 1)
        row.check(READ)
        row.fail(READ, str(error))
        report.bad_rows += 1


def _batches(lines: Iterator[RawRow]) -> Iterator[list[RawRow]]:
    """Yield the lines in batches that are worth sending to a process, and not too large for one."""
    batch: list[RawRow] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line.data)
        if len(batch) == _BATCH_ROWS or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _check_batches(batches: Iterator[list[RawRow]], judge: Judge) -> Iterator[tuple[Report, int]]:
    for batch in batches:
        yield check_rows(batch, judge), batch[-1].end


def _check_in_processes(batches: Iterator[list[RawRow]], linter: str, workers: int) -> Iterator[tuple[Report, int]]:
    """Yield the reports on the batches in their order; only a few batches are in memory at a time."""
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start_worker, initargs=(linter,))
    pending: deque[tuple[Future[Report], list[RawRow]]] = deque()
    try:
        for batch in batches:
            pending.append((pool.submit(_check_in_worker, batch), batch))
            if len(pending) > 2 * workers:
                yield _result(*pending.popleft())
        while pending:
            yield _result(*pending.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _result(future: "Future[Report]", batch: list[RawRow]) -> tuple[Report, int]:
    try:
        return future.result(), batch[-1].end
    except BrokenProcessPool:
        rows = f"rows {batch[0].number} to {batch[-1].number}"
        raise ToolError(f"a process died while {rows} or later ones were checked; --workers 1 finds which") from None


_judge: Judge
"""The judge of a worker process; it lives as long as the process, and so does what it remembers."""


def _start_worker(linter: str) -> None:
    global _judge  # noqa: PLW0603
    _judge = Judge(linter)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers


def _check_in_worker(batch: list[RawRow]) -> Report:
    return check_rows(batch, _judge)
