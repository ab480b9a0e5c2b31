"""Check the laws of edit sequences on a data set, whoever made it.

    1 exact        the edits resolve, and lead from the start to the program byte for byte
    2 monotone     no edit removes a line that an earlier one inserted, but a stub's placeholder, and each changes some
    3 clean        every state compiles, and has no finding more often than the start or the program has it
    4 round trip   the edits can be written and read again

Owns the checks and their counts. Reading records is left to `shapes`, edit texts to `codecs`, the judgment of
states to `linting`.
"""

import os
import tomllib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from lintseq.codecs import DIFF, STR_REPLACE, named_file
from lintseq.codecs.text import shorten
from lintseq.dataset.shapes import Record, read_record
from lintseq.edits import INITIAL, EditSequence, apply
from lintseq.errors import BrokenInputError, MalformedEditError, ProgramError, ToolError, check_at_least
from lintseq.languages import get_language, get_linter
from lintseq.linting import Diagnostic, findings, new_diagnostics
from lintseq.program import Program
from lintseq.rows import START, Input, RawRow, find_inputs, parse_row
from lintseq.storage import batched, default_workers, map_in_order

MAX_EXAMPLES = 3
"""How many failures of each check are kept as examples."""
_MAX_VERDICTS = 4096
_BATCH_ROWS = 32
_BATCH_BYTES = 4 << 20


# What is checked


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """What to check."""

    linter: str = get_language().default_linter
    """Linter that judges the states."""
    limit: int | None = None
    """Check only the first N rows."""


@dataclass(frozen=True, slots=True)
class LawCheck:
    """One condition of a law; `unit` is what is counted."""

    law: str
    description: str
    unit: str


CheckName = Literal["read", "resolves", "exact", "stays", "changes", "program", "compiles", "clean", "round-trip"]

_CHECKS: Any = tomllib.loads(Path(__file__).with_name("checks.toml").read_text(encoding="utf-8"))
CHECKS: Mapping[CheckName, LawCheck] = {name: LawCheck(*cells) for name, cells in _CHECKS.items()}


@dataclass(frozen=True, slots=True)
class LawFailure:
    """A check that failed."""

    check: CheckName
    file: str
    """The file, if there are several; otherwise empty."""
    row: int
    """The line of the file, from 1."""
    id: str
    edit: int | None
    """The edit, from 1, in or after which it fails; None for the row as a whole."""
    message: str


@dataclass(slots=True)
class VerifyReport:
    """What was checked and what failed in consecutive rows; reports can be merged."""

    shapes: Counter[str] = field(default_factory=Counter)
    """Shape -> rows."""
    checked: Counter[str] = field(default_factory=Counter)
    """Check -> how often it was made."""
    failed: Counter[str] = field(default_factory=Counter)
    """Check -> how often it failed."""
    findings: Counter[str] = field(default_factory=Counter)
    """Code of a new finding -> states that have it."""
    bad_rows: int = 0
    """Rows in which any check failed."""
    examples: dict[str, list[LawFailure]] = field(default_factory=dict)
    """The first failures of each check."""

    @property
    def rows(self) -> int:
        """Number of rows read."""
        return self.checked["read"]

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return not self.failed.total()

    def fail(self, failure: LawFailure) -> None:
        """Count a failure, and keep it if it is among the first of its check."""
        self.failed[failure.check] += 1
        kept = self.examples.setdefault(failure.check, [])
        if len(kept) < MAX_EXAMPLES:
            kept.append(failure)

    def merge(self, later: "VerifyReport") -> None:
        """Add the report on the rows that follow."""
        for name in ("shapes", "checked", "failed", "findings"):
            getattr(self, name).update(getattr(later, name))
        self.bad_rows += later.bad_rows
        for check, failures in later.examples.items():
            kept = self.examples.setdefault(check, [])
            kept += failures[: MAX_EXAMPLES - len(kept)]

    def as_dict(self, linter: str) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {
            "ok": self.ok,
            "rows": self.rows,
            "bad_rows": self.bad_rows,
            "shapes": dict(self.shapes),
            "linter": linter,
            "checks": {
                name: {"law": check.law, "checked": self.checked[name], "failed": self.failed[name]}
                for name, check in CHECKS.items()
            },
            "findings": dict(self.findings.most_common()),
            "examples": [asdict(failure) for name in CHECKS for failure in self.examples.get(name, [])],
        }


# How states are judged


class StateVerdicts:
    """Judges states, and remembers its verdicts: many sequences share states."""

    def __init__(self, linter: str) -> None:
        self._compile = lru_cache(_MAX_VERDICTS)(get_language().check_syntax)
        self.findings = lru_cache(_MAX_VERDICTS)(get_linter(linter).check)
        """Returns what the linter finds in a state; raises `ToolError` if the linter breaks."""

    def fault(self, state: str) -> str | None:
        """Return why a state does not compile, or None if it does."""
        return next((_text_of(diagnostic) for diagnostic in self._compile(state)), None)


@dataclass(frozen=True, slots=True)
class _RowChecks:
    """Adds the checks of one row to a report."""

    report: VerifyReport
    file: str
    number: int
    id: str = ""

    def check(self, check: CheckName) -> None:
        self.report.checked[check] += 1

    def fail(self, check: CheckName, message: str, *, edit: int | None = None) -> None:
        self.report.fail(LawFailure(check, self.file, self.number, self.id, edit, message))


def check_rows(lines: Iterable[tuple[str, RawRow]], judge: StateVerdicts) -> VerifyReport:
    """Return the report on some lines of a data set, each with its file."""
    report = VerifyReport()
    for file, line in lines:
        failed = report.failed.total()
        _check_row(file, line, judge, report)
        report.bad_rows += report.failed.total() > failed
    return report


def _check_row(file: str, line: RawRow, judge: StateVerdicts, report: VerifyReport) -> None:
    row = _RowChecks(report, file, line.number)
    row.check("read")
    try:
        record = read_record(parse_row(line.data))
    except ProgramError as error:
        row.fail("read", str(error))
        return
    format = STR_REPLACE.name if named_file(record.codec) else record.codec.name
    report.shapes[record.shape if record.codec is DIFF else f"{record.shape}/{format}"] += 1
    row = _RowChecks(report, file, line.number, str(record.id))
    sequence, program = _check_exact(record, row)
    _check_monotone(sequence, row)
    _check_clean(sequence, program, judge, row)
    _check_round_trip(record, sequence, row)


def _check_exact(record: Record, row: _RowChecks) -> tuple[EditSequence, str]:
    """Check law 1; return the sequence as far as it resolves, and the text of the program."""
    row.check("resolves")
    program = record.program
    try:
        sequence = record.sequence()
    except MalformedEditError as error:
        good = _good_edits(record)
        message = str(error).removeprefix(f"edit {good + 1}, ")
        row.fail("resolves", message + _after_repair(record), edit=good + 1)
        return record.sequence(good), program
    if record.programs:
        row.check("exact")
        for possible in record.programs:
            if sequence.program.lines == Program.from_text(possible).lines:
                return sequence, possible
        row.fail("exact", _difference(sequence.program, Program.from_text(program)))
    return sequence, program


def _good_edits(record: Record) -> int:
    """Return how many edits resolve before the first that does not."""

    def fails(number: int) -> bool:
        try:
            record.sequence(number + 1)
        except MalformedEditError:
            return True
        return False

    return bisect_left(range(len(record.edits)), True, key=fails)


def _after_repair(record: Record) -> str:
    """Return what a malformed sequence writes after repair, as a clause."""
    if not record.programs:
        return ""
    lines = record.codec.resolve(record.text, record.start).program.lines
    right = any(lines == Program.from_text(program).lines for program in record.programs)
    return f" (after repair, the edits write {'the program' if right else 'another program'})"


def _difference(written: Program, wanted: Program) -> str:
    """Return where two programs differ first."""
    for lineno, (line, wanted_line) in enumerate(zip(written.lines, wanted.lines, strict=False), 1):
        if line != wanted_line:
            return f"line {lineno} is {shorten(line)}, not {shorten(wanted_line)}"
    return f"the edits write {len(written.lines)} lines, the program has {len(wanted.lines)}"


def _check_monotone(sequence: EditSequence, row: _RowChecks) -> None:
    """Check law 2 on the edits that resolve."""
    lines, is_placeholder = sequence.merged.lines, get_language().is_placeholder
    state = list(sequence.start.lines)
    for number, (edit, removed) in enumerate(zip(sequence.edits, sequence.removed(), strict=True), 1):
        row.check("stays")
        row.check("changes")
        back = (i for i in removed if sequence.arrivals[i] != INITIAL and not is_placeholder(lines[i]))
        if (index := next(back, None)) is not None:
            message = f"removes {shorten(lines[index])}, which edit {sequence.arrivals[index] + 1} inserted"
            row.fail("stays", message, edit=number)
        before, state = state, apply(edit, state)
        if before == state:
            row.fail("changes", "leaves the state as it was", edit=number)


def _check_round_trip(record: Record, sequence: EditSequence, row: _RowChecks) -> None:
    """Check law 4: the edits that resolve, written again in the same format, give the same states."""
    row.check("round-trip")
    codec, final_newline = record.codec, sequence.program.final_newline
    try:
        again = codec.read_edits(codec.write_edits(sequence), sequence.start, final_newline=final_newline)
    except MalformedEditError as error:
        row.fail("round-trip", str(error))
        return
    pairs = zip(sequence.states(), again.states(), strict=False)
    different = next((number for number, (state, other) in enumerate(pairs, 1) if state != other), None)
    if different is not None or len(again) != len(sequence):
        row.fail("round-trip", "the edits, written and read again, lead to another state", edit=different)


def _check_clean(sequence: EditSequence, program: str, judge: StateVerdicts, row: _RowChecks) -> None:
    """Check law 3 on every state; findings of the program, or of the start, do not count."""
    start = sequence.start.text
    for version, text in (("", program), ("the start: ", start)):
        if text or not version:
            row.check("program")
            if fault := judge.fault(text):
                row.fail("program", version + fault)
                return
    for number, state in enumerate(sequence.states(), 1):
        row.check("compiles")
        if fault := judge.fault(state):
            row.fail("compiles", fault, edit=number)
            continue
        row.check("clean")
        try:
            known = findings(judge.findings(program)) | findings(judge.findings(start) if start else ())
            new = new_diagnostics(known, judge.findings(state))
        except ToolError as error:
            row.fail("clean", str(error), edit=number)
            continue
        if new:
            row.fail("clean", "; ".join(map(_text_of, new)), edit=number)
            row.report.findings.update({diagnostic.code for diagnostic in new})


def _text_of(diagnostic: Diagnostic) -> str:
    return f"line {diagnostic.line}: {diagnostic.code} {diagnostic.message}"


# A whole data set


def verify(
    data: str | os.PathLike[str] | Sequence[str],
    options: VerifyOptions | None = None,
    *,
    workers: int | None = None,
    on_progress: Callable[[VerifyReport, int], None] | None = None,
) -> VerifyReport:
    """Return the report on a data set: a file or folder of any kind, several of them, or `-` for standard input.

    `workers` processes share the work, by default one per processor; a small file is checked in this one.
    `on_progress` is called with the report so far and with the bytes (or rows) of the file that are checked. Raises
    `ConfigError` for an unknown linter or a file that cannot be read.
    """
    options = options or VerifyOptions()
    check_at_least(1, {"--limit": options.limit, "--workers": workers})
    report = VerifyReport()
    get_linter(options.linter)  # raises for an unknown one, before any work
    specs = data if isinstance(data, Sequence) and not isinstance(data, str) else [os.fspath(data)]
    inputs = [found for spec in specs for found in find_inputs(spec)]
    rows = islice(_readable_rows(inputs, report), options.limit)
    batches = batched(rows, _BATCH_ROWS, max_bytes=_BATCH_BYTES, size=lambda row: len(row[1].data))
    first = list(islice(batches, 2))
    workers = (workers or default_workers()) if len(first) > 1 else 1
    parts = map_in_order(partial(_make_check, options.linter), chain(first, batches), workers=workers)
    for batch, part in parts:
        report.merge(part)
        if on_progress is not None:
            on_progress(report, batch[-1][1].end)
    return report


def _make_check(linter: str) -> Callable[[list[tuple[str, RawRow]]], VerifyReport]:
    return partial(check_rows, judge=StateVerdicts(linter))


def _readable_rows(inputs: Sequence[Input], report: VerifyReport) -> Iterator[tuple[str, RawRow]]:
    """Yield the rows of files, with the file if there are several; that one has no end is a failure like any other."""
    for found in inputs:
        file, number = found.path if len(inputs) > 1 else "", 0
        try:
            for row in found.read(START):
                number = row.number
                yield file, row
        except BrokenInputError as error:
            checks = _RowChecks(report, file, number + 1)
            checks.check("read")
            checks.fail("read", str(error))
            report.bad_rows += 1
